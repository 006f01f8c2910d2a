"""One udev rule file a NIC: NetworkManager off its VFs, telling names for its PF and representors."""

import attrs
import pytest
from planning_values import NODE, PF, group, look, nic, planned, spec, vfs

from sriov_core.model.desired import Baseline
from sriov_core.model.nodesteps import WriteFile
from sriov_core.model.observed import EswitchMode
from sriov_core.planning.udevrules import rule_path

PATH = "/etc/udev/rules.d/10-sriov-core-0000:3b:00.0.rules"
RULE = (
    "# Written by sriov-core.\n"
    "# NetworkManager leaves the VFs of this PF alone.\n"
    'ACTION!="remove", SUBSYSTEM=="net", TEST=="device/physfn", '
    'PROGRAM="/usr/bin/readlink -f /sys%p/device/physfn", RESULT=="*/0000:3b:00.0", ENV{NM_UNMANAGED}="1"\n'
)
OWN = 'ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:3b:00.0"'
PF_NAME = (
    "# The PF keeps its name when the change of mode makes its netdev anew.\n"
    f'{OWN}, ATTR{{phys_port_name}}=="p[0-9]*", NAME="ens1"\n'
)
REPRESENTORS = (
    "# Representors are called after the PF and the index of their VF.\n"
    f'{OWN}, ATTR{{phys_port_name}}=="pf*vf0", NAME="ens1_0"\n'
    f'{OWN}, ATTR{{phys_port_name}}=="pf*vf1", NAME="ens1_1"\n'
)
NAMES = f"# Written by sriov-core.\n{PF_NAME}{REPRESENTORS}"
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


SWITCHDEV = spec(group(0, 1), eswitch_mode=EswitchMode.SWITCHDEV)
NETDEVSIM = attrs.evolve(PF, bus="netdevsim", name="netdevsim10")


@pytest.mark.parametrize(("node", "wish", "contents"), RULES.values(), ids=RULES)
def test_the_udev_rule_is(node, wish, contents):
    found = planned(look(nic(wish.address), node=node), wish)
    written = [entry.step for entry in found.node]
    assert written == [WriteFile(path=PATH, content=content) for content in contents]
    assert rule_path(PF) == PATH


def switchdev(name="ens1", node=NODE, address=PF):
    wish = attrs.evolve(SWITCHDEV, address=address)
    seen = nic(address, name=name, eswitch_mode=EswitchMode.SWITCHDEV, vfs=vfs("iavf", "iavf"))
    found = planned(look(seen, node=node), wish)
    return [entry.step for entry in found.node if isinstance(entry.step, WriteFile)]


def test_in_switchdev_pf_and_representors_are_named():
    assert switchdev() == [WriteFile(path=PATH, content=NAMES)]


def test_networkmanager_is_kept_off_in_switchdev_too():
    (written,) = switchdev(node=MANAGED)
    assert written.content == RULE + PF_NAME + REPRESENTORS


def test_a_pf_name_too_long_for_a_number_leaves_the_representors_to_udevs_own_names():
    (written,) = switchdev(name="enp216s0f0np00")
    assert written.content == f"# Written by sriov-core.\n{PF_NAME.replace('ens1', 'enp216s0f0np00')}"


def test_names_that_are_right_already_are_not_written_again():
    assert switchdev(node=attrs.evolve(NODE, files={PATH: NAMES})) == []


def test_off_the_pci_bus_the_representors_are_told_by_their_device():
    (written,) = switchdev(address=NETDEVSIM, node=MANAGED)
    assert written.path == "/etc/udev/rules.d/10-sriov-core-netdevsim-netdevsim10.rules"
    own = OWN.replace("0000:3b:00.0", "netdevsim10")
    assert written.content == (
        "# Written by sriov-core.\n# Representors are called after the PF and the index of their VF.\n"
        f'{own}, ATTR{{phys_port_name}}=="pf*vf0", NAME="ens1_0"\n'
        f'{own}, ATTR{{phys_port_name}}=="pf*vf1", NAME="ens1_1"\n'
    )
