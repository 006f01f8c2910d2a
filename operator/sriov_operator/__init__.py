"""The control plane: policies to node states, networks to attachments, drains and reboots."""
