"""The command line of the control plane; a command's module is loaded when it is called."""


def main() -> None:
    """Run the command that was typed; ends the process with the command's exit code."""
    from sriov_operator.program import program  # noqa: PLC0415  # importing the package stays free

    program.main(prog_name="sriov-operator")
