"""How the figures of a cluster are counted: whose requests, which objects, and whose processes."""

import json
import os
import sys

import pytest

from bench import __main__ as program
from bench import cluster_etcd as etcd
from bench.cluster_objects import asks_for, state, wish
from bench.cluster_process import running
from bench.cluster_requests import Audit, Request, count, found, told
from bench.figure import Figure

STATES = "sriovnetworknodestates"
WROTE = Request("patch", STATES)


def line(verb="patch", resource=STATES, stage="ResponseComplete", agent="sriov-operator/0.1.0", sub=""):
    about = {"resource": resource, "name": "node1", **({"subresource": sub} if sub else {})}
    return json.dumps({"stage": stage, "verb": verb, "userAgent": agent, "objectRef": about}).encode()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(line(), [WROTE], id="a-write"),
        pytest.param(line(sub="status"), [Request("patch", f"{STATES}/status")], id="of-a-subresource"),
        pytest.param(line(verb="list"), [Request("list", STATES)], id="a-list"),
        pytest.param(line(agent="kubectl/1.36 sriov-operator/"), [], id="somebody-elses"),
        pytest.param(line(resource="leases"), [], id="its-lease"),
        pytest.param(line(verb="watch", stage="ResponseStarted"), [Request("watch", STATES)], id="a-watch-begins"),
        pytest.param(line(verb="watch"), [], id="a-watch-ends"),
    ],
)
def test_the_requests_of_one_program(written, expected):
    assert list(found([written, b'{"half": '], "sriov-operator/")) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param("", 3, id="all"),
        pytest.param(STATES, 2, id="with-its-subresources"),
        pytest.param(f"{STATES}/status", 1, id="a-subresource"),
        pytest.param("pods", 0, id="none"),
    ],
)
def test_writes_are_counted_by_resource_and_reads_are_not(resource, expected):
    requests = [WROTE, Request("patch", f"{STATES}/status"), Request("create", "events"), Request("list", STATES)]
    assert count(requests, resource) == expected


def test_a_line_that_is_half_written_belongs_to_what_comes_after(tmp_path):
    log = tmp_path / "audit.log"
    audit = Audit(log, "sriov-operator/")
    log.write_bytes(line(verb="get") + b"\n" + line()[:30])
    moment = audit.now()
    assert audit.since(moment) == []
    log.write_bytes(line(verb="get") + b"\n" + line() + b"\n")
    assert audit.since(moment) == [WROTE]
    assert audit.since(audit.now()) == []
    assert len(audit.since(0)) == 2


def test_requests_are_told_by_kind_the_most_frequent_first():
    assert told([Request("get", "pods"), WROTE, WROTE]) == f"2 x patch {STATES}, 1 x get pods"
    assert told([]) == "none"


def test_an_object_of_etcd_is_found_in_its_answer():
    stored = b"k8s\0" + bytes(range(256)) * 300
    key_and_value = etcd._field(1, b"/registry/x") + bytes([3 << 3, 0x96, 0x01]) + etcd._field(5, stored)
    answer = etcd._field(1, b"a header") + etcd._field(2, key_and_value) + bytes([4 << 3, 1])
    assert etcd._stored(answer) == stored


def test_a_node_state_asks_for_a_resource_only_with_a_wish():
    empty = state("node1")
    assert not asks_for(empty, "all")
    assert asks_for({**empty, "spec": wish("ens803f0", "all")}, "all")


def test_a_process_is_measured_while_it_runs_and_gone_afterwards(tmp_path):
    does = "import time\nheld = bytearray(80 << 20)\nprint('here', flush=True)\nwhile True: time.sleep(0.001)"
    with running("busy", [sys.executable, "-c", does], {}, tmp_path / "log") as daemon:
        daemon.told("here", 30)
        assert 80 < daemon.size().rss_mb <= daemon.size().peak_mb < 120
        daemon.until(lambda: daemon.cpu_s() > 0, 30)
        pid = daemon.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_process_said_before_it_ended_is_told(tmp_path):
    argv = [sys.executable, "-c", "raise SystemExit('no way in')"]
    with (
        pytest.raises(SystemExit, match="no way in"),
        running("broken", argv, {}, tmp_path / "log") as daemon,
    ):
        daemon.told("here", 30)


def test_a_group_is_all_of_its_parts_once(monkeypatch, capsys):
    def one(name):
        return lambda: iter([Figure(name=name, value=1.0, unit="s", detail="a test")])

    known = {name: one(name) for names in program.GROUPS.values() for name in names}
    monkeypatch.setattr(program, "parts", lambda _: known)
    assert program.main(["node", "lab"]) == 0
    assert [json.loads(row)["name"] for row in capsys.readouterr().out.splitlines()] == list(program.GROUPS["node"])
    assert program.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(known)


def test_every_part_is_in_a_group(tmp_path):
    assert set(program.parts(tmp_path)) == {name for names in program.GROUPS.values() for name in names}
