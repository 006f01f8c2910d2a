"""The conformance suite on a simulated NIC of the real kernel: switchdev in earnest, VFs that are numbers.

The device must be there already: ``echo "10 1" > /sys/bus/netdevsim/new_device``.
"""

from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.testing.capture import capture
from sriov_core.testing.conformance import DriverConformance
from sriov_plugins import generic


class OneNic(LinuxHost):
    """The machine as if its only NICs were the simulated ones: the others belong to another driver."""

    def functions(self):
        return [function for function in super().functions() if function.address.bus == "netdevsim"]


class TestGenericOnNetdevsim(DriverConformance):
    plugin = generic
    samples = (capture(LinuxHost(), only=[Address("netdevsim10", "netdevsim")]),)

    def make_host(self, sample):
        return OneNic()
