"""What is wrong is told at once, with its reason and what to do, and stops nothing else."""

import attrs
from agent_machines import OTHER, PF, Cluster, Plugin, agent, boots, drivers_of, interface, operate, used, world

from sriov_core.agent.attempts import Attempts
from sriov_core.agent.handshake import Terms
from sriov_core.agent.round import NO_CONFIG_S, SAFETY_NET_S
from sriov_core.engine.journal import Journal
from sriov_core.errors import HostError, StalePlan

DISABLED = attrs.evolve(Cluster().on, terms=Terms(disabled=True))


def test_without_a_configuration_nothing_is_touched_and_that_is_said():
    host, cluster = world(), Cluster(on=None)
    cluster.wishes(interface())
    agent(host, cluster, patience_s=0.0).run()
    assert drivers_of(host) == []
    assert cluster.condition("Degraded") == ("True", "NoConfig")
    assert cluster.status.conditions[0].observed_generation == cluster.generation


def test_garbage_written_by_hand_changes_nothing_is_said_and_gives_the_drain_back():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4))
    work.run()
    assert cluster.request == "Drain_Required"
    cluster.wishes({"pciAddress": "eth0"})
    work.run()
    assert cluster.sync[0] == "Failed"
    assert "no PCI address" in cluster.sync[1]
    assert cluster.condition("Degraded") == ("True", "WishNotUnderstood")
    assert (len(drivers_of(host)), cluster.request) == (2, "Idle")


def test_w2_a_failed_step_is_told_at_once_with_its_reason():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface(), interface(OTHER, 0, mtu=9000))
    work.run()
    assert cluster.sync[0] == "Failed"
    assert "ENOMEM" in cluster.sync[1]
    assert cluster.condition("Degraded", PF) == ("True", "StepFailed")
    assert cluster.condition("Ready", OTHER) == ("True", "Configured")
    host.heal()
    work.run()
    assert cluster.sync == ("Succeeded", "")


def test_a_failure_is_not_flickered_away_by_the_next_attempt():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface())
    work.run()
    cluster.statuses.clear()
    work.run()
    work.run()
    assert {status.sync_status for status in cluster.statuses} == {"Failed"}


def test_w9_a_nic_that_is_not_here_is_told_and_the_others_are_served():
    host, cluster = world(), Cluster()
    cluster.wishes(interface(), {**interface(), "pciAddress": "0000:99:00.0"})
    agent(host, cluster).run()
    assert len(drivers_of(host)) == 2
    assert cluster.sync[0] == "Failed"
    assert "0000:99:00.0: this machine has no such NIC" in cluster.sync[1]
    assert cluster.condition("Degraded") == ("True", "NoSuchNic")


class Blind:
    """A machine of which some things cannot be read; the rest is the host's own."""

    def __init__(self, host, *names, address=None) -> None:
        self._host, self._names, self._address = host, names, address

    def __getattr__(self, name):
        method = getattr(self._host, name)
        if name not in self._names:
            return method

        def fail(*args):
            if self._address in (None, *args):
                raise HostError("cannot read /sys: Input/output error. See dmesg")
            return method(*args)

        return fail


def test_a_machine_that_cannot_be_read_is_told_and_its_nics_stay_in_the_report():
    host, cluster = world(), Cluster()
    cluster.wishes(interface())
    agent(host, cluster).run()
    agent(Blind(host, "functions", "node"), cluster).run()
    assert cluster.sync == ("Failed", "cannot read /sys: Input/output error. See dmesg")
    assert cluster.condition("Degraded") == ("True", "HostError")
    assert [len(nic.vfs) for nic in cluster.status.interfaces] == [2, 0]


def test_a_nic_that_cannot_be_read_stays_in_the_report_so_that_nobody_gives_it_up():
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface(), interface(OTHER))
    agent(host, cluster, journal).run()
    agent(Blind(host, "links", address=PF), cluster, journal).run()
    assert cluster.condition("Degraded", PF) == ("True", "NotReadable")
    assert cluster.condition("Ready", OTHER) == ("True", "Configured")
    assert [len(nic.vfs) for nic in cluster.status.interfaces] == [2, 2]
    assert cluster.sync[0] == "Failed"
    agent(host, cluster, journal).run()
    assert cluster.sync == ("Succeeded", "")


def test_a_damaged_journal_stops_changes_and_is_told(tmp_path):
    path = tmp_path / "journal.json"
    path.write_text("{")
    host, cluster = world(), Cluster()
    cluster.wishes(interface())
    agent(host, cluster, Journal(path=str(path))).run()
    assert drivers_of(host) == []
    assert cluster.condition("Degraded") == ("True", "JournalError")
    assert len(cluster.status.interfaces) == 2


def test_a_configuration_that_comes_a_moment_after_the_node_state_was_never_missing():
    host, cluster = world(), Cluster(on=None)
    cluster.wishes(interface())
    work = agent(host, cluster)
    assert 0.0 < work.run() <= NO_CONFIG_S
    assert cluster.statuses == []
    cluster.on = Cluster().on
    work.run()
    assert {status.sync_status for status in cluster.statuses} == {"InProgress", "Succeeded"}


def test_without_a_node_state_nothing_is_said_of_one():
    host, cluster = world(), Cluster(gone=True)
    assert agent(host, cluster).run() == SAFETY_NET_S
    assert cluster.statuses == []


def test_a_failure_is_over_when_its_nic_has_nothing_left_to_do_though_another_one_waits():
    host, cluster = world(), Cluster()
    work = agent(host, cluster)
    cluster.wishes(interface())
    work.run()
    used(host)
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface(vfs=4), interface(OTHER))
    work.run()
    assert cluster.condition("Degraded", OTHER) == ("True", "StepFailed")
    cluster.wishes(interface(vfs=4), {"pciAddress": str(OTHER)})
    work.run()
    assert cluster.sync == ("InProgress", "")
    assert cluster.condition("Progressing") == ("True", "WaitingForDrain")


