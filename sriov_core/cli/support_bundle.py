"""``sriov-core support-bundle``: everything a maintainer asks for, in one redacted file. Reads only."""

from collections.abc import Iterator

import click

from sriov_core.cli import bundlefile
from sriov_core.cli.bundle import collect
from sriov_core.cli.bundlefile import Bundle
from sriov_core.cli.machine import open_machine
from sriov_core.cli.options import Settings, host_options, no_color_option
from sriov_core.cli.screen import Block, Line, Session, Table, Tone

DEFAULT = f"{bundlefile.FOLDER}.tar.gz"


@click.command("support-bundle", short_help="everything a maintainer asks for, redacted")
@click.option("--output", "out", metavar="FILE", default=DEFAULT, show_default=True, help="- is standard output.")
@host_options
@no_color_option
@click.pass_obj
def verb(session: Session, out: str, settings: Settings) -> int:
    """Write what `probe` sees, a capture, the journal, the boot file and its plan, versions and the kernel's log.

    MACs, GUIDs, IP addresses, serial numbers and the host's name are replaced by hashes: equal ones stay equal within
    the bundle. Exit code: 0 written, whatever could not be read; 1 for an error.
    """
    bundle = collect(open_machine(settings))
    bundlefile.write(out, bundlefile.packed(bundle))
    if out == "-":
        for name, why in sorted(bundle.missing.items()):
            session.note(f"{name} is not in it: {why}")
        return 0
    session.say(*_blocks(bundle, out))
    return 0


def _blocks(bundle: Bundle, out: str) -> Iterator[Block]:
    yield Line(f"written: {out}", Tone.GOOD)
    yield Table(
        ("FILE", "BYTES"), tuple((name, str(len(bundle.parts[name].encode()))) for name in sorted(bundle.parts))
    )
    for name, why in sorted(bundle.missing.items()):
        yield Line(f"not in it: {name}: {why}", Tone.ADVICE)
    yield Line("Look through it before you hand it on; identities are hashed, names of netdevs and drivers are not")
