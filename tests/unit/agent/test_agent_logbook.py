"""What the agent's log tells: every fact of a node's life once, in the order in which it happens."""

import logging

import attrs
import pytest
from agent_machines import OTHER, PF, Cluster, Plugin, agent, interface, operate, used, world

from sriov_core.agent.logbook import Logbook
from sriov_core.agent.wish import of_text


@pytest.fixture
def told(caplog):
    """The lines since it was asked last."""
    caplog.set_level(logging.INFO, logger="sriov_core.agent")

    def take() -> list[str]:
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    return take


def test_a_wish_its_plan_and_its_end_are_a_line_each(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    takes, plan, done, verdict = told()
    assert (takes, plan, verdict) == (
        "takes the wish of SriovNetworkNodeState sriov/worker, generation 2: 1 NIC",
        "plan: 7 steps on 1 NIC, cost: none; no drain, no reboot",
        "Succeeded: 1 NIC as wished",
    )
    assert done.startswith(f"{PF} (eth0): 7 steps done in ")
    assert ", cost: none: driver autoprobe on -> off; VFs 0 -> 2; " in done
    work.run()
    work.run()
    assert told() == [], "nothing has changed"


def test_work_that_costs_something_is_told_as_it_begins_and_ends_nic_by_nic(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    cluster.wishes(interface(vfs=4))
    told()
    work.run()
    lines = told()
    begun, done = (next(line for line in lines if words in line) for words in ("begins", " done in "))
    assert begun.startswith(f"{PF} (eth0): begins ")
    assert "cost: vf-loss (vf0-vf1 in use by nobody known)" in begun
    assert done.startswith(f"{PF} (eth0): ")
    assert lines[-1] == "Succeeded: 1 NIC as wished"


def test_vfs_that_are_given_back_are_told_as_such_and_why(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface(), interface(OTHER))
    work.run()
    cluster.wishes(interface())
    told()
    work.run()
    lines = told()
    begun, done = (next(line for line in lines if words in line) for words in ("begins", " done in "))
    assert begun.startswith(f"{OTHER} (eth1): is given back, as the wish does not have it any more: begins ")
    assert done.startswith(f"{OTHER} (eth1): given back, ")


def test_a_drain_is_told_with_what_it_is_for(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4))
    told()
    work.run()
    _, plan, verdict = told()
    assert "cost: drain" in plan
    assert verdict.startswith("InProgress: ")
    assert "vf0 is used by" in verdict
    assert verdict.endswith("; waits for the drain that it asks for")
    operate(cluster)
    work.run()
    (verdict,) = told()
    assert verdict.endswith("; waits for the drain to end")
    operate(cluster)
    work.run()
    assert told()[-1] == "Succeeded: 1 NIC as wished"


def test_a_failure_is_told_once_however_often_it_is_tried_and_so_is_its_end(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface(), interface(OTHER, 0, mtu=9000))
    work.run()
    lines = told()
    assert [line for line in lines if "ENOMEM" in line] == [lines[-1]]
    assert lines[-1].startswith("Failed: step ")
    for _ in range(5):
        work.run()
    assert [line for line in told() if not line.startswith("plan: ")] == []
    work.run()
    assert told() == []
    host.heal()
    work.run()
    done, verdict = told()
    assert "7 steps done in" in done
    assert verdict == "Succeeded: 2 NICs as wished"


def test_drift_is_told_each_time_it_was_mended(told):
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    for _ in range(2):
        work.run()
        told()
        host.zero_behind_our_back(PF)
        work.run()
        plan, _, verdict = told()
        assert plan.startswith("the node has changed without a new wish; plan: ")
        assert verdict == "Succeeded: 1 NIC as wished"


def test_a_reboot_is_told_before_it_begins(told):
    host, cluster = world(other_net_namespaces=1), Cluster()
    work = agent(host, cluster)
    cluster.wishes(rdmaMode="exclusive")
    for _ in range(5):
        work.run()
        operate(cluster)
    lines = told()
    begun = lines.index("the machine was told to reboot; nothing more is done in this boot")
    assert lines[begun - 1].startswith("InProgress: rebooting: ")
    assert lines[-1] == "Succeeded: Nothing is wished."


def test_what_the_agent_waits_for_is_told_with_what_to_do(told):
    host, cluster = world(), Cluster(on=None)
    work = agent(host, cluster)
    work.run()
    work.run()
    assert told() == ["no config"]
    cluster.on, cluster.gone = Cluster().on, True
    work.run()
    work.run()
    assert told() == [], "the same words"
    cluster.gone = False
    work.run()
    cluster.gone = True
    told()
    work.run()
    assert told() == ["no config"], "it is missing once more"


def test_a_file_that_has_changed_is_told_though_it_looks_alike(told):
    book, state = Logbook(), "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetworkNodeState\n"
    texts = [
        f'{state}metadata: {{name: x}}\nspec: {{interfaces: [{{pciAddress: "{PF}", numVfs: {n}}}]}}' for n in (2, 3)
    ]
    for text in (texts[0], texts[0], texts[1]):
        book.takes(of_text(text, "wish.yaml"))
    assert told() == ["takes the wish in wish.yaml: 1 NIC"] * 2


def test_what_cannot_be_done_for_the_device_plugin_is_told_once(told):
    plugin = Plugin(refuses="no answer")
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    host.zero_behind_our_back(PF)
    work.run()
    work.run()
    assert len([line for line in told() if "restarted later" in line]) == 1


def test_a_wish_that_is_none_yet_is_told_as_that(told):
    host, cluster = world(), Cluster()
    agent(host, cluster).run()
    assert "empty, and the operator has not confirmed it yet, so nothing is given back" in told()[0]


def test_notes_are_told_when_they_change(told):
    book, wish = Logbook(), of_text("", "x")
    for notes in (("a",), ("a",), ("a", "b"), ()):
        book.takes(attrs.evolve(wish, notes=notes))
    assert told() == ["takes the wish in x: it is not understood, so nothing is changed", "a", "a", "b"]
