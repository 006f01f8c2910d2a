"""Killing the process after every step, and cutting the machine's power, then convergence without a human."""

import itertools
import json
import random

import pytest
from guest_engine import Agent
from guest_node import PF, Group, GuestNode

pytestmark = pytest.mark.lab

JOURNAL = "/var/lib/sriov-core/journal.json"
POWER_CUTS = 10
WISH = [
    {
        "address": PF,
        "num_vfs": 3,
        "named": True,
        "groups": [
            {"first": 0, "last": 1, "device_type": "vfio-pci"},
            {"first": 2, "last": 2, "device_type": "netdevice", "mtu": 9000},
        ],
    }
]


def _assert_as_wished(node):
    addresses = node.vf_addresses()
    assert node.attribute("sriov_numvfs") == "3"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.drivers() == ["vfio-pci", "vfio-pci", "igbvf"]
    assert node.link(node.vf_netdev(addresses[2]))["mtu"] == 9000
    assert node.link(node.name)["mtu"] == 9000


def _assert_given_back(node):
    assert node.attribute("sriov_numvfs") == "0"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.link(node.name)["mtu"] == 1500


def test_a_kill_after_any_step_is_survived(vm):
    vm.reset_nics()
    node = GuestNode(vm)
    agent = Agent(node)
    planned = 0

    for position in itertools.count(1):
        answer = agent.converge(WISH, die_after=position)
        if answer["rc"] == 0:
            planned = answer["report"]["steps"]
            break
        assert answer["rc"] == -9, answer
        agent.reach(WISH)
        _assert_as_wished(node)
        agent.reach([])
        _assert_given_back(node)

    _assert_as_wished(node)
    assert planned >= 10
    assert position == planned + 1, "every step of the plan was the last one once"


def test_power_cuts_at_random_moments_are_survived(fresh_vm):
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    node = GuestNode(fresh_vm)
    agent = Agent(node)
    duration = agent.reach(WISH)["seconds"]
    _assert_as_wished(node)

    for cut in range(POWER_CUTS):
        moment = moments.uniform(0, duration + 0.5)
        where = f"cut {cut} at {moment:.2f} s of {duration:.2f} s (seed {seed})"
        agent.reach([])
        _assert_given_back(node)
        agent.begin(WISH)
        node.sh(f"sleep {moment:.2f}")
        fresh_vm.power_cut()

        fresh_vm.boot()
        agent.start()
        answer = agent.converge(WISH)
        assert answer["rc"] == 0, f"{where}: {answer}"
        assert answer["report"]["converged"], f"{where}: {answer}"
        _assert_as_wished(node)
        baseline = json.loads(node.sh(f"cat {JOURNAL}"))["nics"][PF]["baseline"]
        assert (baseline["num_vfs"], baseline["mtu"]) == (0, 1500), f"{where}: the baseline is lost"


def test_a_node_of_the_other_operator_is_taken_over_without_touching_a_vf(vm):
    vm.reset_nics()
    node = GuestNode(vm)
    node.sh(
        f"ip link set {node.name} up; echo 2 > /sys/bus/pci/devices/{PF}/sriov_numvfs; "
        "for i in $(seq 100); do [ $(ls /sys/bus/pci/drivers/igbvf | grep -c 0000:) = 2 ] && break; sleep 0.1; done; "
        "udevadm settle"
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
    node.command(f"plan -f {path}", rc=2)
