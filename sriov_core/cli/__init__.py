"""The command line: one file a verb, loaded when it is called, so that `probe` starts without what others need."""


def main() -> None:
    """Run the command that was typed; ends the process with the verb's exit code."""
    from sriov_core.cli.program import program  # noqa: PLC0415  # importing the package for a helper stays free

    program.main(prog_name="sriov-core")
