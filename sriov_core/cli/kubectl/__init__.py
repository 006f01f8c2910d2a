"""``kubectl sriov``: the cluster as its objects tell it, for people. Reads only, each request with a deadline."""


def main() -> None:
    """Run the command that was typed; ends the process with its exit code."""
    from sriov_core.cli.kubectl.program import program  # noqa: PLC0415  # importing the package stays free

    program.main(prog_name="kubectl sriov")
