"""Look, decide, do, look again: success is said only of what was read back from the kernel afterwards."""