def test_a_reboot_that_cannot_be_begun_is_tried_again_ever_later():
    host, cluster, now = world(other_net_namespaces=1), Cluster(on=DISABLED), [0.0]
    work = agent(host, cluster, attempts=Attempts(clock=lambda: now[0]))
    host.fail(lambda verb: verb.name == "start_reboot", 5)
    cluster.wishes(rdmaMode="exclusive")
    rests = []
    for _ in range(4):
        rests.append(work.run())
        work.run()
        assert cluster.sync[0] == "Failed", "also when it is looked at before the next attempt"
        now[0] += rests[-1]
    assert rests == [5.0, 10.0, 20.0, 40.0]


def test_a_machine_that_moves_all_the_time_is_not_looked_at_without_a_pause():
    class Moving(Cluster):
        def wish(self, order, snapshot):
            raise StalePlan("it has moved")

    work = agent(world(), Moving(), attempts=Attempts(clock=lambda: 0.0))
    assert [work.run() for _ in range(4)] == [0.0, 5.0, 10.0, 20.0]


def test_a_device_plugin_that_does_not_know_of_the_vfs_yet_is_told():
    plugin = Plugin()
    host, cluster = world(), Cluster(on=attrs.evolve(Cluster().on, block_plugin=False))
    work = agent(host, cluster, plugin=plugin)
    cluster.wishes(interface())
    plugin.refuses = "the pod does not go"
    work.run()
    assert (len(drivers_of(host)), cluster.condition("Degraded")) == (2, ("True", "DevicePluginNotReady"))
    assert "the pod does not go" in cluster.sync[1]
    plugin.refuses = ""
    work.run()
    assert cluster.sync == ("Succeeded", "")


def test_a_mistake_in_what_is_said_of_the_work_does_not_stop_it_half_way():
    class Deaf(Cluster):
        def want(self, status, talk, about):
            if status.sync_status == "InProgress":
                raise ZeroDivisionError("a bug")
            Cluster.want(self, status, talk, about)

    host, cluster = world(), Deaf()
    cluster.wishes(interface())
    agent(host, cluster).run()
    assert (len(drivers_of(host)), cluster.sync) == (2, ("Succeeded", ""))


def test_what_could_not_be_begun_is_not_said_to_be_under_way_by_each_attempt():
    plugin, now = Plugin(), [0.0]
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin, attempts=Attempts(clock=lambda: now[0]))
    cluster.wishes(interface())
    work.run()
    plugin.refuses = "the pod does not go"
    cluster.wishes(interface(vfs=4))
    work.run()
    cluster.statuses.clear()
    for _ in range(3):
        work.run()
        now[0] += 3.0
    assert {(status.sync_status, status.last_sync_error) for status in cluster.statuses} == {("Failed", plugin.refuses)}
    plugin.refuses, now[0] = "", 1000.0
    work.run()
    assert cluster.sync == ("Succeeded", "")


def test_what_waits_for_a_drain_makes_nothing_that_broke_be_tried_without_a_pause():
    class Stubborn(Plugin):
        asked = 0

        def restart(self, reason: str) -> None:
            self.asked += 1
            Plugin.restart(self, reason)

    plugin, now = Stubborn(), [0.0]
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin, attempts=Attempts(clock=lambda: now[0]))
    cluster.wishes(interface(), interface(OTHER))
    work.run()
    used(host)
    plugin.refuses, plugin.asked = "the pod does not go", 0
    cluster.wishes(interface(vfs=4), interface(OTHER, vfs=4))
    for attempts in (1, 2, 3):
        rest = work.run()
        for _ in range(3):
            work.run()
        assert (plugin.asked, cluster.sync[0]) == (attempts, "Failed")
        now[0] += rest


def test_a_drain_is_kept_while_what_it_was_for_cannot_be_begun():
    plugin, now = Plugin(), [0.0]
    host, cluster = world(), Cluster()
    work = agent(host, cluster, plugin=plugin, attempts=Attempts(clock=lambda: now[0]))
    cluster.wishes(interface())
    work.run()
    used(host)
    cluster.wishes(interface(vfs=4))
    work.run()
    operate(cluster)
    operate(cluster)
    host.move_to_namespace(host.vf_addresses(PF)[0], None)
    assert (cluster.request, cluster.answer) == ("Drain_Required", "DrainComplete")
    plugin.refuses = "the pod does not go"
    rest = work.run()
    work.run()
    assert cluster.request == "Drain_Required", "its pods would come back, and have to go once more"
    plugin.refuses = ""
    now[0] += rest
    work.run()
    assert (cluster.request, len(drivers_of(host)), cluster.sync) == ("Idle", 4, ("Succeeded", ""))


def test_a_nic_that_fails_again_and_again_does_not_keep_the_node_from_a_reboot_for_others():
    now = [0.0]
    host, cluster = world(other_net_namespaces=1), Cluster()
    work = agent(host, cluster, attempts=Attempts(clock=lambda: now[0]))
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    cluster.wishes(interface(), rdmaMode="exclusive")
    for _ in range(12):
        now[0] += work.run()
        operate(cluster)
    assert (boots(host), host.node().rdma_mode) == (1, "exclusive")
    assert cluster.condition("Degraded", PF) == ("True", "StepFailed")
    host.heal()
    now[0] += 1000.0
    work.run()
    work.run()
    assert (boots(host), cluster.sync, cluster.request) == (1, ("Succeeded", ""), "Idle")
