"""Frozen values: what is, what is wished, what would be done. Nothing here does I/O."""
