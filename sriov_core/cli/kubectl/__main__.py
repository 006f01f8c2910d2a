"""``python -m sriov_core.cli.kubectl`` does what the command ``kubectl-sriov`` does."""

from sriov_core.cli.kubectl import main

if __name__ == "__main__":
    main()
