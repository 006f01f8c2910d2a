"""The half of the conformance suite with the accidents: refusals, crashes, and what others do behind our back."""

import pytest
from guest_pytest import ACCIDENTS, passes

pytestmark = pytest.mark.lab


def test_the_conformance_suite_survives_its_accidents_on_a_real_kernel(vm):
    vm.reset_nics()

    passes(vm, "suite_igb.py", only=ACCIDENTS, timeout_s=1200)
