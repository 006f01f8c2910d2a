"""A node of a real cluster on a real kernel: policies in, VFs out, with power cuts and an API server that goes away.

One guest, one API server and one operator for all of it, so the tests build on each other in their order.
"""

import pytest
from guest_cluster import Cluster, condition
from guest_history import History
from guest_node import DEVICES, GuestNode
from guest_workload import Workload
from machine import PF_NAMES, PFS
from vm import Vm

FIRST, SECOND = PFS
FAST = {"deviceType": "netdevice", "priority": 10}
VFIO = {"deviceType": "vfio-pci"}
ASKED_ONCE = ["Idle", "Drain_Required", "Idle"]
REBOOT_ASKED_ONCE = ["Idle", "Reboot_Required", "Idle"]
DRAINED_ONCE = ["Idle", "Draining", "DrainComplete", "Idle"]
RDMA_OPTIONS = "/etc/modprobe.d/sriov-core.conf"


@pytest.fixture(scope="module")
def vm(image):
    with Vm(image, uplink=True) as guest:
        yield guest


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, cluster_binaries, vm):
    made = Cluster.start(tmp_path_factory.mktemp("cluster"), cluster_binaries, vm)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def nics(vm):
    return GuestNode(vm, FIRST), GuestNode(vm, SECOND)


def left_to_do(cluster):
    """The journal's steps under way, reboots that are awaited, and the boot that the agent had end last."""
    journal = cluster.journal()
    return journal["under_way"], journal["reboots"], journal["rebooting"]


def test_the_agent_joins_and_a_policy_becomes_vfs_on_both_nics(cluster, nics):
    cluster.join()
    for address in PFS:
        cluster.until(lambda address=address: cluster.interface(address), f"a report of {address}")
    status = cluster.settled({})
    found = {one["pciAddress"]: one for one in status["interfaces"]}
    for address, name in zip(PFS, PF_NAMES, strict=True):
        row = found[address]
        assert (row["name"], row["vendor"], row["deviceID"], row["driver"]) == (name, "8086", "10c9", "igb")
        assert (row["totalvfs"], row["plugin"], row.get("numVfs", 0)) == (7, "intel", 0)
    assert condition(status, "Degraded")["status"] == "False"
    assert cluster.writes() == []

    cluster.policy("dpdk", "enp1s0#2-2", 3, **VFIO)
    cluster.policy("second", "enp2s0#0-1", 2, **VFIO)
    cluster.policy("fast", "enp1s0#0-1", 3, **FAST)
    status = cluster.settled({FIRST: 3, SECOND: 2})

    assert [nic.attribute("sriov_numvfs") for nic in nics] == ["3", "2"]
    assert [nic.drivers() for nic in nics] == [["igbvf", "igbvf", "vfio-pci"], ["vfio-pci"] * 2]
    for nic in nics:
        row = cluster.interface(nic.pf)
        assert [vf["pciAddress"] for vf in row["Vfs"]] == nic.vf_addresses()
        assert [vf["driver"] for vf in row["Vfs"]] == nic.drivers()
        assert condition(row)["reason"] == "Configured"
    cluster.stands("Idle", "Idle", "Idle", cordoned=False)
    assert "Drain_Required" not in cluster.history.asked, "nobody used those VFs"


def test_a_power_cut_while_pods_are_sent_away_ends_the_need_to(cluster, vm, nics):
    nic, _ = nics
    cluster.history.forget()
    pod = Workload(cluster, "pod", "openshift.io/fast")
    pod.protect()
    pod.start(nic.vf_netdev(nic.vf_addresses()[0]))
    gone = Workload(cluster, "unprotected", "openshift.io/fast")
    gone.start()
    before = cluster.writes()

    cluster.policy("fast", "enp1s0#0-1", 4, **FAST)
    gone.end_when_evicted()
    cluster.told("Blocked", "Drained")
    cluster.told("WaitingForDrain")
    cluster.stands("Drain_Required", "Drain_Required", "Draining", cordoned=True)
    assert cluster.writes() == before, "nothing is touched before the pod has gone"

    vm.power_cut()
    cluster.boot()
    cluster.settled({FIRST: 4, SECOND: 2})
    cluster.stands("Idle", "Idle", "Idle", cordoned=False)

    assert sorted(cluster.writes()) == [(FIRST, "4"), (SECOND, "2")]
    assert [each.drivers() for each in nics] == [["igbvf", "igbvf", "vfio-pci", "igbvf"], ["vfio-pci"] * 2]
    assert cluster.history == History(
        asked=ASKED_ONCE, mirrored=ASKED_ONCE, answered=["Idle", "Draining", "Idle"], cordoned=[False, True, False]
    )
    assert cluster.evicted() == {"unprotected": 1}
    assert left_to_do(cluster) == ([], [], "")
    pod.remove()


