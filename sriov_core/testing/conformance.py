"""The suite that every driver passes, chosen by capability and never by vendor.

A driver's whole test file::

    class TestConformance(DriverConformance):
        plugin = sriov_plugin_acme
        samples = trees.load_all("trees/")

Nothing in it assumes a fresh machine, so the same suite runs on a real kernel: override `make_host`, and unset
``thorough`` where a change takes seconds.
"""

from sriov_core.testing.suite_accidents import SurvivesAccidents
from sriov_core.testing.suite_contract import SpeaksTheContract
from sriov_core.testing.suite_deciding import DecidesOnly
from sriov_core.testing.suite_firmware import ChangesFirmware
from sriov_core.testing.suite_states import ReachesEveryState


class DriverConformance(SpeaksTheContract, DecidesOnly, ReachesEveryState, SurvivesAccidents, ChangesFirmware):
    """Inherit, set ``plugin`` to the driver's module and ``samples`` to trees whose NICs it owns, all of them."""
