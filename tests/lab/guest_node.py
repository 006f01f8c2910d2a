"""The guest as a test sees it: sysfs, ip and lspci read by the shell, never by the code under test."""

import json
import re
from dataclasses import dataclass
from typing import Any

PF = "0000:01:00.0"
DEVICES = "/sys/bus/pci/devices"
SRIOV_CORE = "python3 -m sriov_core"


@dataclass(frozen=True)
class Group:
    """A policy's share of the PF's VFs."""

    vfs: str
    device_type: str
    mtu: int | None = None


@dataclass
class GuestNode:
    """One igb NIC of the guest and the commands that read and change it."""

    vm: Any
    pf: str = PF

    def sh(self, command: str, timeout_s: float = 120) -> str:
        """The output of a shell command that must succeed."""
        result = self.vm.run(command, timeout_s=timeout_s)
        assert result.rc == 0, f"{command}\nrc {result.rc}\n{result.out}\n{result.err}"
        return str(result.out).strip()

    @property
    def name(self) -> str:
        return self.sh(f"ls {DEVICES}/{self.pf}/net")

    def attribute(self, name: str) -> str:
        return self.sh(f"cat {DEVICES}/{self.pf}/{name}")

    def vf_addresses(self) -> list[str]:
        listing = self.sh(f"for l in {DEVICES}/{self.pf}/virtfn*; do [ -e $l ] && echo $l $(readlink $l); done; true")
        links = dict(line.split() for line in listing.splitlines())
        ordered = sorted(links, key=lambda link: int(re.sub(r".*virtfn", "", link)))
        return [links[link].removeprefix("../") for link in ordered]

    def drivers(self) -> list[str]:
        command = "; ".join(
            f"basename $(readlink {DEVICES}/{address}/driver || echo none)" for address in self.vf_addresses()
        )
        return self.sh(command).split() if command else []

    def lspci_driver(self, address: str) -> str:
        found = re.search(r"Kernel driver in use: (\S+)", self.sh(f"lspci -ks {address}"))
        return found.group(1) if found else "none"

    def vf_netdev(self, address: str) -> str:
        return self.sh(f"ls {DEVICES}/{address}/net 2>/dev/null; true")

    def link(self, name: str) -> dict[str, Any]:
        """One netdev as ``ip`` shows it: ifindex, mtu, address, flags, and the PF's view of its VFs."""
        shown: dict[str, Any] = json.loads(self.sh(f"ip -j -d link show dev {name}"))[0]
        return shown

    def write_policies(self, path: str, num_vfs: int, *groups: Group) -> str:
        documents = [_policy(self.name, number, num_vfs, group) for number, group in enumerate(groups)]
        self.vm.put(path, "\n---\n".join(documents).encode())
        return path

    def apply(self, path: str, *options: str, rc: int = 0, timeout_s: float = 180) -> Any:
        """Run apply; the parsed last JSON object of its output."""
        return self.command(f"apply --yes -o json -f {path} {' '.join(options)}", rc=rc, timeout_s=timeout_s)

    def command(self, words: str, rc: int = 0, timeout_s: float = 180) -> Any:
        """Run a verb of the program; returns the result of vm.run after checking the exit code."""
        result = self.vm.run(f"{SRIOV_CORE} {words}", timeout_s=timeout_s)
        assert result.rc == rc, f"{words}\nrc {result.rc}, wanted {rc}\n{result.out}\n{result.err}"
        return result


def _policy(name: str, number: int, num_vfs: int, group: Group) -> str:
    return json.dumps(
        {
            "apiVersion": "sriovnetwork.openshift.io/v1",
            "kind": "SriovNetworkNodePolicy",
            "metadata": {"name": f"policy-{number}", "namespace": "sriov-network-operator"},
            "spec": {
                "resourceName": f"resource{number}",
                "nodeSelector": {},
                "numVfs": num_vfs,
                "deviceType": group.device_type,
                "nicSelector": {"pfNames": [f"{name}#{group.vfs}"]},
                **({"mtu": group.mtu} if group.mtu else {}),
            },
        }
    )
