"""Offloads through ethtool's ioctl, on netdevs of a network namespace of their own."""

from pathlib import Path

import pytest
from namespaces import NEEDS_ROOT, in_namespace, on_machine
from tree import PF, HostTree

pytestmark = NEEDS_ROOT

OFFLOADS = "(o := __import__('sriov_core.host.offloads', fromlist=['x']).Offloads(10, 10))"


def test_an_offload_is_switched_off_and_on_and_its_neighbours_stay() -> None:
    names = "('rx-gro-list', 'tx-generic-segmentation', 'tx-tcp-segmentation')"
    state = f"[o.is_on('left', name) for name in {names}]"
    switch = "o.switch('left', 'tx-generic-segmentation', on={})"
    found = in_namespace(f"[{OFFLOADS} and {state}, {switch.format(False)}, {state}, {switch.format(True)}, {state}]")
    assert found == [[False, True, True], None, [False, False, True], None, [False, True, True]]


def test_an_offload_of_the_second_block_of_bits_is_switched() -> None:
    code = f"[{OFFLOADS} and o.is_on('left', 'rx-gro-list'), o.switch('left', 'rx-gro-list', on=True)]"
    state = "[o.is_on(name, 'rx-gro-list') for name in ('left', 'right')]"
    assert in_namespace(f"[{code}, {state}]") == [[False, None], [True, False]]


@pytest.mark.parametrize(
    ("netdev", "name"),
    [
        pytest.param("left", "no-such-feature", id="unknown"),
        pytest.param("left", "", id="without-a-name"),
        pytest.param("left", "hw-tc-offload", id="the-driver-has-none"),
        pytest.param("left", "vlan-challenged", id="never-changed"),
        pytest.param("absent", "rx-gro", id="no-such-netdev"),
    ],
)
def test_what_cannot_be_switched_is_none_and_refused(netdev: str, name: str) -> None:
    refused = f"refusal(lambda: o.switch({netdev!r}, {name!r}, on=True))"
    found = in_namespace(f"[{OFFLOADS} and o.is_on({netdev!r}, {name!r}), {refused}]")
    assert found == [None, [95, "it has no such feature, or one that cannot be switched"]]


def test_a_switch_that_changes_nothing_is_a_refusal() -> None:
    # net/core/dev.c (netdev_fix_features): no TSO without scatter-gather.
    code = (
        f"[{OFFLOADS} and o.switch('left', 'tx-scatter-gather', on=False), o.is_on('left', 'tx-tcp-segmentation'), "
        "refusal(lambda: o.switch('left', 'tx-tcp-segmentation', on=True))]"
    )
    words = "the kernel took it and changed nothing: another setting rules it out"
    assert in_namespace(code) == [None, False, [95, words]]


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(name="left")
    return found


def test_a_machine_switches_the_offloads_of_its_pf(tree: HostTree) -> None:
    name = "'tx-generic-segmentation'"
    code = (
        f"[machine.feature(pf, {name}), machine.set_feature(pf, {name}, on=False), machine.feature(pf, {name}), "
        "machine.feature(pf, 'hw-tc-offload'), words(lambda: machine.set_feature(pf, 'hw-tc-offload', on=True)), "
        "words(lambda: machine.set_feature(pf, 'lro', on=False))]"
    )
    reason = "(it has no such feature, or one that cannot be switched). Its kernel driver cannot do this"
    refused = [f"{PF}: hw-tc-offload: on refused with EOPNOTSUPP {reason}"]
    refused += [f"{PF}: lro: off refused with EOPNOTSUPP {reason}"]
    assert on_machine(tree, code) == [True, None, False, None, *refused]
