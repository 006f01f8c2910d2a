"""What the tests of crashes wish of a NIC, and the kernel's own word whether it is so."""

from guest_node import PF

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


def assert_as_wished(node):
    addresses = node.vf_addresses()
    assert node.attribute("sriov_numvfs") == "3"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.drivers() == ["vfio-pci", "vfio-pci", "igbvf"]
    assert node.link(node.vf_netdev(addresses[2]))["mtu"] == 9000
    assert node.link(node.name)["mtu"] == 9000


def assert_given_back(node):
    assert node.attribute("sriov_numvfs") == "0"
    assert node.attribute("sriov_drivers_autoprobe") == "1"
    assert node.link(node.name)["mtu"] == 1500
