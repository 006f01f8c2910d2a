"""Networks in; NetworkAttachmentDefinitions and the status of networks out."""
