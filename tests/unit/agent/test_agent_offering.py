"""The device plugin is started anew for what it offers and for nothing else, and waits no longer than it must."""

import attrs
import pytest
from agent_machines import PF, Cluster, Counted, Plugin, agent, drivers_of, interface, world

from sriov_core.agent.switches import Given, switches
from sriov_core.engine.journal import Journal, Memory

UNGATED = attrs.evolve(switches(None, Given()), block_plugin=False)


PLUGIN = {
    "blocked-first": (None, ["restart", "unblock"]),
    "restarted-afterwards": (UNGATED, ["restart"]),
}


@pytest.mark.parametrize("row", PLUGIN.values(), ids=PLUGIN)
def test_the_device_plugin_is_restarted_once_for_a_change_of_what_it_offers(row):
    on, expected = row
    plugin = Plugin()
    host, cluster = world(), Cluster(**({"on": on} if on else {}))
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    assert plugin.done == expected


def test_t70_an_empty_wish_unblocks_nobody():
    plugin = Plugin()
    agent(world(), Cluster(), plugin=plugin).run()
    assert plugin.done == []


def test_t70_in_sync_the_pods_that_wait_are_let_go():
    plugin = Plugin()
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface())
    agent(host, cluster, journal).run()
    agent(host, cluster, journal, plugin=plugin).run()
    assert plugin.done == ["unblock"]


def test_vfs_that_nobody_offers_are_changed_without_the_device_plugin():
    plugin = Plugin()
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    journal.write(Memory(offered=""))
    cluster.wishes({"pciAddress": str(PF), "numVfs": 2})
    agent(host, cluster, journal, plugin=plugin).run()
    assert len(drivers_of(host)) == 2
    assert "restart" not in plugin.done


def test_vfs_of_another_agent_may_be_offered_so_the_device_plugin_is_restarted_before_they_go():
    plugin = Plugin()
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface())
    agent(host, cluster, journal).run()
    journal.write(attrs.evolve(journal.read(), offered=None))
    cluster.wishes()
    agent(host, cluster, journal, plugin=plugin).run()
    assert (drivers_of(host), plugin.done) == ([], ["restart"])


def test_a_device_plugin_that_waits_already_is_not_restarted_by_each_attempt():
    plugin = Plugin()
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface())
    for _ in range(3):
        work.run()
    assert plugin.done == ["restart"]
    host.heal()
    work.run()
    assert plugin.done == ["restart", "unblock"]


def test_another_resource_name_restarts_the_device_plugin_and_touches_nothing_else():
    plugin = Plugin()
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    plugin.done.clear()
    counted = Counted.on(host)
    renamed = interface()
    renamed["vfGroups"][0]["resourceName"] = "faster"
    cluster.wishes(renamed)
    work.run()
    assert (plugin.done, counted.verbs) == (["restart", "unblock"], {})


def test_vfs_are_not_taken_away_while_the_device_plugin_still_hands_them_out():
    plugin = Plugin()
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    plugin.refuses = "the pod does not go"
    cluster.wishes(interface(vfs=4))
    work.run()
    assert len(drivers_of(host)) == 2
    assert "the pod does not go" in cluster.sync[1]
    assert cluster.condition("Ready", PF), "what is known of the NICs stays in the report"
    plugin.refuses = ""
    work.run()
    assert len(drivers_of(host)) == 4


def test_vfs_that_vanished_come_back_even_if_the_device_plugin_cannot_be_restarted():
    plugin = Plugin()
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    plugin.refuses, plugin.done = "no answer", []
    host.zero_behind_our_back(PF)
    work.run()
    assert len(drivers_of(host)) == 2
    plugin.refuses = ""
    work.run()
    assert plugin.done == ["restart", "unblock"], "it is made up for"


def test_w47_the_device_plugin_of_a_node_state_that_comes_back_is_left_alone():
    plugin = Plugin()
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    work.run()
    plugin.done.clear()
    cluster.uid, cluster.spec, cluster.generation, cluster.notes = "u2", {}, 1, {}
    work.run()
    assert plugin.done == []
