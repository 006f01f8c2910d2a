"""Whether a machine is a virtual one, and whose: told by its firmware tables and its processor, before any request."""

from sriov_core.errors import HostError
from sriov_core.host import sysfs
from sriov_core.host.sysfs import BAREMETAL

VIRTUAL = "virtual"
OPENSTACK = "openstack"
AWS = "aws"

# What hypervisors write into the firmware tables of their guests, as vendor or product; the beginning counts.
_HYPERVISORS = (
    "Alibaba Cloud",
    "Apple Virtualization",
    "BHYVE",
    "Bochs",
    "Google Compute Engine",
    "innotek GmbH",
    "KubeVirt",
    "KVM",
    "Parallels",
    "QEMU",
    "VirtualBox",
    "VMware",
    "Xen",
)
# Clouds that are OpenStack under a name of their own (cloud-init: doc/rtd/reference/datasources/openstack.rst).
_OPENSTACK_TAGS = ("HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM")


def detect(root: str) -> str:
    """Where the machine below a root runs; ``baremetal`` when nothing says otherwise.

    Nova writes ``OpenStack Foundation`` and ``OpenStack Nova`` (or ``OpenStack Compute``) into the tables of its
    guests (nova/virt/libvirt/driver.py: sysinfo), EC2 ``Amazon EC2``, before Nitro a BIOS version ending in ``amazon``.
    EC2's bare metal calls itself ``*.metal``. A processor shows a guest the flag ``hypervisor``
    (arch/x86/include/asm/cpufeatures.h), and so it does to Xen's first domain, which has the real devices.
    """
    vendor, product = _dmi(root, "sys_vendor"), _dmi(root, "product_name")
    if vendor == "Amazon EC2" or _dmi(root, "bios_version").endswith("amazon"):
        return BAREMETAL if ".metal" in product else AWS
    if vendor.startswith("OpenStack") or product.lower().startswith("openstack"):
        return OPENSTACK
    if not _is_guest(root, vendor, product):
        return BAREMETAL
    tag = _dmi(root, "chassis_asset_tag")
    return OPENSTACK if tag in _OPENSTACK_TAGS or tag.startswith("OpenStack") else VIRTUAL


def _is_guest(root: str, vendor: str, product: str) -> bool:
    if "control_d" in (sysfs.read(f"{root}/proc/xen/capabilities") or ""):
        return False
    if vendor.startswith(_HYPERVISORS) or product.startswith(_HYPERVISORS):
        return True
    if vendor == "Microsoft Corporation" and product == "Virtual Machine":
        return True
    # Its first page has the flags of the first processor; the whole of it takes milliseconds on a large machine.
    lines = (sysfs.read(f"{root}/proc/cpuinfo") or "").splitlines()
    return any("hypervisor" in line.split() for line in lines if line.startswith("flags"))


def _dmi(root: str, name: str) -> str:
    try:
        return sysfs.read(f"{root}/sys/class/dmi/id/{name}") or ""
    except HostError:
        return ""  # closed to us: the other signs have to do
