"""SR-IOV for Linux nodes: look, decide, do, look again."""

__version__ = "0.1.0"
