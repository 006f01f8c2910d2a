"""Modules of the contract tests, which are another folder of pytest's, for the tests that need a server."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = str(Path(__file__).parents[1] / "contract")


def contract(name: str) -> ModuleType:
    """The module of this name."""
    if FOLDER not in sys.path:
        sys.path.append(FOLDER)
    return importlib.import_module(name)