def test_a_power_cut_in_the_middle_of_the_work_of_a_drain_is_survived(cluster, vm, nics):
    nic, _ = nics
    cluster.history.forget()
    pod = Workload(cluster, "other", "openshift.io/fast")
    pod.start(nic.vf_netdev(nic.vf_addresses()[0]))
    before = cluster.writes()

    cluster.policy("fast", "enp1s0#0-1", 3, **FAST)
    pod.end_when_evicted()  # with a VF that is free again, nobody would wait for the end of the drain
    cluster.until(lambda: cluster.writes() != before, "the end of the VFs that there were")
    vm.power_cut()
    cluster.boot()
    cluster.settled({FIRST: 3, SECOND: 2})
    cluster.stands("Idle", "Idle", "Idle", cordoned=False)

    assert sorted(cluster.writes()) == [(FIRST, "3"), (SECOND, "2")]
    assert [each.drivers() for each in nics] == [["igbvf", "igbvf", "vfio-pci"], ["vfio-pci"] * 2]
    assert cluster.history == History(
        asked=ASKED_ONCE, mirrored=ASKED_ONCE, answered=DRAINED_ONCE, cordoned=[False, True, False]
    )
    assert cluster.evicted() == {"unprotected": 1, "other": 1}
    assert left_to_do(cluster) == ([], [], "")


def test_a_power_cut_while_the_node_is_drained_for_a_reboot_ends_in_one_drain_and_one_reboot(cluster, vm, nics):
    nic, _ = nics
    cluster.history.forget()
    vm.put("/etc/modules-load.d/lab.conf", "ib_core\n")
    vm.sh("modprobe ib_core")
    assert vm.sh("rdma system").startswith("netns shared ")
    user, keeper = Workload(cluster, "user", "openshift.io/fast"), Workload(cluster, "keeper", "cpu")
    user.start(nic.vf_netdev(nic.vf_addresses()[0]))
    keeper.protect()
    keeper.start()

    cluster.pool(rdmaMode="exclusive", maxUnavailable=1)
    user.end_when_evicted()
    cluster.told("Blocked", "Drained")
    cluster.told("WaitingForReboot")
    cluster.stands("Reboot_Required", "Reboot_Required", "Draining", cordoned=True)
    vm.power_cut()
    vm.boot()
    assert vm.sh(f"ls {RDMA_OPTIONS} 2>/dev/null; true") == "", "nothing is prepared before the drain"
    keeper.resume()
    cluster.join()
    vfs = [(FIRST, "3"), (SECOND, "2")]
    cluster.until(lambda: sorted(cluster.writes()) == vfs, "the VFs, which nobody uses, while the drain goes on")
    cluster.told("WaitingForReboot")
    assert cluster.reboots() == []
    keeper.allow()
    keeper.end_when_evicted()
    told = cluster.boot_id()
    cluster.reboot()
    cluster.settled({FIRST: 3, SECOND: 2})
    cluster.stands("Idle", "Idle", "Idle", cordoned=False)

    assert cluster.reboots() == [told]
    assert left_to_do(cluster) == ([], [], told)
    assert vm.sh("rdma system").startswith("netns exclusive ")
    assert sorted(cluster.writes()) == vfs
    assert cluster.history == History(
        asked=REBOOT_ASKED_ONCE, mirrored=REBOOT_ASKED_ONCE, answered=DRAINED_ONCE, cordoned=[False, True, False]
    )
    assert cluster.evicted() == {"unprotected": 1, "other": 1, "user": 1, "keeper": 1}


def test_drift_is_healed_without_the_api_server_and_told_when_it_is_back(cluster, vm, nics):
    nic, other = nics
    vf = nic.vf_addresses()[0]
    before = cluster.writes()
    assert cluster.refused() == [], "an API server that has just started refuses everything until it knows the roles"
    assert cluster.failures() == []
    cluster.server.kill()
    device = f"{DEVICES}/{vf}"
    vm.sh(
        f"echo {vf} > {device}/driver/unbind; echo vfio-pci > {device}/driver_override; "
        f"echo {vf} > /sys/bus/pci/drivers/vfio-pci/bind; ip link set {other.name} mtu 1600"
    )
    cluster.until(lambda: nic.drivers()[0] == "igbvf", "the driver that is wished, without an API server")
    cluster.until(lambda: cluster.measured("sriov_agent_drift_total"), "drift among the metrics")
    assert "kube-apiserver" not in cluster.server.pids

    cluster.server.revive()
    cluster.until(lambda: cluster.interface(other.pf).get("mtu") == 1600, "the report of what was changed meanwhile")
    assert [one["driver"] for one in cluster.interface(nic.pf)["Vfs"]] == ["igbvf", "igbvf", "vfio-pci"]
    cluster.settled({FIRST: 3, SECOND: 2})
    assert cluster.writes() == before, "one VF was healed, and the others were left alone"

    cluster.operate()
    cluster.remove_policies()
    cluster.settled({})
    assert [each.attribute("sriov_numvfs") for each in nics] == ["0", "0"]


def test_the_agent_ends_when_told(cluster, nics):
    cluster.end_agent()
    assert [each.attribute("sriov_numvfs") for each in nics] == ["0", "0"]
