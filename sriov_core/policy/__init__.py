"""Policies and NICs in, the wish for the node and the reasons out. Nothing here does I/O."""
