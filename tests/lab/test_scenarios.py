"""The main job on a real kernel: a real SR-IOV driver, a real IOMMU, real VFIO. Checks read sysfs, ip and lspci."""

import json

import pytest
from guest_node import DEVICES, PF, SRIOV_CORE, Group, GuestNode

from sriov_core.engine.watch import SAFETY_NET_S

pytestmark = pytest.mark.lab

WISH = "/tmp/wish.json"
SPLIT = (Group("0-2", "vfio-pci", 9000), Group("3-6", "netdevice", 9000))


@pytest.fixture
def node(vm):
    vm.reset_nics()
    return GuestNode(vm)


def test_seven_vfs_are_split_between_vfio_and_netdevices_with_jumbo_frames(node):
    node.apply(node.write_policies(WISH, 7, *SPLIT))

    addresses = node.vf_addresses()
    pf = node.link(node.name)
    assert node.attribute("sriov_numvfs") == "7"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.drivers() == ["vfio-pci"] * 3 + ["igbvf"] * 4
    assert [node.lspci_driver(address) for address in addresses] == node.drivers()
    assert pf["mtu"] == 9000
    assert "UP" in pf["flags"]
    assert len({node.sh(f"readlink {DEVICES}/{address}/iommu_group") for address in addresses}) == 7
    for index in range(3, 7):
        netdev = node.link(node.vf_netdev(addresses[index]))
        assert netdev["mtu"] == 9000
        assert netdev["address"] == pf["vfinfo_list"][index]["address"]
    assert all(vf["address"] != "00:00:00:00:00:00" for vf in pf["vfinfo_list"])


def test_looking_needs_no_root_and_writes_nothing(node):
    path = node.write_policies(WISH, 2, Group("0-1", "netdevice"))
    nobody = f"setpriv --reuid=65534 --regid=65534 --clear-groups {SRIOV_CORE}"

    probed = node.vm.run(f"{nobody} probe", timeout_s=60)
    planned = node.vm.run(f"{nobody} plan -f {path}", timeout_s=60)
    applied = node.vm.run(f"{nobody} apply --yes -f {path}", timeout_s=60)

    assert (probed.rc, planned.rc, applied.rc) == (0, 2, 1), probed.out + planned.out + applied.out + applied.err
    assert f"{PF}  {node.name}" in probed.out
    assert "VFs 0 -> 2" in planned.out
    assert "root" in applied.err
    assert node.attribute("sriov_numvfs") == "0"


def test_a_second_apply_finds_nothing_to_do(node):
    path = node.write_policies(WISH, 7, *SPLIT)
    node.apply(path)

    node.command(f"plan -f {path}", rc=0)
    node.apply(path)


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        pytest.param((Group("0-2", "netdevice", 9000), SPLIT[1]), range(3, 7), id="vfio-becomes-netdevice"),
        pytest.param((SPLIT[0], Group("3-6", "vfio-pci", 9000)), range(3), id="netdevice-becomes-vfio"),
    ],
)
def test_a_changed_group_leaves_the_other_groups_vfs_alone(node, changed, kept):
    node.apply(node.write_policies(WISH, 7, *SPLIT))
    addresses = node.vf_addresses()
    before = _fingerprints(node, [addresses[index] for index in kept])
    node.sh("udevadm settle; nohup udevadm monitor --kernel >/tmp/uevents 2>&1 & echo $! >/tmp/monitor.pid; sleep 1")

    node.apply(node.write_policies(WISH, 7, *changed))

    node.sh("udevadm settle; sleep 1; kill $(cat /tmp/monitor.pid)")
    uevents = node.sh("cat /tmp/uevents")
    expected = ["igbvf"] * 7 if changed[0].device_type == "netdevice" else ["vfio-pci"] * 7
    assert node.drivers() == expected
    assert _fingerprints(node, [addresses[index] for index in kept]) == before
    assert not [line for line in uevents.splitlines() for index in kept if addresses[index] in line]
    touched = [index for index in range(7) if index not in kept]
    assert all(addresses[index] in uevents for index in touched)


def _fingerprints(node, addresses):
    """What would change if a VF were made or bound anew: ifindex, MAC, IOMMU group and the group's inode."""
    return [
        node.sh(
            f"cd {DEVICES}/{address}; readlink driver iommu_group; stat -Lc %i iommu_group; "
            "cat net/*/ifindex net/*/address 2>/dev/null; true"
        )
        for address in addresses
    ]


def test_seven_vfs_become_four(node):
    node.apply(node.write_policies(WISH, 7, *SPLIT))

    node.apply(node.write_policies(WISH, 4, Group("0-0", "vfio-pci"), Group("1-3", "netdevice")))

    assert node.attribute("sriov_numvfs") == "4"
    assert node.drivers() == ["vfio-pci", "igbvf", "igbvf", "igbvf"]
    assert node.attribute("sriov_drivers_autoprobe") == "1"


