"""On a real kernel: how long seven VFs onto vfio-pci take, beside a bare shell script with the same writes.

It boots the virtual machine of tests/lab, whose image `make lab` builds; without an image there is nothing to measure.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figure import Figure

if TYPE_CHECKING:
    from vm import Vm

LAB = Path(__file__).resolve().parent.parent / "tests" / "lab"
PF, NAME, COUNT = "0000:01:00.0", "enp1s0", 7
MOST_TIMES_THE_SHELL = 1.25
REPEATS = 5

SHELL = f"""
set -eu
pf=/sys/bus/pci/devices/{PF}
began=$(date +%s.%N)
ip link set {NAME} up
echo 0 > $pf/sriov_drivers_autoprobe
echo {COUNT} > $pf/sriov_numvfs
for index in $(seq 0 {COUNT - 1}); do
  ip link set {NAME} vf $index mac 02:00:00:00:01:0$index
  vf=$(basename $(readlink $pf/virtfn$index))
  echo vfio-pci > /sys/bus/pci/devices/$vf/driver_override
  echo $vf > /sys/bus/pci/drivers_probe
  [ $(basename $(readlink /sys/bus/pci/devices/$vf/driver)) = vfio-pci ]
done
echo 1 > $pf/sriov_drivers_autoprobe
echo $(date +%s.%N) $began | awk '{{print $1 - $2}}'
"""


def figures() -> Iterator[Figure]:
    """The figure, when the lab's image is there."""
    sys.path.insert(0, str(LAB))
    import build  # noqa: PLC0415  # the lab's modules are found only now
    from vm import Vm  # noqa: PLC0415

    if reason := build.obstacle():
        print(f"lab: not measured: {reason}", file=sys.stderr)
    elif not build.image_path().exists():
        print("lab: not measured: `make lab` has not built the image yet", file=sys.stderr)
    else:
        with Vm() as vm:
            yield _seven_vfs(vm)


def _seven_vfs(vm: "Vm") -> Figure:
    shell, ours = [], []
    for _ in range(REPEATS):
        _prepare(vm)
        shell.append(float(vm.sh(SHELL)))
        _prepare(vm)
        ours.append(_converged(vm))
    value, peer = statistics.median(ours), statistics.median(shell)
    detail = f"{COUNT} VFs onto vfio-pci, igb, median of {REPEATS}; the peer is a shell script in the same boot"
    return Figure(
        name="lab-seven-vfs", value=value, unit="s", peer=peer, limit=peer * MOST_TIMES_THE_SHELL, detail=detail
    )


def _prepare(vm: "Vm") -> None:
    vm.reset_nics()
    vm.sh("modprobe vfio-pci")  # loading a module is no part of either way


def _converged(vm: "Vm") -> float:
    report = json.loads(vm.sh(f"python3 /project/bench/in_guest.py {PF} {COUNT}"))
    if not report["converged"]:
        raise SystemExit(f"the lab's machine did not converge: {report}")
    return float(report["seconds"])
