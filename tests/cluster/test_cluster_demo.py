"""`make demo-cluster` goes through to its end, leaves nothing behind, and is told in docs/recordings.md as it ran."""

import importlib.util
import os
import subprocess  # noqa: TID251  # the program as people start it is what is tested
import sys
from pathlib import Path

from servers import Binaries

ROOT = Path(__file__).parents[2]
DEMO, RECORDINGS = ROOT / "tests" / "cluster" / "servers_demo.py", ROOT / "docs" / "building" / "recordings.py"
PROMPT_S = 400


def test_the_story_on_a_real_api_server_is_as_it_was_recorded(recent: Binaries, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, str(DEMO)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROMPT_S,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), f"{ran.stdout}\n{ran.stderr}"
    assert list(tmp_path.iterdir()) == []
    assert [line for line in ran.stdout.splitlines() if len(line) > 125] == []
    spec = importlib.util.spec_from_file_location("recordings", RECORDINGS)
    assert spec
    assert spec.loader
    recordings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recordings)
    page = recordings.PAGE.read_text()
    told = recordings.timeless(ran.stdout), recordings.timeless(recordings.recorded(page, recordings.CLUSTER))
    assert told[0] == told[1], f"make recordings writes it anew; it is\n{ran.stdout}"
