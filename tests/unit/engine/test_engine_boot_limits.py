"""What a phase of a boot waits for, and what it leaves alone: other people's PFs, reboots, VFs that somebody uses."""

import pytest
from boot_machines import BOTH, PREPARED, Machine, given
from engine_machines import FRESH, OTHER, PF, WISHED, engine, idle, port, spec, state, tree, wish, world

from sriov_core.engine.boot import WAIT_S, unready
from sriov_core.engine.bootresult import Outcome
from sriov_core.errors import HostError
from sriov_core.model.plan import Cost
from sriov_core.planning.stages import Stage
from sriov_core.testing.world import FakeWorld


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def external(**facts):
    """Two VFs of a PF that somebody else sets up, bound to nothing so far."""
    return spec(wish(vfio=0, netdevs=2, named=True, externally_managed=True, **facts))


def test_pre_leaves_an_externally_managed_pf_untouched_though_its_vfs_are_not_there_yet(machine):
    before = machine.host.tree()
    assert machine.pre(external()).outcome is Outcome.SUCCEEDED
    assert machine.host.tree() == before
    assert machine.waits[0] == WAIT_S


def test_post_configures_the_vfs_that_somebody_else_made_and_says_when_there_are_none(machine):
    machine.pre(external())
    assert "externally managed PF that has 0" in machine.post(external()).words[0]
    machine.host.set_mtu(PF, 9000)
    machine.host.set_autoprobe(PF, enabled=False)
    machine.host.set_num_vfs(PF, 2)
    machine.host.set_autoprobe(PF, enabled=True)
    assert machine.post(external()).outcome is Outcome.SUCCEEDED
    assert state(machine.host)["vfs"] == ["igbvf", "igbvf"]


def test_a_missing_nic_is_named_and_the_others_are_done(tmp_path):
    machine = Machine(tmp_path, world(port(PF, 0)))
    found = machine.pre(BOTH)
    assert found.outcome is Outcome.FAILED
    assert found.words[0] == f"pre: waited 60 s in vain for {OTHER}"
    assert found.words[1].startswith(f"pre: {OTHER}: this machine has no such NIC")
    assert state(machine.host) == PREPARED


class Late:
    """A machine whose second card appears while it is waited for."""

    def __init__(self) -> None:
        self.now = world(port(PF, 0))

    def __getattr__(self, name):
        return getattr(self.now, name)

    def until(self, is_so, timeout_s):
        assert not is_so()
        self.now = FakeWorld(tree())
        return is_so()


def test_a_nic_that_appears_late_is_waited_for(tmp_path):
    host = Late()
    machine = Machine(tmp_path, host)
    assert machine.pre(BOTH, until=host.until).outcome is Outcome.SUCCEEDED
    assert state(host, OTHER) == PREPARED


def test_post_does_not_wait_again_for_what_pre_waited_for(tmp_path):
    machine = Machine(tmp_path, world(port(PF, 0)))
    asked = []

    def until(is_so, timeout_s):
        asked.append((is_so(), timeout_s))
        return is_so()

    machine.pre(BOTH, until=until)
    machine.post(BOTH, until=until)
    machine.post(spec(wish(named=True, num_vfs=3), wish(OTHER, named=True)), until=until)
    assert asked == [(False, WAIT_S), (True, WAIT_S), (False, WAIT_S)]


READY = {
    "there": ({}, lambda _: True, True),
    "without-kernel-driver": ({"kernel_driver": None, "links": []}, lambda _: True, False),
    "without-netdev": ({"links": []}, lambda _: True, False),
    "for-userspace": ({"kernel_driver": "vfio-pci", "links": []}, lambda _: True, True),
    "not-named-yet": ({}, lambda link: link.name != "eth0", False),
}


@pytest.mark.parametrize(("facts", "has_finished", "expected"), READY.values(), ids=READY)
def test_a_nic_is_ready_when_its_netdev_has_its_lasting_name(facts, has_finished, expected):
    made = port(PF, 0)
    for name, value in facts.items():
        setattr(made, name, value)
    assert (unready(world(made), [wish()], has_finished) == ()) is expected


