"""Machines for the tests of the kit, small enough to be read at a glance."""

from sriov_core.model.address import Address
from sriov_core.testing.tree import (
    FORMAT,
    EswitchFacts,
    FunctionFacts,
    LinkFacts,
    NodeFacts,
    SriovFacts,
    Tree,
)
from sriov_core.testing.world import FakeWorld

PF = Address("0000:01:00.0")
VF0 = Address("0000:01:10.0")
VF1 = Address("0000:01:10.2")


def machine(*, eswitch=False, node=None, sriov=None, **function) -> Tree:
    """One igb port with seven VFs to make, an IOMMU and vfio_pci; keyword arguments change a fact each."""
    return Tree(
        format=FORMAT,
        node=NodeFacts(**{"iommu_groups": 3, "modules": ["vfio_pci"], "boot_manager": "grub", **(node or {})}),
        functions=[
            FunctionFacts(
                **{
                    "address": str(PF),
                    "vendor": "8086",
                    "device": "10c9",
                    "kernel_driver": "igb",
                    "links": [
                        LinkFacts(name="eth0", mac="02:00:00:00:00:01", min_mtu=68, max_mtu=9216, up=True, carrier=True)
                    ],
                    "sriov": SriovFacts(
                        **{
                            "total_vfs": 7,
                            "vf_device": "10ca",
                            "vf_kernel_driver": "igbvf",
                            "vf_offset": 128,
                            "vf_stride": 2,
                            **(sriov or {}),
                        }
                    ),
                    "eswitch": EswitchFacts() if eswitch else None,
                    **function,
                }
            )
        ],
    )


def vfs_up(count=2, **facts) -> FakeWorld:
    kernel = FakeWorld(machine(**facts))
    kernel.set_num_vfs(PF, count)
    return kernel
