"""The conformance suite of the drivers, on the real kernel: the fake one cannot drift as long as both pass."""

from sriov_core.host.linux import LinuxHost
from sriov_core.testing.capture import capture
from sriov_core.testing.conformance import DriverConformance
from sriov_plugins import intel


class TestIntelOnIgb(DriverConformance):
    plugin = intel
    samples = (capture(LinuxHost()),)
    thorough = False  # binding a VF takes igbvf two seconds here

    def make_host(self, sample):
        return LinuxHost()
