"""Killing the process after every step, then convergence without a human."""

import itertools
import json

import pytest
from guest_engine import Agent
from guest_node import PF, Group, GuestNode
from guest_wish import WISH, assert_as_wished, assert_given_back

pytestmark = pytest.mark.lab


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
        assert_as_wished(node)
        agent.reach([])
        assert_given_back(node)

    assert_as_wished(node)
    assert planned >= 10
    assert position == planned + 1, "every step of the plan was the last one once"


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
