"""What the agent does in its passes, on a simulated machine, with the other half of the protocol played by hand."""

import attrs
from agent_machines import (
    OTHER,
    PF,
    Cluster,
    Counted,
    Plugin,
    agent,
    boots,
    drivers_of,
    interface,
    operate,
    used,
    world,
)

from sriov_core.agent.handshake import Terms
from sriov_core.agent.switches import Given, switches
from sriov_core.api import keys
from sriov_core.engine.journal import Journal

DISABLED = attrs.evolve(switches(None, Given()), terms=Terms(disabled=True))


def rounds(work, cluster, number=12) -> None:
    """Agent and operator take turns."""
    for _ in range(number):
        work.run()
        operate(cluster)


def test_t64_an_empty_wish_is_fulfilled_at_once():
    host, cluster = world(), Cluster()
    agent(host, cluster).run()
    assert cluster.sync == ("Succeeded", "")
    assert cluster.condition("Ready") == ("True", "Configured")
    assert cluster.request == "Idle"
    assert [nic.pci_address for nic in cluster.status.interfaces] == [str(PF), str(OTHER)]


def test_t64_vfs_from_nothing_need_no_drain():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    assert drivers_of(host) == ["igbvf", "igbvf"]
    assert (cluster.sync, cluster.requests) == (("Succeeded", ""), ["Idle"])
    assert cluster.condition("Ready", PF) == ("True", "Configured")
    assert any(status.sync_status == "InProgress" for status in cluster.statuses), "it was told while it was done"


def test_t64_vfs_that_a_pod_uses_go_after_a_drain_only():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes()
    work.run()
    assert (cluster.request, cluster.sync[0]) == ("Drain_Required", "InProgress")
    assert cluster.condition("Progressing", PF) == ("True", "WaitingForDrain")
    assert len(drivers_of(host)) == 2
    operate(cluster)
    work.run()
    assert len(drivers_of(host)) == 2, "draining is not drained"
    operate(cluster)
    work.run()
    assert drivers_of(host) == []
    assert (cluster.request, cluster.sync) == ("Idle", ("Succeeded", ""))


def test_vfs_that_nobody_uses_go_without_a_drain():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    cluster.wishes(interface(vfs=5))
    work.run()
    assert len(drivers_of(host)) == 5
    assert cluster.requests == ["Idle"]


def test_the_cheap_nic_is_done_while_the_other_waits_for_a_drain():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4), interface(OTHER))
    work.run()
    assert (len(drivers_of(host)), len(drivers_of(host, OTHER))) == (2, 2)
    assert cluster.condition("Ready", OTHER) == ("True", "Configured")
    assert cluster.condition("Progressing", PF) == ("True", "WaitingForDrain")
    assert "vf0 is used by" in cluster.status.conditions[0].message


def test_a_vf_that_the_kubelet_gave_to_a_pod_counts_as_used():
    host, cluster = world(), Cluster()
    pods: dict = {}
    work = agent(host, cluster, assigned=lambda: pods)
    cluster.wishes(interface())
    work.run()
    pods[host.vf_addresses(PF)[1]] = "default/starting"
    cluster.wishes(interface(vfs=4))
    work.run()
    assert cluster.request == "Drain_Required"
    assert "vf1 is assigned to pod default/starting" in cluster.status.conditions[0].message
    assert [vf.assigned for vf in cluster.status.interfaces[0].vfs] == ["", "default/starting"]
    pods.clear()
    rounds(work, cluster, 3)
    assert len(drivers_of(host)) == 4


def test_t65_and_t66_a_reboot_becomes_necessary_while_a_partial_drain_runs():
    host, cluster = world(other_net_namespaces=1), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4))
    work.run()
    operate(cluster)
    assert (cluster.request, cluster.answer) == ("Drain_Required", "Draining")
    cluster.wishes(interface(vfs=4), rdmaMode="exclusive")
    work.run()
    assert (cluster.request, cluster.answer) == ("Idle", "Draining")
    work.run()
    assert cluster.request == "Idle", "the operator has not noticed yet"
    operate(cluster)
    work.run()
    assert (cluster.request, cluster.answer) == ("Reboot_Required", "Idle")
    assert boots(host) == 0
    rounds(work, cluster)
    assert boots(host) == 1
    assert (cluster.request, cluster.sync) == ("Idle", ("Succeeded", ""))
    assert (len(drivers_of(host)), host.node().rdma_mode) == (4, "exclusive")
    assert [told.reason for told in cluster.told] == ["RebootNode"]


def test_t67_a_full_drain_stays_what_it_is():
    host, cluster = world(other_net_namespaces=1), Cluster()
    work = agent(host, cluster)
    cluster.wishes(rdmaMode="exclusive")
    work.run()
    operate(cluster)
    for _ in range(3):
        work.run()
        assert (cluster.request, cluster.answer) == ("Reboot_Required", "Draining")
    assert not any("sriov-core.conf" in path for path in host.node().files), "nothing is prepared before the drain"


