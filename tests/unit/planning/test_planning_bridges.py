"""Open vSwitch in a plan: what is detached, made, altered and removed, in what order, and what forbids it."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_values import OTHER, PF, PORT1, nic

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink
from sriov_core.model.nodesteps import RestartService, SetBridge, SetOvsOption, WriteFile
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.model.plan import Cost, NicPlan, PlannedStep
from sriov_core.model.steps import DetachUplink, SetEswitchMode, SetLink, SetNumVfs
from sriov_core.planning import bridges

SERVICE = "ovs-vswitchd.service"


def bridge(name: str = "br-1", pf: Address | None = PF, **facts: object) -> Bridge:
    uplink = Uplink(nic=pf, name=f"ens{pf.name[5:7]}") if pf else None
    return Bridge(**{"name": name, "uplink": uplink, **facts})


ONE, TWO = bridge("br-1", PF), bridge("br-2", OTHER)
WITHOUT = bridge("br-1", None)
BOTH = OpenVSwitch(bridges=(ONE, TWO), service=SERVICE)
SILENT = OpenVSwitch(error="ovsdb-server at unix:/x cannot be reached: Connection refused. Start it")


# What is detached first

TO_SWITCHDEV = SetEswitchMode(nic=PF, was=EswitchMode.LEGACY, mode=EswitchMode.SWITCHDEV)
TO_LEGACY = SetEswitchMode(nic=PF, was=EswitchMode.SWITCHDEV, mode=EswitchMode.LEGACY)
NO_VFS = SetNumVfs(nic=PF, was=4, count=0)
LINK_UP = SetLink(nic=PF, was=False, up=True)


def plan_of(*steps: object) -> NicPlan:
    return NicPlan(nic=PF, steps=tuple(PlannedStep(step=step) for step in steps))


@pytest.mark.parametrize(
    ("steps", "ovs", "detached"),
    [
        pytest.param((TO_SWITCHDEV,), BOTH, True, id="to-switchdev"),
        pytest.param((LINK_UP, NO_VFS, TO_LEGACY), BOTH, True, id="vfs-go-before-the-mode"),
        pytest.param((NO_VFS,), BOTH, False, id="the-mode-stays"),
        pytest.param((), BOTH, False, id="nothing-to-do"),
        pytest.param((TO_LEGACY,), OpenVSwitch(bridges=(TWO,)), False, id="the-uplink-of-none"),
        pytest.param((TO_LEGACY,), OpenVSwitch(bridges=(WITHOUT, TWO)), False, id="not-attached"),
        pytest.param((TO_LEGACY,), None, False, id="no-open-vswitch"),
        pytest.param((TO_LEGACY,), SILENT, False, id="open-vswitch-is-silent"),
    ],
)
def test_an_uplink_is_detached_before_its_eswitch_changes(
    steps: tuple[object, ...], ovs: OpenVSwitch | None, detached: bool
) -> None:
    (found,) = bridges.before([plan_of(*steps)], ovs)
    first = (DetachUplink(nic=PF, bridge="br-1"),) if detached else ()
    assert tuple(planned.step for planned in found.steps) == (*first, *steps)


def test_a_detached_bridge_has_no_uplink_meanwhile_and_says_so() -> None:
    (found,) = bridges.before([plan_of(TO_LEGACY)], BOTH)
    assert (found.cost, found.steps[0].why) == (
        Cost.LINK_FLAP,
        "the bridge has no uplink until the PF is attached again",
    )


def test_what_waits_for_a_reboot_is_not_detached_for() -> None:
    waiting = attrs.evolve(plan_of(), later=(PlannedStep(step=TO_LEGACY),))
    assert bridges.before([waiting], BOTH) == (waiting,)


# Making, altering, removing


def lines(*steps: SetBridge) -> list[str]:
    return [step.describe().removeprefix("node: ") for step in steps]


@pytest.mark.parametrize(
    ("found", "wished", "wanted"),
    [
        pytest.param([], [], [], id="nothing-there-nothing-wished"),
        pytest.param([], [ONE], ["bridge br-1: none -> uplink ens3b"], id="made"),
        pytest.param([ONE, TWO], [TWO, ONE], [], id="as-wished-in-any-order"),
        pytest.param([ONE], [], ["bridge br-1: uplink ens3b -> none"], id="removed"),
        pytest.param([WITHOUT], [ONE], ["bridge br-1: without uplink -> uplink ens3b"], id="attached-again"),
        pytest.param(
            [bridge("br-1", datapath_type="netdev")], [ONE], ["bridge br-1: uplink ens3b -> uplink ens3b"], id="altered"
        ),
        pytest.param(
            [bridge("br-9", PF), bridge("br-5", OTHER)],
            [TWO, ONE],
            [
                "bridge br-5: uplink ens5e -> none",
                "bridge br-9: uplink ens3b -> none",
                "bridge br-1: none -> uplink ens3b",
                "bridge br-2: none -> uplink ens5e",
            ],
            id="an-uplink-is-let-go-before-it-is-taken",
        ),
    ],
)
def test_the_steps_lead_from_what_is_to_the_wish(found: list[Bridge], wished: list[Bridge], wanted: list[str]) -> None:
    assert lines(*bridges.steps(OpenVSwitch(bridges=tuple(found)), wished, ())) == wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("datapath_type", "netdev"),
        ("fail_mode", "secure"),
        ("external_ids", {"k": "v"}),
        ("other_config", {"k": "v"}),
    ],
)
def test_each_setting_of_a_bridge_counts(field: str, value: object) -> None:
    wish = bridge("br-1", **{field: value})
    step = SetBridge(name="br-1", was=ONE, bridge=wish)
    assert bridges.steps(BOTH, [wish, TWO], ()) == (step,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "dpdk"),
        ("options", {"k": "v"}),
        ("external_ids", {"k": "v"}),
        ("other_config", {"k": "v"}),
        ("mtu_request", 9000),
        ("name", "p0"),
    ],
)
def test_each_setting_of_an_uplink_counts(field: str, value: object) -> None:
    assert ONE.uplink
    wish = attrs.evolve(ONE, uplink=attrs.evolve(ONE.uplink, **{field: value}))
    assert bridges.steps(BOTH, [wish, TWO], ()) == (SetBridge(name="br-1", was=ONE, bridge=wish),)


def test_a_detached_uplink_is_attached_again() -> None:
    step = SetBridge(name="br-1", was=WITHOUT, bridge=ONE)
    assert bridges.steps(BOTH, [ONE, TWO], {PF}) == (step,)


@pytest.mark.parametrize("ovs", [None, SILENT], ids=["no-open-vswitch", "silent"])
def test_nothing_is_planned_for_an_open_vswitch_that_cannot_be_asked(ovs: OpenVSwitch | None) -> None:
    assert bridges.steps(ovs, [ONE], ()) == ()


NAMES = st.sampled_from(["br-1", "br-2", "br-3"])
BRIDGES = st.lists(
    st.builds(bridge, NAMES, st.none() | st.sampled_from([PF, OTHER]), fail_mode=st.sampled_from(["", "secure"])),
    unique_by=lambda one: one.name,
).map(tuple)


@given(BRIDGES, BRIDGES, st.sets(st.sampled_from([PF, OTHER])))
def test_the_steps_end_at_the_wish_and_each_is_needed(
    found: tuple[Bridge, ...], wished: tuple[Bridge, ...], detached: set[Address]
) -> None:
    steps = bridges.steps(OpenVSwitch(bridges=found), wished, detached)
    lost = [attrs.evolve(one, uplink=None) if one.uplink and one.uplink.nic in detached else one for one in found]
    left = {one.name: one for one in lost}
    for step in steps:
        assert step.was != step.bridge
        if step.bridge is None:
            del left[step.name]
        else:
            left[step.name] = step.bridge
    assert left == {one.name: one for one in wished}
    assert bridges.steps(OpenVSwitch(bridges=wished), wished, ()) == ()


# The name of the PF


def test_an_uplink_goes_by_its_address_and_takes_the_name_that_the_pf_has() -> None:
    named = bridges.named([ONE, TWO, WITHOUT], [nic(PF, name="p0"), nic(OTHER, name=None)])
    assert [one.uplink.name if one.uplink else None for one in named] == ["p0", "ens5e", None]


# What forbids it


def told(ovs: OpenVSwitch | None, *wished: Bridge, nics: tuple[object, ...] = (nic(PF), nic(OTHER))) -> list[str]:
    return [f"{fault.problem.code}: {fault.problem}" for fault in bridges.problems(ovs, wished, nics)]


@pytest.mark.parametrize("ovs", [None, SILENT, BOTH], ids=["none", "silent", "there"])
def test_without_a_wish_for_a_bridge_nothing_is_wrong(ovs: OpenVSwitch | None) -> None:
    assert told(ovs) == []


def test_bridges_that_can_be_made_are_no_problem() -> None:
    assert told(OpenVSwitch(), ONE, TWO) == []


@pytest.mark.parametrize(
    ("ovs", "wished", "nics", "words"),
    [
        pytest.param(
            None,
            [ONE],
            (nic(PF),),
            "no-open-vswitch: bridge br-1 is wished for, and this host has no Open vSwitch. Install it (package "
            "openvswitch-switch or openvswitch), or leave bridges out of the wish",
            id="none",
        ),
        pytest.param(
            SILENT,
            [TWO, ONE],
            (nic(PF), nic(OTHER)),
            "open-vswitch-silent: bridges br-1, br-2 are wished for, and Open vSwitch cannot be asked: ovsdb-server at "
            "unix:/x cannot be reached: Connection refused. Start it. Or leave bridges out of the wish",
            id="silent",
        ),
        pytest.param(
            BOTH,
            [ONE],
            (nic(OTHER),),
            f"no-such-nic: {PF}: it is to be the uplink of bridge br-1, and this machine has no such NIC. Correct its "
            "address",
            id="no-such-nic",
        ),
        pytest.param(
            BOTH,
            [ONE],
            (nic(PF, name=None),),
            f"uplink-without-netdev: {PF}: it is to be the uplink of bridge br-1, and has no netdev here. Bind its "
            "network driver, or give its netdev back from the network namespace it is in",
            id="no-netdev",
        ),
        pytest.param(
            BOTH,
            [ONE],
            (nic(PF, link_type=LinkType.IB),),
            f"uplink-infiniband: {PF}: it is to be the uplink of bridge br-1, and a bridge has no InfiniBand ports. "
            "Set linkType ETH, or wish for no bridge",
            id="infiniband",
        ),
        pytest.param(
            BOTH,
            [ONE, bridge("br-2", PF)],
            (nic(PF),),
            f"uplink-twice: {PF}: it is to be the uplink of bridges br-1 and br-2, and can be a port of one only. "
            "Leave out all but one",
            id="one-uplink-for-two",
        ),
        pytest.param(
            BOTH,
            [ONE, bridge("br-1", OTHER)],
            (nic(PF), nic(OTHER)),
            "bridge-twice: bridge br-1 is wished for twice. Leave out one of the two",
            id="one-name-for-two",
        ),
        pytest.param(
            BOTH,
            [bridge("br-10000_d8_00.0", PORT1)],
            (nic(PORT1),),
            "bridge-name: bridge br-10000_d8_00.0 would be a netdev, whose name has at most 15 bytes. Give it a "
            "shorter name",
            id="name-too-long",
        ),
    ],
)
def test_what_forbids_a_bridge_is_told_with_what_to_do(
    ovs: OpenVSwitch | None, wished: list[Bridge], nics: tuple[object, ...], words: str
) -> None:
    assert told(ovs, *wished, nics=nics) == [words]


def test_the_name_that_a_policy_s_bridge_gets_is_short_enough() -> None:
    assert told(OpenVSwitch(), bridge("br-0000_d8_00.0")) == []


# Hardware offload


@pytest.mark.parametrize(
    ("ovs", "switchdev", "kinds"),
    [
        pytest.param(OpenVSwitch(service=SERVICE), True, [WriteFile, RestartService, SetOvsOption], id="wanted"),
        pytest.param(OpenVSwitch(), True, [SetOvsOption], id="somebody-else-runs-it"),
        pytest.param(OpenVSwitch(service=SERVICE), False, [], id="no-switchdev"),
        pytest.param(OpenVSwitch(service=SERVICE, hw_offload=True), True, [], id="on-already"),
        pytest.param(None, True, [], id="no-open-vswitch"),
        pytest.param(SILENT, True, [], id="silent"),
    ],
)
def test_flows_are_offloaded_where_a_nic_is_to_be_in_switchdev_mode(
    ovs: OpenVSwitch | None, switchdev: bool, kinds: list[type]
) -> None:
    assert [type(step) for step in bridges.offload(ovs, {}, switchdev=switchdev)] == kinds


def test_the_setting_is_made_at_each_start_by_a_file_beside_the_vendor_s_unit() -> None:
    file, restart, option = bridges.offload(OpenVSwitch(service=SERVICE), {}, switchdev=True)
    assert isinstance(file, WriteFile)
    assert file.path == "/etc/systemd/system/ovs-vswitchd.service.d/10-sriov-core.conf"
    assert file.content is not None
    comment, section, setting = file.content.splitlines()
    assert comment.startswith("# Written by sriov-core")
    assert section == "[Service]"
    # With a dash a failure is told in the log and does not keep Open vSwitch from starting.
    assert setting == (
        "ExecStartPre=-/usr/bin/ovs-vsctl --no-wait --timeout=10 set Open_vSwitch . other_config:hw-offload=true"
    )
    assert option == SetOvsOption(key="hw-offload", value="true")
    assert restart == RestartService(service=SERVICE)


DROP_IN = bridges.drop_in_path(SERVICE)
ON = OpenVSwitch(service=SERVICE, hw_offload=True, idle=True)


@pytest.mark.parametrize(
    ("ovs", "files", "facts", "kinds"),
    [
        pytest.param(ON, [DROP_IN], {"release": True}, [SetOvsOption, WriteFile, RestartService], id="given-back"),
        pytest.param(ON, [], {"release": True}, [], id="somebody-else-s-setting-stays"),
        pytest.param(ON, [DROP_IN], {}, [], id="without-a-release-it-stays"),
        pytest.param(ON, [DROP_IN], {"release": True, "switchdev": True}, [], id="another-nic-needs-it"),
        pytest.param(SILENT, [DROP_IN], {"release": True}, [], id="silent"),
    ],
)
def test_what_was_set_for_offload_is_given_back(
    ovs: OpenVSwitch, files: list[str], facts: dict[str, bool], kinds: list[type]
) -> None:
    steps = bridges.offload(ovs, dict.fromkeys(files, ""), **{"switchdev": False, **facts})
    assert [type(step) for step in steps] == kinds


@pytest.mark.parametrize("idle", [True, False])
def test_a_restart_says_whether_anybody_s_traffic_runs_through_it(idle: bool) -> None:
    _, restart, _ = bridges.offload(OpenVSwitch(service=SERVICE, idle=idle), {}, switchdev=True)
    assert restart == RestartService(service=SERVICE, idle=idle)
