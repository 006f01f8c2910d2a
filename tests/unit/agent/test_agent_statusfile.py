"""The report that is kept on the node: written when it changes, with what went wrong last, and never in the way."""

import json
from pathlib import Path

import attrs
import msgspec
import pytest
from agent_machines import Cluster, agent, interface, world

from sriov_core.agent.statusfile import StatusFile
from sriov_core.api.nodestate import NodeStateStatus

GOOD, BAD = NodeStateStatus(sync_status="Succeeded"), NodeStateStatus(sync_status="Failed", last_sync_error="too few")


@pytest.fixture
def file(tmp_path: Path) -> StatusFile:
    return StatusFile(path=str(tmp_path / "run/sriov-core/agent-status.json"))


def kept(file: StatusFile) -> dict[str, object]:
    return json.loads(Path(file.path).read_text())


def test_the_report_is_kept_as_the_cluster_gets_it(file: StatusFile) -> None:
    file.keep(GOOD)
    assert kept(file)["status"] == msgspec.to_builtins(GOOD)
    assert (kept(file)["format"], kept(file)["last_failure"]) == (1, None)


def test_the_report_is_for_root_alone(file: StatusFile) -> None:
    file.keep(GOOD)
    assert Path(file.path).stat().st_mode & 0o777 == 0o600


def test_a_text_that_cannot_be_written_stops_nothing(file: StatusFile) -> None:
    file.keep(NodeStateStatus(sync_status="Failed", last_sync_error="\udc80"))
    assert not Path(file.path).exists()


def test_what_went_wrong_last_stays_when_it_is_over(file: StatusFile) -> None:
    file.keep(BAD)
    first = kept(file)["last_failure"]
    file.keep(GOOD)
    assert kept(file)["last_failure"] == first
    assert first["text"] == "too few"
    assert kept(file)["status"]["syncStatus"] == "Succeeded"


def test_a_report_that_is_the_same_is_not_written_again(file: StatusFile) -> None:
    file.keep(GOOD)
    Path(file.path).unlink()
    file.keep(NodeStateStatus(sync_status="Succeeded"))
    assert not Path(file.path).exists()
    file.keep(BAD)
    assert Path(file.path).exists()


def test_a_place_that_cannot_be_written_is_told_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (tmp_path / "run").write_text("no folder")
    file = StatusFile(path=str(tmp_path / "run/agent-status.json"))
    for status in (GOOD, BAD, GOOD):
        file.keep(status)
    assert len([record for record in caplog.records if "is not kept" in record.message]) == 1


def test_an_agent_keeps_its_report_and_its_failure(file: StatusFile) -> None:
    cluster = Cluster()
    work = agent(world(), cluster)
    work.voice = attrs.evolve(work.voice, file=file)
    cluster.wishes(interface(vfs=4096))
    work.run()
    assert kept(file)["status"]["syncStatus"] == "Failed"
    assert "4096" in kept(file)["last_failure"]["text"]
    cluster.wishes(interface())
    work.run()
    assert kept(file)["status"]["syncStatus"] == "Succeeded"
    assert "4096" in kept(file)["last_failure"]["text"]
