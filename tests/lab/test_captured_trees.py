"""The trees that were captured here still say what the guest's devices say."""

import pytest
from build import PROJECT
from guest_node import GuestNode
from msgspec.structs import replace

from sriov_core.testing import trees

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        pytest.param("netdevsim", "netdevsim/netdevsim10", id="netdevsim"),
        pytest.param("intel-82576-lab", "0000:01:00.0 0000:02:00.0", id="igb"),
    ],
)
def test_a_captured_tree_is_what_the_machine_tells(vm, name, addresses):
    vm.reset_nics()
    vm.sh("modprobe netdevsim && echo '10 1' > /sys/bus/netdevsim/new_device && udevadm settle")

    captured = trees.loads(GuestNode(vm).command(f"capture {addresses} -o json").out)

    shipped = trees.load(PROJECT / f"tests/trees/{name}.yaml")
    assert _functions(captured) == _functions(shipped)
    for fact in ("os_name", "cpu_vendor", "cmdline", "iommu_groups", "boot_manager"):
        assert getattr(captured.node, fact) == getattr(shipped.node, fact), fact
    assert set(shipped.node.modules) <= set(captured.node.modules)


def _functions(tree):
    """Without what follows the kernel's version, or was added to the captured tree by hand, as its origin says."""
    return [
        replace(
            function,
            driver_version=None,
            parameters={},
            links=[replace(link, phys_port_name=None, phys_switch_id=None) for link in function.links],
        )
        for function in tree.functions
    ]
