"""Where a machine runs, by its firmware tables and its processor; and which of its NICs that matters to."""

import pytest
from tree import PF, HostTree

from sriov_core.host.linux import LinuxHost
from sriov_core.host.platform import detect
from sriov_core.model.address import Address

GUEST = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme hypervisor lahf_lm\nbugs\t\t: x\n"
BARE = GUEST.replace(" hypervisor", "")
OWN = "0000:02:00.0"


@pytest.fixture
def tree(tmp_path):
    return HostTree(tmp_path / "root")


def with_dmi(tree: HostTree, cpuinfo: str = BARE, **dmi: str) -> HostTree:
    tree.write("proc/cpuinfo", cpuinfo)
    for name, text in dmi.items():
        tree.write(f"sys/class/dmi/id/{name}", f"{text}\n")
    return tree


@pytest.mark.parametrize(
    ("dmi", "cpuinfo", "expected"),
    [
        pytest.param({}, BARE, "baremetal", id="no-tables"),
        pytest.param({}, GUEST, "virtual", id="the-processor-alone"),
        pytest.param({"sys_vendor": "Dell Inc.", "product_name": "PowerEdge R650"}, BARE, "baremetal", id="a-server"),
        pytest.param(
            {"sys_vendor": "QEMU", "product_name": "Standard PC (Q35 + ICH9, 2009)"}, GUEST, "virtual", id="qemu"
        ),
        pytest.param({"sys_vendor": "QEMU", "product_name": "KVM Virtual Machine"}, "", "virtual", id="qemu-on-arm"),
        pytest.param({"sys_vendor": "Red Hat", "product_name": "KVM"}, BARE, "virtual", id="red-hat-kvm"),
        pytest.param({"sys_vendor": "VMware, Inc.", "product_name": "VMware7,1"}, GUEST, "virtual", id="vmware"),
        pytest.param({"sys_vendor": "Google", "product_name": "Google Compute Engine"}, BARE, "virtual", id="google"),
        pytest.param(
            {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}, BARE, "virtual", id="azure"
        ),
        pytest.param(
            {"sys_vendor": "Microsoft Corporation", "product_name": "Surface Pro"}, BARE, "baremetal", id="a-laptop"
        ),
        pytest.param({"sys_vendor": "Amazon EC2", "product_name": "m5.large"}, GUEST, "aws", id="ec2"),
        pytest.param({"sys_vendor": "Amazon EC2", "product_name": "c7g.4xlarge"}, "", "aws", id="ec2-on-arm"),
        pytest.param({"sys_vendor": "Amazon EC2", "product_name": "m5.metal"}, BARE, "baremetal", id="ec2-metal"),
        pytest.param({"sys_vendor": "Amazon EC2", "product_name": "m7i.metal-24xl"}, BARE, "baremetal", id="ec2-part"),
        pytest.param(
            {"sys_vendor": "Xen", "product_name": "HVM domU", "bios_version": "4.11.amazon"},
            GUEST,
            "aws",
            id="ec2-on-xen",
        ),
        pytest.param(
            {"sys_vendor": "OpenStack Foundation", "product_name": "OpenStack Nova"}, GUEST, "openstack", id="nova"
        ),
        pytest.param({"sys_vendor": "Red Hat", "product_name": "OpenStack Compute"}, GUEST, "openstack", id="rhosp"),
        pytest.param(
            {"sys_vendor": "RDO", "product_name": "Openstack Nova"}, GUEST, "openstack", id="spelled-otherwise"
        ),
        pytest.param(
            {"sys_vendor": "QEMU", "chassis_asset_tag": "OpenTelekomCloud"}, GUEST, "openstack", id="by-asset-tag"
        ),
        pytest.param({"sys_vendor": "QEMU", "chassis_asset_tag": "OpenStack Nova"}, GUEST, "openstack", id="nova-tag"),
        pytest.param(
            {"sys_vendor": "Huawei", "chassis_asset_tag": "HUAWEICLOUD"}, BARE, "baremetal", id="a-cloud's-bare-machine"
        ),
    ],
)
def test_the_platform_is_what_the_machine_says_of_itself(tree, dmi, cpuinfo, expected):
    assert detect(str(with_dmi(tree, cpuinfo, **dmi).root)) == expected


def test_the_first_domain_of_xen_has_the_real_devices(tree):
    with_dmi(tree, GUEST, sys_vendor="Dell Inc.").write("proc/xen/capabilities", "control_d\n")
    assert detect(str(tree.root)) == "baremetal"


def test_somebody_who_knows_better_is_believed(tree):
    with_dmi(tree, GUEST, sys_vendor="QEMU").function(OWN, "1af4:1041", driver="virtio-pci")
    (function,) = LinuxHost(str(tree.root), platform="openstack").functions()
    assert function.platform == "openstack"


def test_inside_a_virtual_machine_a_pf_is_what_it_is_elsewhere_and_so_are_its_vfs(tree):
    with_dmi(tree, GUEST, sys_vendor="QEMU").pf(vfs=1)
    tree.function(OWN, "8086:154c", driver="iavf")
    host = LinuxHost(str(tree.root))
    assert [(str(found.address), found.platform) for found in host.functions()] == [(PF, "baremetal"), (OWN, "virtual")]
    assert host.function(Address(PF)).platform == "baremetal"
    assert host.function(Address("0000:01:10.0")).platform == "baremetal"
    assert host.function(Address(OWN)).platform == "virtual"
    assert [found.is_vf for found in host.functions()] == [False, True]


def test_a_vf_without_a_pf_is_its_own_vf(tree):
    with_dmi(tree, GUEST, sys_vendor="QEMU").pf(vfs=1)
    tree.function(OWN, "8086:154c", driver="iavf")
    host = LinuxHost(str(tree.root))
    assert host.vf_addresses(Address(OWN)) == {0: Address(OWN)}
    assert host.vf_addresses(Address(PF)) == {0: Address("0000:01:10.0")}
    assert host.vf_addresses(Address("0000:09:00.0")) == {}


def test_on_a_bare_machine_a_nic_without_vfs_has_none(tree):
    with_dmi(tree).function(OWN, "8086:1533", driver="igb")
    host = LinuxHost(str(tree.root))
    assert host.vf_addresses(Address(OWN)) == {}
    assert host.network_ids() == {}
