"""Counts and modes in the order that the PF's kernel driver demands: from a NIC and a wish to the lines of the plan."""

import attrs
import pytest
from generic_nics import LEGACY, SIMULATED, SWITCHDEV, codes, lines, nic, vf, wish

from sriov_core.model.desired import DeviceType, VfGroup

VFIO = VfGroup(first=0, last=0, device_type=DeviceType.VFIO_PCI)
DOWN = {"link_up": False}


def changes(*args, **fields) -> list[str]:
    """Counts, modes, links and bindings only: which addresses VFs get and who probes them is told elsewhere."""
    return [line for line in lines(*args, **fields) if "MAC" not in line and "autoprobe" not in line]


def bound(*indexes: int, was: str = "none", now: str = "default") -> list[str]:
    return [f"vf{index}: kernel driver {was} -> {now}" for index in indexes]


UNBOUND = bound(0, 1, was="its_vf_driver", now="none")
TO_SWITCHDEV, TO_LEGACY = "eswitch legacy -> switchdev", "eswitch switchdev -> legacy"


@pytest.mark.parametrize(
    ("found", "wished", "expected"),
    [
        pytest.param(
            nic("igb", 0, None),
            wish(2),
            ["VFs 0 -> 2", *bound(0, 1)],
            id="plain-vfs-come",
        ),
        pytest.param(
            nic("igb", 3, None),
            wish(2),
            ["VFs 3 -> 0", "VFs 0 -> 2", *bound(0, 1)],
            id="plain-by-way-of-none",
        ),
        pytest.param(nic("igb", 3, None), wish(), ["VFs 3 -> 0"], id="plain-vfs-go"),
        pytest.param(
            nic("x1_net"),
            wish(2, SWITCHDEV),
            [TO_SWITCHDEV, "VFs 0 -> 2", *bound(0, 1)],
            id="unknown-mode-first",
        ),
        pytest.param(nic("x1_net", 2), wish(2, SWITCHDEV), [TO_SWITCHDEV], id="unknown-with-its-vfs"),
        pytest.param(
            nic("ice"),
            wish(2, SWITCHDEV),
            [TO_SWITCHDEV, "VFs 0 -> 2", *bound(0, 1)],
            id="ice-mode-first",
        ),
        pytest.param(
            nic("ice", 2),
            wish(2, SWITCHDEV),
            ["VFs 2 -> 0", TO_SWITCHDEV, "VFs 0 -> 2", *bound(0, 1)],
            id="ice-without-vfs",
        ),
        pytest.param(nic("ice", 2, SWITCHDEV), wish(), ["VFs 2 -> 0", TO_LEGACY], id="ice-back"),
        pytest.param(
            nic("mlx5_core"),
            wish(2, SWITCHDEV),
            ["VFs 0 -> 2", TO_SWITCHDEV, *bound(0, 1)],
            id="mlx5-vfs-first",
        ),
        pytest.param(
            nic("mlx5_core", 2),
            wish(2, SWITCHDEV),
            [*UNBOUND, TO_SWITCHDEV, *bound(0, 1)],
            id="mlx5-takes-over-vfs-that-exist",
        ),
        pytest.param(
            nic("mlx5_core", 2, SWITCHDEV),
            wish(3, SWITCHDEV),
            [*UNBOUND, TO_LEGACY, "VFs 2 -> 0", "VFs 0 -> 3", TO_SWITCHDEV, *bound(0, 1, 2)],
            id="mlx5-another-count-by-way-of-legacy",
        ),
        pytest.param(
            nic("mlx5_core", 2, SWITCHDEV),
            wish(),
            [*UNBOUND, TO_LEGACY, "VFs 2 -> 0"],
            id="mlx5-back",
        ),
        pytest.param(
            nic("mlx5_core", 2, SWITCHDEV),
            wish(0, SWITCHDEV),
            [*UNBOUND, TO_LEGACY, "VFs 2 -> 0", TO_SWITCHDEV],
            id="mlx5-switchdev-without-vfs",
        ),
        pytest.param(
            nic("mlx5_core", 2),
            wish(0, SWITCHDEV),
            ["VFs 2 -> 0", TO_SWITCHDEV],
            id="mlx5-no-detour-on-the-way-to-none",
        ),
        pytest.param(
            nic("mlx5_core", 2, vfs=(vf(0, "vfio-pci"), vf(1))),
            wish(2, SWITCHDEV, VFIO),
            [
                *bound(0, was="vfio-pci", now="none"),
                *bound(1, was="its_vf_driver", now="none"),
                TO_SWITCHDEV,
                *bound(0, now="vfio-pci"),
                *bound(1),
            ],
            id="mlx5-userspace-vfs-are-unbound-too",
        ),
        pytest.param(
            nic("bnxt_en"),
            wish(2, SWITCHDEV),
            ["VFs 0 -> 2", TO_SWITCHDEV, *bound(0, 1)],
            id="bnxt-vfs-first",
        ),
        pytest.param(nic("bnxt_en", 2), wish(2, SWITCHDEV), [TO_SWITCHDEV], id="bnxt-with-its-vfs"),
        pytest.param(nic("bnxt_en", 2, SWITCHDEV), wish(), [TO_LEGACY, "VFs 2 -> 0"], id="bnxt-back"),
        pytest.param(nic("bnxt_en", 2, **DOWN), wish(), ["link down -> up", "VFs 2 -> 0"], id="bnxt-counts-while-up"),
        pytest.param(
            nic("bnx2x", 2, None, **DOWN), wish(), ["link down -> up", "VFs 2 -> 0"], id="bnx2x-counts-while-up"
        ),
        pytest.param(
            nic("igb", 2, None, **DOWN),
            wish(),
            ["VFs 2 -> 0"],
            id="others-count-while-down",
        ),
        pytest.param(
            nic("netdevsim", 0, address=SIMULATED),
            wish(2, SWITCHDEV, address=SIMULATED),
            ["VFs 0 -> 2", TO_SWITCHDEV],
            id="netdevsim-binds-nothing",
        ),
        pytest.param(
            nic("netdevsim", 2, SWITCHDEV, address=SIMULATED),
            wish(3, SWITCHDEV, address=SIMULATED),
            [TO_LEGACY, "VFs 2 -> 0", "VFs 0 -> 3", TO_SWITCHDEV],
            id="netdevsim-forgets-the-mode-without-vfs",
        ),
        pytest.param(
            nic("nfp", 0, SWITCHDEV),
            wish(2, SWITCHDEV),
            ["VFs 0 -> 2", *bound(0, 1)],
            id="nfp-in-its-only-mode",
        ),
    ],
)
def test_the_order_is_that_of_the_kernel_driver(found, wished, expected):
    assert changes(found, wished) == expected


