"""On a real kernel: seven VFs onto vfio-pci, beside a bare shell script with the same writes; and the healing of drift.

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
HEALED, MOST_TO_NOTICE_S = 3, 2.0
ALL_BOUND = f"[ $(ls /sys/bus/pci/drivers/vfio-pci | grep -c 0000:) = {HEALED} ]"

HEALING = f"""
set -eu
python3 -m sriov_core apply --yes --watch -f /tmp/wish.json >/tmp/watch.log 2>&1 &
watching=$!
trap 'kill $watching; wait $watching || true' EXIT
bound() {{
  for try in $(seq 1500); do {ALL_BOUND} && return; sleep 0.02; done
  cat /tmp/watch.log >&2
  exit 1
}}
bound
sleep 3
echo 0 > /sys/bus/pci/devices/{PF}/sriov_numvfs
gone=$(cut -d' ' -f1 /proc/uptime)
bound
echo $(cut -d' ' -f1 /proc/uptime) $gone | awk '{{print $1 - $2}}'
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
            yield _healed(vm)


def _by_hand(vm: "Vm", count: int) -> float:
    """The seconds that a shell script with the same writes takes."""
    _prepare(vm)
    script = f"""
set -eu
pf=/sys/bus/pci/devices/{PF}
began=$(date +%s.%N)
ip link set {NAME} up
echo 0 > $pf/sriov_drivers_autoprobe
echo {count} > $pf/sriov_numvfs
for index in $(seq 0 {count - 1}); do
  ip link set {NAME} vf $index mac 02:00:00:00:01:0$index
  vf=$(basename $(readlink $pf/virtfn$index))
  echo vfio-pci > /sys/bus/pci/devices/$vf/driver_override
  echo $vf > /sys/bus/pci/drivers_probe
  [ $(basename $(readlink /sys/bus/pci/devices/$vf/driver)) = vfio-pci ]
done
echo 1 > $pf/sriov_drivers_autoprobe
echo $(date +%s.%N) $began | awk '{{print $1 - $2}}'
"""
    return float(vm.sh(script))


def _seven_vfs(vm: "Vm") -> Figure:
    shell, ours = [], []
    for _ in range(REPEATS):
        shell.append(_by_hand(vm, COUNT))
        _prepare(vm)
        ours.append(_converged(vm))
    value, peer = statistics.median(ours), statistics.median(shell)
    detail = f"{COUNT} VFs onto vfio-pci, igb, median of {REPEATS}; the peer is a shell script in the same boot"
    return Figure(
        name="lab-seven-vfs", value=value, unit="s", peer=peer, limit=peer * MOST_TIMES_THE_SHELL, detail=detail
    )


def _healed(vm: "Vm") -> Figure:
    selector = {"pfNames": [NAME]}
    spec = {"resourceName": "healed", "deviceType": "vfio-pci", "numVfs": HEALED, "nicSelector": selector}
    policy = {"kind": "SriovNetworkNodePolicy", "metadata": {"name": "healed"}, "spec": {**spec, "nodeSelector": {}}}
    shell, ours = [], []
    for _ in range(REPEATS):
        shell.append(_by_hand(vm, HEALED))
        _prepare(vm)
        vm.put("/tmp/wish.json", json.dumps({"apiVersion": "sriovnetwork.openshift.io/v1", **policy}))
        ours.append(float(vm.sh(HEALING, timeout_s=120)))
    value, peer = statistics.median(ours), statistics.median(shell)
    detail = (
        f"{HEALED} VFs on vfio-pci, igb, removed behind the back of apply --watch, until they are back, median of "
        f"{REPEATS}; the peer is a shell script that knows at once, and the limit allows {MOST_TO_NOTICE_S:g} s more"
    )
    return Figure(name="lab-heal", value=value, unit="s", peer=peer, limit=peer + MOST_TO_NOTICE_S, detail=detail)


def _prepare(vm: "Vm") -> None:
    vm.reset_nics()
    vm.sh("modprobe vfio-pci")  # loading a module is no part of either way


def _converged(vm: "Vm") -> float:
    report = json.loads(vm.sh(f"python3 /project/bench/in_guest.py {PF} {COUNT}"))
    if not report["converged"]:
        raise SystemExit(f"the lab's machine did not converge: {report}")
    return float(report["seconds"])