def test_a_nic_that_cannot_be_looked_at_is_not_ready():
    class Unreadable:
        def function(self, address):
            raise HostError("cannot read")

    assert unready(Unreadable(), [wish()], idle) == (wish(),)


def without_iommu(**facts):
    return world(iommu_groups=0, iommu_after_reboot=True, **facts)


def test_what_needs_a_reboot_is_told_and_left_and_all_else_is_done(tmp_path):
    machine = Machine(tmp_path, without_iommu())
    plain = spec(wish(named=True), wish(OTHER, vfio=0, netdevs=4, named=True))
    for stage in (Stage.PRE, Stage.POST):
        found = machine.boot(stage, plain)
        assert found.outcome is Outcome.REBOOT_NEEDED
        assert found.words[-1].startswith(f"{stage}: a reboot is needed, and not begun from here: vfio-pci needs an IO")
        assert len(found.reboots) == 1
    assert state(machine.host) == FRESH
    assert state(machine.host, OTHER)["vfs"] == ["igbvf"] * 4
    assert machine.host.tree().node.next_cmdline == []
    assert machine.journal.read().reboots == ()


def test_a_reboot_that_apply_prepared_is_not_forgotten_and_its_end_is_noticed(tmp_path):
    machine = Machine(tmp_path, without_iommu(cmdline=["quiet"]))
    engine(machine.host, machine.journal).converge(given().spec, release=False, approve=idle)
    (prepared,) = machine.journal.read().reboots
    assert machine.pre().outcome is Outcome.REBOOT_NEEDED
    assert machine.journal.read().reboots == (prepared,)
    machine.host.reboot()
    assert (machine.pre().outcome, machine.post().outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED)
    assert state(machine.host) == WISHED
    assert machine.journal.read().reboots == ()


def test_vfs_that_somebody_uses_are_not_taken_away_unless_allowed(machine):
    machine.pre()
    machine.post()
    machine.host.hold(machine.host.vf_addresses(PF)[0], "qemu (pid 7)")
    fewer = spec(wish(vfio=0, netdevs=2, named=True))
    for stage in (Stage.PRE, Stage.POST):
        found = machine.boot(stage, fewer)
        assert found.outcome is Outcome.FAILED
        assert "it costs drain (vf0 is used by" in found.words[-1]
        assert state(machine.host) == WISHED
    machine.host.let_go(machine.host.vf_addresses(PF)[0])
    assert machine.post(fewer).outcome is Outcome.SUCCEEDED


def test_the_cost_that_is_allowed_is_the_callers_choice(machine):
    machine.pre()
    machine.post()
    vf = machine.host.vf_addresses(PF)[2]
    machine.host.move_to_namespace(vf, "pod")
    fewer = spec(wish(vfio=0, netdevs=2, named=True))
    assert machine.post(fewer).outcome is Outcome.FAILED
    assert machine.post(fewer, most=Cost.DRAIN).outcome is Outcome.SUCCEEDED
    assert state(machine.host)["vfs"] == ["igbvf", "igbvf"]


def test_a_step_without_effect_is_no_success(machine):
    class Deaf:
        def __getattr__(self, name):
            return idle if name == "set_mtu" else getattr(machine.host, name)

    found = machine.pre(host=Deaf())
    assert found.outcome is Outcome.FAILED
    assert found.words == (f"pre: not as wished although no step failed: {PF}: MTU 1500 -> 9000 is still to be done",)


def test_a_result_without_a_boot_id_belongs_to_no_boot(machine):
    class Unreadable:
        def __getattr__(self, name):
            return getattr(machine.host, name)

        def node(self):
            raise HostError("cannot read /proc/sys/kernel/random/boot_id")

    found = machine.pre(host=Unreadable())
    assert (found.outcome, found.boot_id) == (Outcome.FAILED, "")
    assert machine.written is None
