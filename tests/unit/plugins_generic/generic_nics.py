"""NICs, wishes and plans in the words of these tests."""

import attrs

import sriov_plugins.generic
from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline, NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import EswitchMode, Nic, Node, Owner, Snapshot, Vf
from sriov_core.model.plan import NicPlan
from sriov_core.planning.planner import plan
from sriov_core.plugin.registry import drivers
from sriov_core.testing.workbench import catalogue_of

PF = Address("0000:3b:00.0")
SIMULATED = Address("netdevsim10", "netdevsim")
LEGACY, SWITCHDEV = EswitchMode.LEGACY, EswitchMode.SWITCHDEV


def nic(kernel_driver: str = "igb", count: int = 0, mode: EswitchMode | None = LEGACY, **facts: object) -> Nic:
    """A PF that is up, whose VFs are bound to its own driver."""
    address = facts.setdefault("address", PF)
    vfs = tuple(vf(index) if address == PF else Vf(index=index, kernel_driver=kernel_driver) for index in range(count))
    found = Nic(
        address=PF,
        vendor="ee01",
        device="0001",
        kernel_driver=kernel_driver,
        name="ens1",
        mac="02:00:00:00:00:01",
        link_up=True,
        mtu=1500,
        total_vfs=16,
        num_vfs=count,
        eswitch_mode=mode,
        vfs=vfs,
    )
    return attrs.evolve(found, **facts)


def vf(index: int, kernel_driver: str | None = "its_vf_driver", **facts: object) -> Vf:
    return attrs.evolve(
        Vf(index=index, address=Address(f"0000:3b:01.{index}"), kernel_driver=kernel_driver, mac="02:00:00:00:01:00"),
        **facts,
    )


def wish(count: int = 0, mode: EswitchMode = LEGACY, *groups: VfGroup, **fields: object) -> NicSpec:
    fields.setdefault("address", PF)
    return NicSpec(num_vfs=count, eswitch_mode=mode, groups=groups, **fields)  # type: ignore[arg-type]  # a shorthand


def release(before: Baseline, **fields: object) -> NicSpec:
    return wish(
        before.num_vfs, before.eswitch_mode, *before.groups, restore=before, autoprobe=before.autoprobe, **fields
    )


def nic_plan(found: Nic, spec: NicSpec) -> NicPlan:
    """What the base driver alone plans."""
    owners = {found.address: Owner(plugin="generic", reason="the only one")}
    by_name = drivers(catalogue_of(sriov_plugins.generic))
    look = Snapshot(node=Node(iommu_groups=9), nics=(found,), owners=owners)
    return plan(look, NodeSpec(nics=(spec,)), by_name).nics[0]


def lines(found: Nic, spec: NicSpec) -> list[str]:
    """The steps as they print, without the address of the PF."""
    planned = nic_plan(found, spec)
    assert not planned.problems, planned.problems
    return [
        entry.step.describe().removeprefix(f"{found.address}: ").removeprefix(f"{found.address} ")
        for entry in planned.steps
    ]


def codes(found: Nic, spec: NicSpec) -> list[str]:
    return [problem.code for problem in nic_plan(found, spec).problems]
