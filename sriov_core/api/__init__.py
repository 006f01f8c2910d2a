"""The Kubernetes wire types of sriovnetwork.openshift.io/v1 and how files with them are read. Nothing here does I/O."""