def test_a_reboot_that_changes_nothing_is_spent_once():
    host, cluster = world(other_net_namespaces=1), Cluster()
    work = agent(host, cluster)
    cluster.wishes(rdmaMode="exclusive")
    for _ in range(4):
        rounds(work, cluster, 3)
        # Loaded from the initramfs, ib_core never sees the option.
        host._machine.tree.node.rdma_mode = "shared"
        host.run_containers(1)
    assert boots(host) == 1
    assert cluster.sync[0] == "Failed"
    assert "a reboot with /etc/modprobe.d/sriov-core.conf left it shared" in cluster.sync[1]
    assert cluster.request == "Idle", "a drain would change nothing, so the node is given back"


def test_t69_without_draining_all_is_done_at_once():
    host, cluster = world(), Cluster(on=DISABLED)
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes()
    work.run()
    assert drivers_of(host) == []
    assert set(cluster.requests) == {"Idle"}


def test_t69_without_draining_a_reboot_comes_at_once():
    host, cluster = world(other_net_namespaces=1), Cluster(on=DISABLED)
    work = agent(host, cluster)
    cluster.wishes(interface(), rdmaMode="exclusive")
    for _ in range(4):
        work.run()
    assert (boots(host), cluster.sync) == (1, ("Succeeded", ""))
    assert len(drivers_of(host)) == 2


def test_w47_a_node_state_that_comes_back_empty_takes_nothing_away():
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    work = agent(host, cluster, journal)
    cluster.wishes(interface())
    work.run()
    cluster.gone = True
    work.run()
    assert len(drivers_of(host)) == 2, "nobody's wish is no wish"
    cluster.gone, cluster.uid, cluster.spec, cluster.generation, cluster.notes = False, "u2", {}, 1, {}
    work.run()
    agent(host, cluster, journal).run()
    assert len(drivers_of(host)) == 2
    assert cluster.request == "Idle"
    cluster.notes[keys.RENDERED] = "true"
    work.run()
    assert drivers_of(host) == [], "now the control plane has said that nothing is wished"


def test_a_nic_that_the_control_plane_gave_to_another_plugin_is_not_touched():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface(plugin="mellanox"), interface(OTHER, plugin="intel"))
    work.run()
    assert (drivers_of(host), len(drivers_of(host, OTHER))) == ([], 2)
    assert cluster.condition("Degraded", PF) == ("True", "OtherPlugin")
    assert "plugin mellanox is wished for, and here intel serves it" in cluster.sync[1]
    cluster.wishes(interface(plugin="intel"), interface(OTHER, plugin="intel"))
    work.run()
    assert len(drivers_of(host)) == 2


def test_a_configured_nic_in_dispute_is_neither_changed_nor_given_back():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    cluster.wishes(interface(vfs=4, plugin="generic"))
    work.run()
    assert len(drivers_of(host)) == 2


def test_an_administrators_pin_decides_on_the_node_as_well():
    host, cluster = world(), Cluster()
    cluster.notes[keys.PINNED_PLUGINS] = f"{PF}=generic"
    cluster.wishes(interface(plugin="generic"))
    agent(host, cluster).run()
    assert len(drivers_of(host)) == 2
    assert [nic.plugin for nic in cluster.status.interfaces] == ["generic", "intel"]


def test_drift_is_healed():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    host.zero_behind_our_back(PF)
    work.run()
    assert drivers_of(host) == ["igbvf", "igbvf"]


def test_a_machine_as_wished_is_not_touched_by_a_fresh_agent():
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface())
    agent(host, cluster, journal).run()
    counted, plugin = Counted.on(host), Plugin()
    agent(host, cluster, journal, plugin=plugin).run()
    assert counted.verbs == {}
    assert "restart" not in plugin.done


def test_stopped_in_the_middle_the_agent_ends_and_the_next_goes_on():
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface(device_type="vfio-pci"))
    calls = []

    def stopped() -> bool:
        calls.append(1)
        return len(calls) > 4

    agent(host, cluster, journal, stopped=stopped).run()
    assert drivers_of(host) != ["vfio-pci", "vfio-pci"]
    assert host.attribute(PF, "sriov_drivers_autoprobe") == "1", "what is ours for the length of a plan is put back"
    agent(host, cluster, journal).run()
    assert drivers_of(host) == ["vfio-pci", "vfio-pci"]


def test_a_node_without_a_cluster_does_what_its_owner_allows():
    host, cluster = world(), Cluster(in_cluster=False)
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4))
    work.run()
    assert (len(drivers_of(host)), cluster.requests) == (2, [])
    assert "(--max-cost drain)" in cluster.status.conditions[0].message


def test_nothing_is_changed_before_the_cluster_has_taken_a_first_word():
    host, cluster = world(), Cluster(takes=False, on=DISABLED)
    work, counted = agent(host, cluster, plugin=(plugin := Plugin())), Counted.on(host)
    cluster.wishes(interface())
    for _ in range(3):
        assert work.run() > 0
    assert (counted.verbs, plugin.done, drivers_of(host)) == ({}, [], [])
    assert cluster.condition("Progressing", PF) == ("True", "Configuring")
    cluster.takes = True
    work.run()
    assert drivers_of(host) == ["igbvf", "igbvf"]


def test_a_node_that_is_as_wished_reports_so_though_nothing_was_taken_yet():
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface())
    agent(host, cluster, journal).run()
    cluster.takes = False
    agent(host, cluster, journal).run()
    assert cluster.sync == ("Succeeded", "")
