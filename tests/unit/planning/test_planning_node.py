"""What the plans need of the machine: an IOMMU with one reboot at most, modules, and udev rules."""

import attrs
import pytest
from planning_values import NODE, OTHER, PF, codes, group, guest, look, nic, planned, plugin, spec, vfio, vfs

from sriov_core.model.desired import DeviceType
from sriov_core.model.nodesteps import LoadModule, SetKernelArgument, SetModuleParameter
from sriov_core.model.plan import Cost, Reboot
from sriov_core.model.steps import SetLink
from sriov_core.planning.node import IOMMU_REQUIREMENT
from sriov_core.plugin import hookimpl
from sriov_core.plugin.registry import drivers

BARE = attrs.evolve(NODE, iommu_groups=0)
WISH = spec(vfio(0, 1))

ARGUMENTS = {
    "intel": ({"cpu_vendor": "GenuineIntel"}, ["intel_iommu=on", "iommu=pt"]),
    "one-is-there": ({"cmdline": ("quiet", "iommu=pt")}, ["intel_iommu=on"]),
    "one-is-there-with-more": ({"cmdline": ("intel_iommu=on,sm_on",)}, ["iommu=pt"]),
    "a-longer-word-is-another": ({"cmdline": ("intel_iommu=only",)}, ["intel_iommu=on", "iommu=pt"]),
    "through-rpm-ostree": ({"boot_manager": "rpm-ostree"}, ["intel_iommu=on", "iommu=pt"]),
}


