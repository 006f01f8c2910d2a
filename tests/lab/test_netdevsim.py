"""switchdev, devlink, RDMA and vDPA on a real kernel: netdevsim and other simulators stand where no card is.

The simulated NIC goes through the same code as every other. iproute2's programs, sysfs and udev judge.
"""

import json

import pytest
from guest_engine import Agent
from guest_node import GuestNode
from guest_pytest import passes

pytestmark = pytest.mark.lab

SIM = "netdevsim/netdevsim10"
PORT = "eni10np1"
DEVICE = "/sys/bus/netdevsim/devices/netdevsim10"
RULES = "/etc/udev/rules.d/10-sriov-core-netdevsim-netdevsim10.rules"
STATE = "/tmp/state.json"


@pytest.fixture
def node(vm):
    vm.reset_nics()
    return GuestNode(vm)


@pytest.fixture
def sim(node):
    """A simulated NIC of one port."""
    node.sh("modprobe netdevsim && echo '10 1' > /sys/bus/netdevsim/new_device && udevadm settle")
    return node


def _state(node, num_vfs, mode, **system):
    """The wish as a cluster would give it to the node."""
    groups = [{"vfRange": f"0-{num_vfs - 1}", "deviceType": "netdevice", "policyName": "p", "resourceName": "r"}]
    nic = {"pciAddress": SIM, "name": PORT, "numVfs": num_vfs, "eSwitchMode": mode, "vfGroups": groups}
    state = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": "lab", "namespace": "sriov-network-operator"},
        "spec": {"interfaces": [nic] if num_vfs else [], **({"system": system} if system else {})},
    }
    node.vm.put(STATE, json.dumps(state))
    return STATE


def _wish(num_vfs, mode="switchdev"):
    groups = [{"first": 0, "last": num_vfs - 1}]
    return [{"address": SIM, "num_vfs": num_vfs, "eswitch_mode": mode, "named": True, "groups": groups}]


def _mode(node):
    return json.loads(node.sh(f"devlink -j dev eswitch show {SIM}"))["dev"][SIM]["mode"]


def _representors(node):
    """Name by port, of all the ports but the NIC's own, as devlink knows them."""
    ports = json.loads(node.sh("devlink -j port show"))["port"].values()
    return {port["vfnum"]: port["netdev"] for port in ports if port["flavour"] == "pcivf"}


def _found(node):
    return node.sh(f"cat {DEVICE}/sriov_numvfs"), _mode(node), len(_representors(node))


def test_a_nic_is_taken_to_switchdev_and_back(sim):
    node = sim

    node.apply(_state(node, 3, "switchdev"))

    assert _found(node) == ("3", "switchdev", 3)
    assert _representors(node) == {index: f"{PORT}_{index}" for index in range(3)}
    assert node.sh(f"ls {RULES}") == RULES
    pf, *ports = [link for link in json.loads(node.sh("ip -j -d link show")) if link["ifname"].startswith(PORT)]
    assert (pf["ifname"], "UP" in pf["flags"]) == (PORT, True)
    assert {port["phys_switch_id"] for port in ports} == {pf["phys_switch_id"]}
    assert "hw-tc-offload: on\n" in node.sh(f"ethtool -k {PORT}") + "\n"
    node.command(f"plan -f {STATE}", rc=0)

    node.apply(_state(node, 2, "switchdev"))

    assert _found(node) == ("2", "switchdev", 2)
    assert _representors(node) == {0: f"{PORT}_0", 1: f"{PORT}_1"}

    node.command("reset --all --yes")

    assert _found(node) == ("0", "legacy", 0)
    assert node.sh(f"ls {RULES} 2>/dev/null; true") == ""
    assert "hw-tc-offload: off\n" in node.sh(f"ethtool -k {PORT}") + "\n"
    assert "UP" not in node.link(PORT)["flags"]


def test_representors_are_renamed_with_the_rules_of_the_next_change(sim):
    """A NIC in switchdev mode already keeps its names until the change that makes its representors anew."""
    node = sim
    node.sh(f"echo 2 > {DEVICE}/sriov_numvfs && devlink dev eswitch set {SIM} mode switchdev && udevadm settle")
    before = _representors(node)

    node.apply(_state(node, 2, "switchdev"))

    assert _representors(node) == before, "nothing differed but the rules, so nothing was taken away"
    node.apply(_state(node, 3, "switchdev"))
    assert _representors(node) == {index: f"{PORT}_{index}" for index in range(3)}


def test_a_kill_after_any_step_of_a_switchdev_change_is_survived(sim):
    agent = Agent(sim)
    circle = (_wish(3), _wish(2), [])
    killed, position = dict.fromkeys(range(3), 0), 0

    while position == 0 or max(killed.values()) == position:
        position += 1
        for number, goal in enumerate(circle):
            answer = agent.converge(goal, die_after=position)
            killed[number] += answer["rc"] == -9
            agent.reach(goal)
            _assert_as_wished(sim, goal)

    assert min(killed.values()) >= 4, "each way has several steps"


@pytest.mark.parametrize("late_s", [0.0, 0.006])
def test_a_kill_in_the_middle_of_a_switchdev_change_is_survived(sim, late_s):
    agent = Agent(sim)

    answers = []
    for step, goal in ((5, _wish(3)), (1, []), (4, _wish(2)), (2, _wish(3))):
        answers.append(agent.converge(goal, die_in=step, late_s=late_s))
        agent.reach(goal)
        _assert_as_wished(sim, goal)

    assert -9 in [answer["rc"] for answer in answers]


def _assert_as_wished(node, wish):
    count = wish[0]["num_vfs"] if wish else 0
    assert _found(node) == ((str(count), "switchdev", count) if count else ("0", "legacy", 0))


def test_the_rdma_mode_is_part_of_the_wish(node):
    node.sh("modprobe rdma_rxe && rdma link add rxe0 type rxe netdev enp1s0")

    node.apply(_state(node, 0, "legacy", rdmaMode="exclusive"))

    assert node.sh("rdma system").startswith("netns exclusive ")
    assert "options ib_core netns_mode=0" in node.sh("cat /etc/modprobe.d/sriov-core.conf")

    node.sh("ip netns add pod")
    refused = node.apply(_state(node, 0, "legacy", rdmaMode="shared"), rc=1)

    assert "a reboot is needed" in refused.out + refused.err
    assert node.sh("rdma system").startswith("netns exclusive ")

    node.sh("ip netns delete pod")
    node.command("reset --all --yes")

    assert node.sh("rdma system").startswith("netns shared ")
    assert node.sh("ls /etc/modprobe.d") == ""


def test_the_conformance_suite_passes_on_a_simulated_nic(sim):
    passes(sim.vm, "suite_netdevsim.py")


def test_the_verbs_and_the_udev_rules_do_what_they_say(node):
    node.sh("modprobe netdevsim")

    passes(node.vm, "verbs_devlink.py", "verbs_node.py", "verbs_vdpa.py", "rules_udev.py")
