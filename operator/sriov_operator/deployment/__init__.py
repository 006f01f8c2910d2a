"""SriovOperatorConfig in; everything that is deployed in the cluster, and how far it has come, out."""