@pytest.mark.parametrize(("facts", "arguments"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_missing_iommu_is_asked_for_with_one_reboot(facts, arguments):
    found = planned(look(nic(), node=attrs.evolve(BARE, **facts)), WISH)
    assert [entry.step for entry in found.node] == [SetKernelArgument(argument=text) for text in arguments]
    assert [entry.cost for entry in found.node] == [Cost.REBOOT] * len(arguments)
    assert [reboot.requirement for reboot in found.reboots] == [IOMMU_REQUIREMENT]
    assert (found.nics[0].steps, bool(found.nics[0].later), found.all_problems) == ((), True, ())


HOPELESS = {
    "all-given-without-effect": ({"cmdline": ("intel_iommu=on", "iommu=pt")}, "no kernel argument is missing"),
    "arm": ({"cpu_vendor": None}, "no kernel argument is missing"),
    "amd": ({"cpu_vendor": "AuthenticAMD"}, "no kernel argument is missing"),
    "another-cpu": ({"cpu_vendor": "HygonGenuine"}, "no kernel argument is missing"),
    "no-boot-manager": ({"boot_manager": None}, "no known boot manager can set intel_iommu=on iommu=pt"),
}


@pytest.mark.parametrize(("facts", "text"), HOPELESS.values(), ids=HOPELESS)
def test_no_reboot_is_asked_for_where_none_would_help(facts, text):
    found = planned(look(nic(), node=attrs.evolve(BARE, **facts)), WISH)
    assert set(codes(found)) == {"no-iommu"}
    assert text in found.all_problems[0].text
    assert (found.steps, found.reboots, found.nics[0].later) == ((), (), ())


def test_an_iommu_that_a_reboot_did_not_bring_is_not_asked_for_again():
    found = planned(look(nic(), node=BARE), WISH, spent_reboots={IOMMU_REQUIREMENT})
    assert set(codes(found)) == {"no-iommu"}
    assert (found.steps, found.reboots) == ((), ())


def test_what_was_asked_for_is_waited_for_without_a_step():
    found = planned(look(nic(), node=BARE), WISH, asked_reboots={IOMMU_REQUIREMENT})
    assert (found.steps, codes(found)) == ((), [])
    assert [reboot.requirement for reboot in found.reboots] == [IOMMU_REQUIREMENT]
    assert not found.is_empty


NEEDS_NONE = {
    "netdevices": spec(group(0, 1)),
    "uio": spec(group(0, 0, DeviceType.UIO_PCI_GENERIC)),
    "nothing": spec(),
}


@pytest.mark.parametrize("wish", NEEDS_NONE.values(), ids=NEEDS_NONE)
def test_without_vfio_no_iommu_is_needed(wish):
    found = planned(look(nic(), node=BARE), wish)
    assert (found.reboots, codes(found)) == ((), [])


def test_vfs_that_are_on_vfio_already_need_no_iommu():
    assert planned(look(nic(vfs=vfs("vfio-pci", "vfio-pci")), node=BARE), WISH).is_empty


def test_a_missing_iommu_does_not_hold_up_the_other_nics():
    found = planned(look(nic(), nic(OTHER), node=BARE), WISH, spec(group(0, 0), address=OTHER))
    assert [bool(entry.steps) for entry in found.nics] == [False, True]


def test_firmware_that_needs_a_reboot_goes_along_with_the_iommu():
    @hookimpl
    def set_firmware(card, spec):
        return (SetLink(nic=PF, was=True, up=True),)

    @hookimpl
    def needs_reboot(nic, spec, steps):
        return (Reboot(requirement="acme-firmware", reason="the firmware takes it at boot"),)

    by_name = drivers(plugin(set_firmware, needs_reboot))
    found = planned(look(nic(), owner="acme", node=BARE), WISH, drivers=by_name)
    assert {reboot.requirement for reboot in found.reboots} == {IOMMU_REQUIREMENT, "acme-firmware"}
    assert [type(entry.step) for entry in found.steps] == [SetKernelArgument, SetKernelArgument, SetLink]
    assert len(found.nics[0].later) > 3


MODULES = {
    "missing": (frozenset(), spec(vfio(0, 0)), ["vfio_pci"]),
    "loaded": (frozenset({"vfio_pci"}), spec(vfio(0, 0)), []),
    "a-longer-name-is-another": (frozenset({"vfio_pci_core"}), spec(vfio(0, 0)), ["vfio_pci"]),
    "two": (
        frozenset(),
        spec(vfio(0, 0), group(1, 1, DeviceType.UIO_PCI_GENERIC)),
        ["uio_pci_generic", "vfio_pci"],
    ),
    "none-for-netdevices": (frozenset(), spec(group(0, 0)), []),
}


@pytest.mark.parametrize(("present", "wish", "loaded"), MODULES.values(), ids=MODULES)
def test_modules_are_loaded_where_a_vf_is_bound_to_them(present, wish, loaded):
    found = planned(look(nic(), node=attrs.evolve(NODE, modules=present)), wish)
    assert [entry.step for entry in found.node] == [LoadModule(module=name) for name in loaded]


def test_before_a_reboot_no_module_is_loaded():
    found = planned(look(nic(), node=attrs.evolve(BARE, modules=frozenset())), WISH)
    assert not [entry for entry in found.node if isinstance(entry.step, LoadModule)]


GUEST = attrs.evolve(BARE, modules=frozenset({"vfio_pci", "vfio"}))
ALLOW = SetModuleParameter(module="vfio", parameter="enable_unsafe_noiommu_mode", value="Y")
VIRTUAL = {
    "with-an-iommu": (NODE, [], []),
    "switched-on-already": (attrs.evolve(GUEST, noiommu=True), [], []),
    "switched-off": (attrs.evolve(GUEST, noiommu=False), [ALLOW], []),
    "vfio-not-loaded": (
        attrs.evolve(GUEST, modules=frozenset({"vfio_pci"})),
        [LoadModule(module="vfio"), ALLOW],
        [],
    ),
    "a-kernel-without-that-mode": (GUEST, [], ["no-iommu"]),
}


@pytest.mark.parametrize(("node", "steps", "problems"), VIRTUAL.values(), ids=VIRTUAL)
def test_inside_a_virtual_machine_vfio_does_without_an_iommu(node, steps, problems):
    found = planned(look(guest(), node=node), guest_wish())
    assert [entry.step for entry in found.node] == steps
    assert sorted(set(codes(found))) == problems
    assert found.reboots == ()


def guest_wish():
    return spec(vfio(0, 0))
