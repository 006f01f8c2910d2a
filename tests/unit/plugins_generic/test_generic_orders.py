"""The base driver alone on machines whose kernel drivers refuse what the table says they refuse.

The table and the machines are written down apart from each other: a row that is wrong fails on its machine.
"""

import attrs
import pytest
import vdpa_owner
from generic_machines import MLX5, SAMPLES

import sriov_plugins.generic
from sriov_core.model.desired import NicSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode
from sriov_core.plugin import Phase
from sriov_core.testing.conformance import DriverConformance
from sriov_core.testing.wishes import State
from sriov_core.testing.workbench import Workbench
from sriov_core.testing.world import FakeWorld
from sriov_plugins.generic.kernels import known, orders


class TestBaseDriverOnDemandingKernels(DriverConformance):
    plugin = sriov_plugins.generic
    samples = SAMPLES


def test_a_count_that_changes_in_legacy_mode_comes_before_the_mode():
    """Else the mode would have been switched already when the count takes it back."""
    drivers = [name for name in ("mlx5_core", "bnxt_en", "netdevsim", "ice", "nfp") if known(name).count_in_legacy]
    assert drivers == ["mlx5_core", "bnxt_en", "netdevsim"]
    for name in drivers:
        assert orders()[name].index(Phase.NUM_VFS) < orders()[name].index(Phase.ESWITCH)


def test_who_is_not_in_the_table_is_configured_in_the_plain_order():
    info = sriov_plugins.generic.describe()
    assert info.phases_for("igb") == info.phases_for(None) == info.phases
    assert info.phases_for("mlx5_core") != info.phases


@pytest.mark.parametrize("kind", VdpaType)
def test_an_owner_that_offers_vdpa_rests_on_the_steps_of_the_base(kind):
    bench = Workbench.for_plugin(vdpa_owner, FakeWorld(MLX5))
    wish = NicSpec(address=bench.address, num_vfs=3, eswitch_mode=EswitchMode.SWITCHDEV, named=True)
    groups = {True: (VfGroup(first=0, last=1, vdpa_type=kind),), False: (VfGroup(first=0, last=1),)}
    for wanted in (True, False, True):
        bench.reach(State(name=f"vDPA {wanted}", wish=attrs.evolve(wish, groups=groups[wanted])))
        assert [vf.vdpa_type for vf in bench.nic().vfs] == ([kind, kind, None] if wanted else [None] * 3)