@pytest.mark.parametrize("driver", ["igb", "ice", "mlx5_core", "bnxt_en"])
def test_no_new_vf_meets_a_driver_that_it_is_not_meant_for(driver):
    planned = lines(nic(driver), wish(2))
    assert planned.index("driver autoprobe on -> off") < planned.index("VFs 0 -> 2")


def test_where_vfs_are_no_devices_nobody_switches_autoprobe():
    assert lines(nic("netdevsim", address=SIMULATED), wish(2, address=SIMULATED)) == ["VFs 0 -> 2"]


@pytest.mark.parametrize("driver", ["ice", "mlx5_core", "bnxt_en", "x1_net"])
def test_an_externally_managed_pf_keeps_its_mode_and_count(driver):
    wished = attrs.evolve(wish(2, SWITCHDEV), externally_managed=True)
    assert changes(nic(driver, 3, SWITCHDEV), wished) == []


@pytest.mark.parametrize(
    ("found", "wished", "expected"),
    [
        pytest.param(nic("bnxt_en"), wish(0, SWITCHDEV), ["switchdev-without-vfs"], id="bnxt-without-vfs"),
        pytest.param(nic("bnxt_en", 2, SWITCHDEV), wish(0, SWITCHDEV), ["switchdev-without-vfs"], id="bnxt-to-none"),
        pytest.param(nic("bnxt_en", 0, SWITCHDEV), wish(0, SWITCHDEV), [], id="bnxt-as-it-is"),
        pytest.param(nic("nfp", 0, SWITCHDEV), wish(2), ["eswitch-mode-is-fixed"], id="nfp-has-one-mode"),
        pytest.param(nic("nfp", 0, None), wish(2), [], id="nfp-without-an-eswitch"),
        pytest.param(nic("igb", 0, None), wish(2, SWITCHDEV), ["no-eswitch"], id="no-eswitch"),
        pytest.param(
            nic("netdevsim", address=SIMULATED),
            wish(2, LEGACY, VFIO, address=SIMULATED),
            ["vfs-are-no-devices"],
            id="nothing-to-bind",
        ),
        pytest.param(
            nic("netdevsim", address=SIMULATED),
            wish(2, autoprobe=False, address=SIMULATED),
            ["no-autoprobe"],
            id="nothing-to-probe",
        ),
    ],
)
def test_what_the_kernel_driver_will_not_do_is_refused_before_planning(found, wished, expected):
    assert codes(found, wished) == expected
