"""What is wrong is told at once, with its reason and what to do, and stops nothing else."""

from agent_machines import OTHER, PF, Cluster, agent, drivers_of, interface, used, world

from sriov_core.engine.journal import Journal
from sriov_core.errors import HostError


def test_without_a_configuration_nothing_is_touched_and_that_is_said():
    host, cluster = world(), Cluster(on=None)
    cluster.wishes(interface())
    agent(host, cluster).run()
    assert drivers_of(host) == []
    assert cluster.condition("Degraded") == ("True", "NoConfig")


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
