"""Runs in the lab's guest: the engine puts VFs onto vfio-pci once, and says how many seconds that took.

Usage: in_guest.py ADDRESS COUNT. The time is that of the whole job on a running agent: look, plan, record, do, look.
"""

import json
import sys
import time

from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import DEFAULT_PATH, Journal
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.plugin import loading, registry


def main() -> None:
    """Do it and print one JSON object."""
    address, count = Address.parse(sys.argv[1]), int(sys.argv[2])
    catalogue = loading.load()
    drivers = registry.drivers(catalogue)
    group = VfGroup(first=0, last=count - 1, device_type=DeviceType.VFIO_PCI)
    wish = NodeSpec(nics=(NicSpec(address=address, num_vfs=count, groups=(group,), named=True),))
    with LinuxHost() as host:
        engine = Engine(host=host, catalogue=catalogue, drivers=drivers, journal=Journal(DEFAULT_PATH))
        engine.look(NodeSpec(), release=False)  # what is imported with the first look is imported in an agent, too
        began = time.monotonic()
        result = engine.converge(wish, release=False, approve=lambda _: None)
        seconds = time.monotonic() - began
    failures = [failure.error for failure in result.failures]
    problems = [str(problem) for problem in result.last.plan.all_problems]
    print(json.dumps({"seconds": seconds, "converged": result.converged, "wrong": [*failures, *problems]}))


if __name__ == "__main__":
    main()
