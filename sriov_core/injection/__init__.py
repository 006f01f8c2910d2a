"""A pod in, the patch that requests the devices of its networks out. Nothing here does I/O."""
