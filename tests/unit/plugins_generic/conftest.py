"""The base driver's hooks, one by one."""

from collections.abc import Callable

import pytest

import sriov_plugins.generic
from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import Nic


@pytest.fixture
def base_steps() -> Callable[[str, Nic, NicSpec], list[str]]:
    """The steps of one phase as they print, without the address of the PF."""

    def steps(hook: str, nic: Nic, spec: NicSpec) -> list[str]:
        found = getattr(sriov_plugins.generic, hook)(nic=nic, spec=spec)
        return [step.describe().partition(" ")[2] for step in found]

    return steps
