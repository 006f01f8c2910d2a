"""The program that the tests ask; built before the first of them, and a reason to skip where it cannot be."""

import os
from pathlib import Path

import crd_checker
import pytest


@pytest.fixture(scope="session", autouse=True)
def checker() -> Path:
    """The program's path; a test that needs it fails under CI and is skipped elsewhere when there is none."""
    try:
        return crd_checker.program()
    except crd_checker.CannotBuild as err:
        if os.environ.get("CI") == "true":
            pytest.fail(f"crdcheck must run here and cannot: {err}", pytrace=False)
        pytest.skip(f"crdcheck cannot run here: {err}")
