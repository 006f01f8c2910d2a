"""``python -m sriov_core`` does what the command ``sriov-core`` does."""

from sriov_core.cli import main

if __name__ == "__main__":
    main()