def test_reset_gives_the_nic_back_as_it_was(node):
    node.sh(f"ip link set {node.name} down mtu 1400")
    node.apply(node.write_policies(WISH, 7, *SPLIT))

    node.command("reset --all --yes")

    pf = node.link(node.name)
    assert node.attribute("sriov_numvfs") == "0"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert pf["mtu"] == 1400
    assert "UP" not in pf["flags"]


def test_a_vf_in_a_network_namespace_is_not_taken_without_leave(node):
    node.apply(node.write_policies(WISH, 2, Group("0-1", "netdevice")))
    netdev = node.vf_netdev(node.vf_addresses()[1])
    node.sh(f"ip netns add pod; ip link set {netdev} netns pod")
    smaller = node.write_policies("/tmp/smaller.json", 1, Group("0-0", "netdevice"))

    node.command(f"plan -f {WISH}", rc=0)
    refused = node.apply(smaller, rc=1)

    assert "network namespace" in refused.out + refused.err
    assert node.attribute("sriov_numvfs") == "2"
    assert node.sh("ip netns exec pod ls /sys/class/net").split().count(netdev) == 1

    node.apply(smaller, "--max-cost", "drain")

    assert node.attribute("sriov_numvfs") == "1"
    node.sh("ip netns del pod")


def test_a_process_that_holds_a_vfio_device_is_named_and_nothing_hangs(node):
    node.apply(node.write_policies(WISH, 2, Group("0-1", "vfio-pci")))
    held = node.vf_addresses()[1]
    pid = node.sh(
        f"nohup python3 /project/tests/lab/guest/vfio_hold.py {held} >/tmp/held 2>&1 & echo $!; "
        "for i in $(seq 100); do grep -q held /tmp/held && break; sleep 0.1; done"
    )
    assert node.sh("cat /tmp/held") == "held"
    smaller = node.write_policies("/tmp/smaller.json", 1, Group("0-0", "vfio-pci"))

    refused = node.apply(smaller, rc=1, timeout_s=60)
    allowed = node.apply(smaller, "--max-cost", "drain", rc=1, timeout_s=60)

    assert f"pid {pid}" in refused.out + refused.err
    assert f"pid {pid}" in allowed.out + allowed.err
    assert node.attribute("sriov_numvfs") == "2"

    node.sh(f"kill {pid}; sleep 1")
    node.apply(smaller)

    assert node.attribute("sriov_numvfs") == "1"


def test_a_write_that_blocks_ends_at_its_deadline_naming_the_holder(node):
    node.apply(node.write_policies(WISH, 1, Group("0-0", "vfio-pci")))
    held = node.vf_addresses()[0]
    pid = node.sh(
        f"nohup python3 /project/tests/lab/guest/vfio_hold.py {held} >/tmp/held 2>&1 & echo $!; "
        "for i in $(seq 100); do grep -q held /tmp/held && break; sleep 0.1; done"
    )

    report = json.loads(node.sh(f"python3 /project/tests/lab/guest/blocked_write.py {PF} 3", timeout_s=60))

    assert report["error"] == "DeadlineExceeded"
    assert f"pid {pid}" in report["text"]
    assert 3 <= report["seconds"] < 6
    looked = node.vm.run(f"{SRIOV_CORE} probe", timeout_s=60)
    assert "sriov_numvfs could not be read within 5 s" in looked.out + looked.err, "looking must not hang either"
    node.command(f"plan -f {WISH}", rc=1, timeout_s=60)
    node.sh(f"kill {pid}; sleep 2")
    assert node.attribute("sriov_numvfs") == "0"


def test_watching_heals_vanished_vfs_when_they_vanish(node):
    path = node.write_policies(WISH, 3, Group("0-2", "vfio-pci"))
    node.sh(f"nohup {SRIOV_CORE} apply --yes --watch -f {path} >/tmp/watch.log 2>&1 & echo $! >/tmp/watch.pid")
    _until(node, "[ $(ls /sys/bus/pci/drivers/vfio-pci | grep -c 0000:) = 3 ]", 60)
    node.sh("sleep 3")

    node.sh(f"echo 0 > {DEVICES}/{PF}/sriov_numvfs")
    # Less than the safety net takes, so it was the event; `make bench` says how long it takes.
    _until(node, "[ $(ls /sys/bus/pci/drivers/vfio-pci | grep -c 0000:) = 3 ]", int(SAFETY_NET_S / 2))

    log = node.sh("kill $(cat /tmp/watch.pid); sleep 1; cat /tmp/watch.log")
    assert node.drivers() == ["vfio-pci"] * 3, log
    assert "healed drift" in log


def _until(node, condition: str, seconds: int) -> None:
    wait = f"end=$((SECONDS + {seconds})); while [ $SECONDS -lt $end ]; do {condition} && exit 0; sleep 0.1; done"
    node.sh(f"({wait}; exit 1) 2>/dev/null || (cat /tmp/watch.log; exit 1)", timeout_s=seconds + 30)
