"""Whatever happens in whatever order, the next run reaches the wish, and the last one gives back what was there."""

import contextlib
import errno

from engine_machines import PF, agreed, converge, crashing, engine, failing, idle, port, spec, state, wish, world
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.engine.journal import Journal
from sriov_core.errors import StepFailed
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.testing.faults import Crash

NOTHING = NodeSpec()
DISTURBANCES = {
    "vfs-gone": lambda host: host.zero_behind_our_back(PF),
    "others-made-vfs": lambda host: host.set_num_vfs(PF, 3),
    "link-down": lambda host: host.set_link(PF, up=False),
    "mtu-lowered": lambda host: host.set_mtu(PF, 1400),
    "autoprobe-off": lambda host: host.set_autoprobe(PF, enabled=False),
    "a-vf-unbound": lambda host: host.unbind(host.vf_addresses(PF)[0]),
    "a-vf-in-a-pod": lambda host: host.move_to_namespace(host.vf_addresses(PF)[0], "pod"),
    "rebooted": lambda host: host.reboot(),
    "nothing": idle,
}


@st.composite
def wishes(draw) -> NicSpec:
    kinds = draw(st.lists(st.sampled_from([DeviceType.NETDEVICE, DeviceType.VFIO_PCI, None]), max_size=7))
    mtu = draw(st.sampled_from([None, 1500, 9000]))
    groups = tuple(
        VfGroup(first=index, last=index, device_type=kind, mtu=None if kind.userspace_driver else mtu)
        for index, kind in enumerate(kinds)
        if kind
    )
    return NicSpec(address=PF, num_vfs=len(kinds), groups=groups, mtu=draw(st.sampled_from([None, 4000])))


accidents = st.none() | st.tuples(st.sampled_from(["refused", "died-before", "died-after"]), st.integers(1, 12))
chapters = st.tuples(st.none() | wishes(), st.sampled_from(sorted(DISTURBANCES)), accidents)
beginnings = st.fixed_dictionaries(
    {
        "link": st.fixed_dictionaries({"mtu": st.sampled_from([1500, 4000]), "up": st.booleans()}),
        "sriov": st.fixed_dictionaries({"autoprobe": st.booleans()}),
    }
)


def disturb(host, name: str) -> None:
    # What the kernel refuses at this moment, or what is not there, could not have been done by others either.
    with contextlib.suppress(StepFailed, KeyError, ValueError):
        DISTURBANCES[name](host)


def attempt(host, journal, goal: NodeSpec, accident) -> None:
    """Converge once with an accident on the way."""
    kind, ordinal = accident
    if kind == "refused":
        converge(engine(failing(host, lambda verb: verb.ordinal == ordinal, errno.EIO), journal), goal, release=True)
        return
    dying, _ = crashing(host, ordinal, after=kind == "died-after")
    with contextlib.suppress(Crash):
        engine(dying, journal).converge(goal, release=True, approve=agreed)


@settings(max_examples=150)
@given(beginnings, st.lists(chapters, min_size=1, max_size=4))
def test_every_history_ends_at_the_wish_and_then_where_it_began(beginning, history):
    host, journal = world(port(PF, 0, **{key: dict(value) for key, value in beginning.items()})), Journal(path=None)
    first = state(host)
    for wished, disturbance, accident in history:
        goal = spec(wished) if wished else NOTHING
        if accident:
            attempt(host, journal, goal, accident)
        if PF in journal.read().nics:
            disturb(host, disturbance)
        result = converge(engine(host, journal), goal, release=True)
        assert result.converged, [planned.step.describe() for planned in result.last.plan.steps]
        assert journal.read().under_way == ()
        assert (PF in journal.read().nics) is bool(wished)
        if not wished:
            assert state(host) == first
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert state(host) == first


def test_a_history_needs_a_wish_that_can_be_met():
    assert not converge(world(port(PF, 0)), spec(wish(vfio=8))).converged
