"""The kit for driver authors: a machine that refuses what the kernel refuses, trees that describe machines, the suite.

Import from its modules: `conformance` needs pytest, while `kernel` and `trees` also serve ``--host`` on a plain install.
"""
