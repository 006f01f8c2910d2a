"""The recorded copies of the two demonstrations, and the pictures: what ``make recordings`` writes anew.

A page says where a copy goes by two lines, ``<!-- recording NAME -->`` and ``<!-- end of NAME -->``. A copy that
differs from the new one in times and ages only is kept. Exit code 1 when a demonstration failed, after what came before
it was written.
"""

import os
import re
import subprocess  # noqa: TID251  # the demonstrations as people start them are what is recorded
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

from sriov_core.cli.program import program

ROOT = Path(__file__).parents[2]
README, PAGE = ROOT / "README.md", ROOT / "docs" / "recordings.md"
PICTURES = ROOT / "docs" / "pictures"
STORY, EXCERPT, CLUSTER = "make demo", "a part of make demo", "make demo-cluster"
COMMANDS = {
    STORY: ("sh", "docs/demo/demo.sh"),
    CLUSTER: (sys.executable, "tests/cluster/servers_demo.py"),
}
DEADLINE_S = 600
CHAPTERS = (5, 6, 7)
"""Those of the story that the README shows."""
DRAWN = {
    "xl710-two-uses": ("tests/trees/intel-xl710.yaml", "docs/demo/two-groups.yaml"),
    "connectx6dx-switchdev": ("tests/trees/mellanox-connectx6dx.yaml", "docs/demo/switchdev.yaml"),
    "pod-with-a-vf": ("docs/demo/live/worker-2.yaml", ""),
    "ailing": ("docs/demo/ailing.yaml", ""),
}
"""The name of each picture: a simulated machine, and the policies that are applied before."""
_TIMES = re.compile(r"\b[0-9]+\.[0-9]+ s\b|\b(?:[0-9]+[smhd])+\b|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


class Failed(Exception):
    """A demonstration, or a command that draws, ended as it should not; the text has what it said."""


def record(command: tuple[str, ...]) -> str:
    """What a demonstration prints."""
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def timeless(text: str) -> str:
    """Without times and ages, and without white space, which depends on how long they are."""
    return re.sub(r"\s+", "", _TIMES.sub("TIME", text))


def excerpt(story: str) -> str:
    """The chapters for the README."""
    parts = re.split(r"\n(?=[0-9]+\. )", story)
    return "\n".join(part for part in parts if part.split(".")[0] in map(str, CHAPTERS))


def recorded(page: str, name: str) -> str:
    """The copy of that name in a page."""
    return _block(page, name)["text"]


def replaced(page: str, name: str, text: str) -> str:
    """The page with this copy, unless it has one that differs in times only."""
    found = _block(page, name)
    if timeless(found["text"]) == timeless(text):
        return page
    return page[: found.start("text")] + text + page[found.end("text") :]


def _block(page: str, name: str) -> re.Match[str]:
    around = rf"<!-- recording {name} -->\n```text\n(?P<text>.*?)```\n<!-- end of {name} -->"
    if not (found := re.search(around, page, re.DOTALL)):
        raise Failed(f"no page has the two lines for the recording {name}")
    return found


def drawing(name: str, folder: Path) -> str:
    """The picture of that name, drawn now; an empty folder stands for the machine's own file system.

    Its models are called as the plugins call them, then, since no pci.ids is found.
    """
    machine, policies = DRAWN[name]
    host, saved = str(ROOT / machine), str(folder / f"{name}.yaml")
    at = ("--root", str(folder), "--journal", str(folder / f"{name}.json"))
    if policies:
        _ran("apply", "--yes", "-f", str(ROOT / policies), "--host", host, "--save", saved, *at)
    return _ran("probe", "-o", "svg", "--host", saved if policies else host, *at)


def _ran(*arguments: str) -> str:
    done = CliRunner().invoke(program, arguments, prog_name="sriov-core")
    if done.exit_code not in (0, 2):  # 2: a finding says fail
        raise Failed(f"sriov-core {' '.join(arguments)}: {done.output}")
    return done.stdout


def main() -> int:
    """Write all of it; the exit code."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in DRAWN:
            (PICTURES / f"{name}.svg").write_text(drawing(name, Path(folder)))
    story = record(COMMANDS[STORY])
    README.write_text(replaced(README.read_text(), EXCERPT, excerpt(story)))
    PAGE.write_text(replaced(PAGE.read_text(), STORY, story))
    PAGE.write_text(replaced(PAGE.read_text(), CLUSTER, record(COMMANDS[CLUSTER])))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as err:
        sys.exit(str(err))
