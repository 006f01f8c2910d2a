"""The agent dies around anything it does; the next one, with machine and journal, ends the work and repeats nothing."""

import attrs
import pytest
from agent_machines import OTHER, PF, Cluster, Plugin, agent, boots, drivers_of, interface, operate, world

from sriov_core.engine.journal import Journal, Memory
from sriov_core.testing.faults import Crash


@attrs.define
class Trap:
    """Lets so many things happen; from then on the process is dead, whichever thread asks."""

    left: int | None = None
    passed: int = 0

    def here(self, *_) -> bool:
        self.passed += 1
        if self.left is not None and self.passed > self.left:
            raise Crash(f"point {self.passed}")
        return False


@attrs.define
class DyingJournal(Journal):
    """A journal on whose writes the process may die, before and after."""

    trap: Trap = attrs.field(factory=Trap, kw_only=True)

    def write(self, memory: Memory) -> None:
        self.trap.here()
        Journal.write(self, memory)
        self.trap.here()


@attrs.define
class DyingCluster(Cluster):
    """An API server on whose writes the agent may die, before and after."""

    trap: Trap = attrs.field(factory=Trap, kw_only=True)

    def want(self, status, talk, about) -> None:
        self.trap.here()
        Cluster.want(self, status, talk, about)
        self.trap.here()


@attrs.define
class DyingPlugin(Plugin):
    trap: Trap = attrs.field(factory=Trap, kw_only=True)

    def restart(self, reason: str) -> None:
        self.trap.here()
        Plugin.restart(self, reason)
        self.trap.here()

    def unblock(self) -> None:
        self.trap.here()
        Plugin.unblock(self)


class Scene:
    """A node that has VFs in use, and a wish that costs a drain and a reboot."""

    def __init__(self, *, reboots: bool) -> None:
        self.reboots = reboots
        self.trap, self.resized = Trap(), []
        self.journal = DyingJournal(path=None, trap=self.trap)
        self.host = world(other_net_namespaces=1)
        self.cluster = DyingCluster(trap=self.trap)
        self.plugin = DyingPlugin(trap=self.trap)
        self.cluster.wishes(interface(), interface(OTHER, device_type="vfio-pci"))
        self.agent().run()
        self.host.move_to_namespace(self.host.vf_addresses(PF)[0], "pod-1")
        more = {"rdmaMode": "exclusive"} if self.reboots else {}
        self.cluster.wishes(interface(vfs=4), interface(OTHER, 3, device_type="vfio-pci"), **more)
        self.host.crash(self.trap.here)
        self.host.crash(self.count, after=True)
        self.host.crash(self.trap.here, after=True)
        self.trap.passed = 0

    def count(self, verb) -> bool:
        if verb.name == "set_num_vfs":
            self.resized.append(str(verb.target))
        return False

    def agent(self):
        return agent(self.host, self.cluster, self.journal, plugin=self.plugin)

    def play(self, passes: int = 12) -> None:
        """Agent and operator take turns; whoever dies is started anew, and lives."""
        work = self.agent()
        for _ in range(passes):
            try:
                work.run()
            except Crash:
                self.trap.left = None
                self.cluster.written = None
                work = self.agent()
            operate(self.cluster)
            if self.is_over:
                return

    @property
    def is_over(self) -> bool:
        """As wished, and the node given back."""
        at_rest = (self.cluster.request, self.cluster.answer, self.cluster.sync[0]) == ("Idle", "Idle", "Succeeded")
        return at_rest and len(drivers_of(self.host)) == 4


def lives(reboots, point, expected) -> bool:
    """Die at that point and recover; False when there are fewer points."""
    scene = Scene(reboots=reboots)
    scene.trap.left = point
    scene.play()
    assert (len(drivers_of(scene.host)), drivers_of(scene.host, OTHER)) == (4, ["vfio-pci"] * 3)
    assert scene.cluster.sync == ("Succeeded", "")
    assert (scene.cluster.request, scene.cluster.answer) == ("Idle", "Idle")
    assert (boots(scene.host), sorted(scene.resized)) == (int(reboots), expected)
    assert scene.plugin.done[-1] == "unblock"
    return scene.trap.left is None


@pytest.mark.parametrize("reboots", [False, True], ids=["with-a-drain", "with-a-drain-and-a-reboot"])
def test_an_agent_killed_at_any_point_repeats_nothing(reboots):
    calm = Scene(reboots=reboots)
    calm.play()
    expected = sorted(calm.resized)
    assert len(expected) == (6 if reboots else 4), "down and up again, and up once more after the boot"
    assert boots(calm.host) == int(reboots)
    point = 0
    while lives(reboots, point, expected):
        point += 1 if reboots else 2
    assert point > 40, "there were points to die at"
