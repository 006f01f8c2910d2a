"""The kit for driver authors: a machine that refuses what the kernel refuses, machines as data, the suite.

Import from its modules: `conformance` needs pytest, `kernel` and `trees` also serve ``--host`` on a plain install.
"""
