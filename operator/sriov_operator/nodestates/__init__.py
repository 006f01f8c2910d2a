"""Policies and Nodes in; node states, labels, device plugin config and the status of policies out."""
