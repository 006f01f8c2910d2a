"""Runs the command line as ``python -m sriov_operator``."""

from sriov_operator.cli import main

if __name__ == "__main__":
    main()
