"""Two boots of one machine from the boot file: what each phase leaves on a real kernel, and that nothing is lost."""

import json

from guest_node import Group, GuestNode

WISH = "/tmp/wish.json"
BOOT_FILE = "/etc/sriov-core/boot.json"
RESULT = "/run/sriov-core/boot-result.json"
UNITS = "/etc/systemd/system"


def _boots(node):
    """Both phases, as the units run them, with a look at the machine after each."""
    node.command("boot --phase pre")
    addresses = node.vf_addresses()
    node.sh("modprobe igbvf; udevadm settle --timeout=30")
    assert node.attribute("sriov_numvfs") == "4"
    assert node.drivers() == ["none"] * 4, "not even a kernel driver that is loaded now takes them"
    assert node.link(node.name)["mtu"] == 9000

    node.command("boot --phase post")
    assert node.vf_addresses() == addresses
    assert node.drivers() == ["vfio-pci", "vfio-pci", "igbvf", "igbvf"]
    assert [node.link(node.vf_netdev(address))["mtu"] for address in addresses[2:]] == [9000, 9000]
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    return json.loads(node.sh(f"cat {RESULT}"))


def test_the_wish_is_kept_over_a_power_cut(fresh_vm):
    node = GuestNode(fresh_vm)
    policies = node.write_policies(WISH, 4, Group("0-1", "vfio-pci"), Group("2-3", "netdevice", 9000))
    node.command(f"install-units -f {policies}")
    assert node.sh(f"ls {UNITS}/multi-user.target.wants").split() == [
        "sriov-core-post.service",
        "sriov-core-pre.service",
    ]
    first = _boots(node)
    assert (first["phase"], first["outcome"], first["words"]) == ("post", "succeeded", [])

    fresh_vm.power_cut()
    fresh_vm.boot()

    assert node.attribute("sriov_numvfs") == "0"
    assert node.sh(f"ls {RESULT} 2>/dev/null; true") == ""
    second = _boots(node)
    assert (second["outcome"], second["generation"]) == ("succeeded", first["generation"])
    assert second["boot_id"] != first["boot_id"]
    node.command(f"plan -f {node.write_policies(WISH, 4, Group('0-1', 'vfio-pci'), Group('2-3', 'netdevice', 9000))}")

    node.sh(f"truncate -s 100 {BOOT_FILE}")
    node.command("boot --phase post", rc=1)
    assert json.loads(node.sh(f"cat {RESULT}"))["outcome"] == "failed"
    assert node.attribute("sriov_numvfs") == "4"
