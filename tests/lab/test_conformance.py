"""The suite that every driver passes on the fake kernel, run inside the guest on the real one: all but its accidents.

Binding a VF takes igbvf two seconds, so the suite is run in two halves, each of which can have a guest of its own.
"""

import pytest
from guest_pytest import ACCIDENTS, passes

pytestmark = pytest.mark.lab


def test_the_conformance_suite_passes_on_a_real_kernel(vm):
    vm.reset_nics()

    passes(vm, "suite_igb.py", only=f"not ({ACCIDENTS})")
