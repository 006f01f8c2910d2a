"""Lays out files like those of a machine with igb NICs: sysfs with its links, /proc, /etc. Sizes are arguments."""

import os
from pathlib import Path

PF = "0000:01:00.0"
ROUTE_HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


class HostTree:
    """A root directory that is filled piece by piece; everything is a plain file, so a write shows as its text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ifindex = 1
        for folder in (
            "sys/bus/pci/devices",
            "sys/bus/pci/drivers",
            "sys/class/net",
            "sys/kernel/iommu_groups",
            "proc",
        ):
            (root / folder).mkdir(parents=True)
        self.write("sys/bus/pci/drivers_probe", "")
        self.write("proc/sys/kernel/osrelease", "6.12.0-test\n")
        self.write("proc/modules", "")

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def device(self, address: str) -> Path:
        return self.root / f"sys/devices/pci0000:00/0000:00:01.0/{address}"

    def driver(self, name: str) -> None:
        folder = self.root / "sys/bus/pci/drivers" / name
        folder.mkdir(exist_ok=True)
        (folder / "unbind").write_text("")

    def function(self, address: str, ids: str, *, driver: str | None = None, pci_class: str = "20000") -> Path:
        path = self.device(address)
        path.mkdir(parents=True)
        (self.root / "sys/bus/pci/devices" / address).symlink_to(
            os.path.relpath(path, self.root / "sys/bus/pci/devices")
        )
        lines = [f"DRIVER={driver}"] if driver else []
        lines += [
            f"PCI_CLASS={pci_class}",
            f"PCI_ID={ids.upper()}",
            "PCI_SUBSYS_ID=8086:A03C",
            f"PCI_SLOT_NAME={address}",
        ]
        (path / "uevent").write_text("\n".join(lines) + "\n")
        (path / "driver_override").write_text("(null)\n")
        (path / "numa_node").write_text("-1\n")
        if driver:
            self.bind(address, driver)
        return path

    def bind(self, address: str, driver: str) -> None:
        self.driver(driver)
        link = self.device(address) / "driver"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(self.root / "sys/bus/pci/drivers" / driver, self.device(address)))

    def pf(self, address: str = PF, *, name: str = "enp1s0", total: int = 7, vfs: int = 0) -> Path:
        path = self.function(address, "8086:10c9", driver="igb")
        for attribute, value in (("totalvfs", total), ("numvfs", vfs), ("drivers_autoprobe", 1)):
            (path / f"sriov_{attribute}").write_text(f"{value}\n")
        self.netdev(address, name)
        for index in range(vfs):
            self.vf(address, index)
        return path

    def vf(self, pf: str, index: int, *, driver: str | None = "igbvf") -> str:
        routing_id = (int(pf[5:7], 16) << 8) + 128 + 2 * index
        address = f"{pf[:5]}{routing_id >> 8:02x}:{routing_id >> 3 & 31:02x}.{routing_id & 7}"
        path = self.function(address, "8086:10ca", driver=driver)
        (path / "physfn").symlink_to(f"../{pf}")
        (self.device(pf) / f"virtfn{index}").symlink_to(f"../{address}")
        self.iommu_group(address, 20 + len(os.listdir(self.root / "sys/kernel/iommu_groups")))
        if driver == "igbvf":
            name = Path(os.listdir(self.device(pf) / "net")[0]).name
            self.netdev(address, f"{name}v{index}")
        return address

    def iommu_group(self, address: str, number: int) -> None:
        group = self.root / f"sys/kernel/iommu_groups/{number}"
        group.mkdir()
        (self.device(address) / "iommu_group").symlink_to(os.path.relpath(group, self.device(address)))

    def netdev(self, address: str, name: str, **attributes: str) -> Path:
        path = self.device(address) / "net" / name
        path.mkdir(parents=True)
        self._ifindex += 1
        mac = f"52:54:00:00:{self._ifindex >> 8:02x}:{self._ifindex & 255:02x}"
        values = {"ifindex": str(self._ifindex), "address": mac, "mtu": "1500", "flags": "0x1003", "type": "1"}
        values |= {"carrier": "1", "speed": "1000", "addr_assign_type": "0", "uevent": f"INTERFACE={name}"} | attributes
        for attribute, value in values.items():
            (path / attribute).write_text(value + "\n")
        (path / "device").symlink_to(f"../../../{address}")
        (self.root / "sys/class/net" / name).symlink_to(os.path.relpath(path, self.root / "sys/class/net"))
        return path

    def stacked(self, upper: str, lower: str, kind: str | None) -> None:
        """A bond, bridge or VLAN above a netdev."""
        path = self.root / f"sys/devices/virtual/net/{upper}"
        if not path.exists():
            path.mkdir(parents=True)
            (path / "uevent").write_text(f"DEVTYPE={kind}\nINTERFACE={upper}\n" if kind else f"INTERFACE={upper}\n")
            (self.root / "sys/class/net" / upper).symlink_to(os.path.relpath(path, self.root / "sys/class/net"))
        lower_path = (self.root / "sys/class/net" / lower).resolve()
        (path / f"lower_{lower}").symlink_to(os.path.relpath(lower_path, path))
        (lower_path / f"upper_{upper}").symlink_to(os.path.relpath(path, lower_path))

    def ipv4_routes(self, *lines: str) -> None:
        """Lines of netdev, destination, gateway and mask in the kernel's hex."""
        rows = (line.split() for line in lines)
        self.write(
            "proc/net/route",
            ROUTE_HEAD + "".join(f"{d}\t{to}\t{by}\t0003\t0\t0\t0\t{mask}\t0\t0\t0\n" for d, to, by, mask in rows),
        )


def large(root: Path, pfs: int = 16, vfs: int = 64) -> HostTree:
    """A machine with many NICs, all of their VFs bound to the network driver."""
    tree = HostTree(root)
    for number in range(pfs):
        tree.pf(f"0000:{number + 1:02x}:00.0", name=f"enp{number + 1}s0", total=vfs, vfs=vfs)
    return tree
