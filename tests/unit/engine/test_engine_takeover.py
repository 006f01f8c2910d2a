"""A node that the Go operator configured is taken over as it stands, once, and can still be given back."""

import json

import pytest
from engine_machines import OTHER, PF, WISHED, converge, engine, ifindexes, port, remembered, spec, state, tree, wish

from sriov_core.engine.journal import Journal
from sriov_core.engine.takeover import CHECKPOINT, PREDECESSOR, STORE, adopt, predecessors
from sriov_core.model.desired import Baseline, NodeSpec
from sriov_core.model.observed import EswitchMode, LinkType, Nic
from sriov_core.model.record import NicRecord
from sriov_core.testing.world import FakeWorld

NOTHING = NodeSpec()
APPLIED = json.dumps({"pciAddress": str(PF), "numVfs": 4, "mtu": 9000, "name": "eth0"})
EXTERNAL = json.dumps({"pciAddress": str(PF), "numVfs": 4, "externallyManaged": True})


def checkpoint(**facts) -> str:
    return json.dumps(
        {"status": {"interfaces": [{"pciAddress": str(OTHER), "mtu": 1}, {"pciAddress": str(PF), **facts}]}}
    )


def left_behind(files: dict[str, str], *, configured: bool = True) -> FakeWorld:
    """A machine as the other operator left it: four VFs, two of them on vfio-pci, and its files."""
    host = FakeWorld(tree(port(PF, 0), port(OTHER, 1), other_files=files))
    if configured:
        assert converge(host, spec()).converged
    return host


def test_a_node_is_taken_over_without_touching_a_vf():
    host, journal = left_behind({f"{STORE}/{PF}": APPLIED}), Journal(path=None)
    before = host.tree()
    result = converge(engine(host, journal), spec(), approve=never)
    assert (result.converged, result.first.is_empty, host.tree() == before) == (True, True, True)
    assert remembered(journal).source == PREDECESSOR
    assert remembered(journal, OTHER) is None


def never(plan):
    raise AssertionError([entry.step.describe() for entry in plan.steps])


BEFORE = {
    "nothing-known": ({}, Baseline(mtu=1500)),
    "mtu-known": ({CHECKPOINT: checkpoint(mtu=4000)}, Baseline(mtu=4000)),
    "mtu-unknown-to-it": ({CHECKPOINT: checkpoint(mtu=0)}, Baseline(mtu=1500)),
    "mode-known": (
        {CHECKPOINT: checkpoint(mtu=1500, eSwitchMode="switchdev")},
        Baseline(mtu=1500, eswitch_mode=EswitchMode.SWITCHDEV),
    ),
    "a-mode-nobody-knows": ({CHECKPOINT: checkpoint(eSwitchMode="x")}, Baseline(mtu=1500)),
    "another-card-only": ({CHECKPOINT: json.dumps({"status": {"interfaces": []}})}, Baseline(mtu=1500)),
    "a-checkpoint-cut-off": ({CHECKPOINT: checkpoint(mtu=4000)[:-9]}, Baseline(mtu=1500)),
    "a-checkpoint-of-another-shape": ({CHECKPOINT: '{"status": [], "x": 1}'}, Baseline(mtu=1500)),
    "a-checkpoint-that-is-a-list": ({CHECKPOINT: "[1, 2]"}, Baseline(mtu=1500)),
    "entries-of-another-shape": ({CHECKPOINT: '{"status": {"interfaces": [7, null]}}'}, Baseline(mtu=1500)),
}


@pytest.mark.parametrize(("files", "baseline"), BEFORE.values(), ids=BEFORE)
def test_the_way_back_is_the_one_the_other_operator_would_go(files, baseline):
    host = left_behind({f"{STORE}/{PF}": APPLIED, **files}, configured=False)
    nics = engine(host).snapshot().nics
    assert [record.baseline for record in predecessors(nics, host)] == [baseline]


def test_infiniband_goes_back_to_its_own_usual_mtu():
    host = left_behind({f"{STORE}/{PF}": APPLIED}, configured=False)
    nic = Nic(address=PF, vendor="15b3", device="1017", link_type=LinkType.IB)
    assert [record.baseline.mtu for record in predecessors([nic], host)] == [2048]


@pytest.mark.parametrize("text", [APPLIED[:20], "", "[]", "null"], ids=["cut-off", "empty", "a-list", "null"])
def test_a_store_file_that_cannot_be_read_still_says_whose_the_nic_is(text):
    host, journal = left_behind({f"{STORE}/{PF}": text}), Journal(path=None)
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert state(host)["vfs"] == []


def test_what_the_other_operator_configured_is_given_back_when_nobody_wishes_for_it():
    host, journal = left_behind({f"{STORE}/{PF}": APPLIED, CHECKPOINT: checkpoint(mtu=4000)}), Journal(path=None)
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host)["vfs"], state(host)["mtu"], state(host)["up"]) == ([], 4000, True)


def test_what_was_given_back_once_is_not_taken_away_from_the_next_owner():
    host, journal = left_behind({f"{STORE}/{PF}": APPLIED}), Journal(path=None)
    converge(engine(host, journal), NOTHING, release=True)
    host.set_num_vfs(PF, 3)  # by an administrator, later
    again = converge(engine(host, journal), NOTHING, release=True, approve=never)
    assert (again.converged, len(state(host)["vfs"])) == (True, 3)


def test_an_externally_managed_pf_of_the_other_operator_is_never_given_back():
    host, journal = left_behind({f"{STORE}/{PF}": EXTERNAL}), Journal(path=None)
    assert converge(engine(host, journal), NOTHING, release=True, approve=never).converged
    assert state(host) == WISHED


def test_without_its_file_a_nic_is_somebody_elses():
    host = left_behind({})
    before = host.tree()
    assert converge(host, NOTHING, release=True, approve=never).converged
    assert host.tree() == before


def test_our_own_record_comes_first_and_a_record_is_taken_over_once():
    host = left_behind({f"{STORE}/{PF}": APPLIED}, configured=False)
    nics = engine(host).snapshot().nics
    own = NicRecord(address=PF, baseline=Baseline(mtu=7000))
    assert adopt({PF: own}, nics, host) == {PF: own}
    assert set(adopt({}, nics, host)) == {PF}
    assert adopt({}, nics, host, taken_over=(str(PF),)) == {}


def test_the_record_of_a_card_that_moved_is_not_given_to_the_card_in_its_place():
    host, journal = left_behind({f"{STORE}/{PF}": APPLIED}), Journal(path=None)
    converge(engine(host, journal), spec())
    moved = tree(port(PF, 5), port(OTHER, 0), other_files={f"{STORE}/{PF}": APPLIED})
    after = FakeWorld(moved)
    after.set_num_vfs(PF, 2)
    assert converge(engine(after, journal), NOTHING, release=True).converged
    assert len(state(after)["vfs"]) == 2, "a card that was never ours is not reset"


def test_taking_over_and_changing_keeps_the_vfs_that_fit():
    host, journal = left_behind({f"{STORE}/{PF}": APPLIED}), Journal(path=None)
    before = ifindexes(host)
    assert converge(engine(host, journal), spec(wish(vfio=3, netdevs=1))).converged
    assert ifindexes(host)[3] == before[3]
