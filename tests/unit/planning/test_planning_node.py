"""What the plans need of the machine: an IOMMU with one reboot at most, modules, and udev rules."""

import attrs
import pytest
from planning_values import NODE, OTHER, PF, codes, group, look, nic, planned, plugin, spec, vfio, vfs

from sriov_core.model.desired import Baseline, DeviceType
from sriov_core.model.plan import Cost, Reboot
from sriov_core.model.steps import LoadModule, SetKernelArgument, SetLink, WriteFile
from sriov_core.planning.node import IOMMU_REQUIREMENT, rule_path
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


PATH = "/etc/udev/rules.d/10-sriov-core-0000:3b:00.0.rules"
RULE = (
    "# Written by sriov-core: NetworkManager leaves the VFs of this PF alone.\n"
    'ACTION!="remove", SUBSYSTEM=="net", TEST=="device/physfn", '
    'PROGRAM="/usr/bin/readlink -f /sys%p/device/physfn", RESULT=="*/0000:3b:00.0", ENV{NM_UNMANAGED}="1"\n'
)
MANAGED = attrs.evolve(NODE, network_managers=("NetworkManager",))
WITH_RULE = attrs.evolve(MANAGED, files={PATH: RULE})
RELEASE = spec(restore=Baseline())

RULES = {
    "written-for-vfs": (MANAGED, spec(group(0, 0)), [RULE]),
    "there-already": (WITH_RULE, spec(group(0, 0)), []),
    "of-an-older-version": (attrs.evolve(MANAGED, files={PATH: "old"}), spec(group(0, 0)), [RULE]),
    "none-without-vfs": (MANAGED, spec(), []),
    "removed-without-vfs": (WITH_RULE, spec(), [None]),
    "removed-on-release": (WITH_RULE, RELEASE, [None]),
    "none-on-release": (MANAGED, RELEASE, []),
    "none-without-networkmanager": (NODE, spec(group(0, 0)), []),
    "removed-without-networkmanager": (attrs.evolve(WITH_RULE, network_managers=()), spec(group(0, 0)), [None]),
    "none-for-an-external-pf": (MANAGED, spec(externally_managed=True), []),
    "none-where-nothing-can-be-done": (MANAGED, spec(num_vfs=99), []),
    "none-on-another-bus": (MANAGED, spec(group(0, 0), address=attrs.evolve(PF, bus="sim", name="sim1")), []),
}


@pytest.mark.parametrize(("node", "wish", "contents"), RULES.values(), ids=RULES)
def test_the_udev_rule_is(node, wish, contents):
    found = planned(look(nic(wish.address), node=node), wish)
    written = [entry.step for entry in found.node]
    assert written == [WriteFile(path=PATH, content=content) for content in contents]
    assert rule_path(PF) == PATH
