"""Killing the process after every step, and cutting the machine's power, then convergence without a human."""

import itertools
import json
import random

import pytest

from guest_node import DEVICES, PF, Group, GuestNode

pytestmark = pytest.mark.lab

WISH = "/tmp/crash-wish.json"
RESET_SPEC = "/tmp/crash-none.json"
JOURNAL = "/var/lib/sriov-core/journal.json"
CONVERGE = "python3 /project/tests/lab/guest/converge.py"
POWER_CUTS = 10


def _wish(num_vfs: int) -> list[dict[str, object]]:
    groups = [
        {"first": 0, "last": 1, "device_type": "vfio-pci"},
        {"first": 2, "last": num_vfs - 1, "device_type": "netdevice", "mtu": 9000},
    ]
    return [{"address": PF, "num_vfs": num_vfs, "groups": groups, "named": True}]


def _assert_as_wished(node: GuestNode) -> None:
    addresses = node.vf_addresses()
    assert node.attribute("sriov_numvfs") == "3"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.drivers() == ["vfio-pci", "vfio-pci", "igbvf"]
    assert node.link(node.vf_netdev(addresses[2]))["mtu"] == 9000
    assert node.link(node.name)["mtu"] == 9000


def test_a_kill_after_any_step_is_survived(vm):
    vm.reset_nics()
    node = GuestNode(vm)
    vm.put(WISH, json.dumps(_wish(3)).encode())
    vm.put(RESET_SPEC, b"[]")
    planned = None

    for position in itertools.count(1):
        killed = vm.run(f"{CONVERGE} {WISH} --die-after {position}", timeout_s=120)
        if killed.rc == 0:
            planned = json.loads(killed.out)["steps"]
            break
        assert killed.rc in (-9, 137), killed.err
        healed = json.loads(node.sh(f"{CONVERGE} {WISH}"))
        assert healed["converged"], healed
        _assert_as_wished(node)
        released = json.loads(node.sh(f"{CONVERGE} {RESET_SPEC}"))
        assert released["converged"], released
        assert node.attribute("sriov_numvfs") == "0"
        assert node.attribute("sriov_drivers_autoprobe") == "1"
        assert node.link(node.name)["mtu"] == 1500

    _assert_as_wished(node)
    assert planned is not None
    assert position == planned + 1, "every step of the plan was the last one once"


def test_power_cuts_at_random_moments_are_survived(fresh_vm):
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    node = GuestNode(fresh_vm)
    fresh_vm.put(WISH, json.dumps(_wish(3)).encode())
    duration = json.loads(node.sh(f"{CONVERGE} {WISH}"))["seconds"]
    _assert_as_wished(node)

    for cut in range(POWER_CUTS):
        moment = moments.uniform(0, duration + 2)
        fresh_vm.power_cut()
        fresh_vm.boot()
        node.sh(f"[ $(cat {DEVICES}/{PF}/sriov_numvfs) = 0 ]")
        fresh_vm.put(WISH, json.dumps(_wish(3)).encode())
        node.sh(f"nohup {CONVERGE} {WISH} >/tmp/out 2>&1 & sleep {moment:.2f}")
        fresh_vm.power_cut()
        fresh_vm.boot()

        fresh_vm.put(WISH, json.dumps(_wish(3)).encode())
        healed = json.loads(node.sh(f"{CONVERGE} {WISH}"))
        assert healed["converged"], f"cut {cut} at {moment:.2f} s (seed {seed}): {healed}"
        _assert_as_wished(node)
        baseline = json.loads(node.sh(f"cat {JOURNAL}"))["nics"][PF]["baseline"]
        assert (baseline["num_vfs"], baseline["mtu"]) == (0, 1500), f"cut {cut} (seed {seed}): the baseline is lost"


def test_the_program_takes_over_a_node_of_the_other_operator_without_touching_a_vf(vm):
    vm.reset_nics()
    node = GuestNode(vm)
    node.sh(
        f"ip link set {node.name} up; echo 2 > {DEVICES}/{PF}/sriov_numvfs; udevadm settle; "
        "for i in $(seq 100); do [ $(ls /sys/bus/pci/drivers/igbvf | grep -c 0000:) = 2 ] && break; sleep 0.1; done"
    )
    before = [node.link(node.vf_netdev(address))["ifindex"] for address in node.vf_addresses()]
    stored = {"pciAddress": PF, "name": node.name, "numVfs": 2, "vfGroups": [{"vfRange": "0-1"}]}
    node.sh("mkdir -p /etc/sriov-operator/pci")
    vm.put(f"/etc/sriov-operator/pci/{PF}", json.dumps(stored).encode())
    path = node.write_policies("/tmp/wish.json", 2, Group("0-1", "netdevice"))

    node.command(f"plan -f {path}", rc=0)
    node.apply(path)

    assert [node.link(node.vf_netdev(address))["ifindex"] for address in node.vf_addresses()] == before
    node.command("reset --all --yes")
    assert node.attribute("sriov_numvfs") == "0"
    node.sh("rm -r /etc/sriov-operator")
