"""Broken drivers, each with one planted bug, made from the good one of the ACME package."""

import importlib.util
import subprocess  # noqa: TID251  # one of the planted bugs is a hidden process
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from sriov_core.plugin import (
    EswitchMode,
    Match,
    Phase,
    Reboot,
    SetAutoprobe,
    SetEswitchMode,
    SetMtu,
    SetNumVfs,
    hookimpl,
)
from sriov_core.plugin.info import PLAIN_ORDER

ACME = Path(__file__).parents[3] / "examples" / "sriov-plugin-template"


def acme() -> ModuleType:
    """A fresh copy of the good driver."""
    location = ACME / "sriov_plugin_acme" / "__init__.py"
    spec = importlib.util.spec_from_file_location("sriov_plugin_acme_copy", location)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _described(**changes: Any) -> ModuleType:
    module = acme()
    good = module.describe()

    @hookimpl
    def describe():
        return attrs.evolve(good, **changes)

    module.describe = describe
    return module


def _with(*hooks: Callable[..., Any]) -> ModuleType:
    module = acme()
    for hook in hooks:
        setattr(module, hook.__name__, hook)
    return module


def reading_a_file_while_planning() -> ModuleType:
    @hookimpl
    def set_vf_options(nic, spec):
        Path("/dev/null").read_text()

    return _with(set_vf_options)


def a_hidden_process() -> ModuleType:
    @hookimpl
    def set_firmware(card, spec):
        subprocess.run([sys.executable, "-c", ""], check=True)
        return ()

    return _with(set_firmware)


def the_wrong_order() -> ModuleType:
    return _described(phases=PLAIN_ORDER)


def binding_before_there_are_vfs() -> ModuleType:
    others = tuple(phase for phase in Phase if phase is not Phase.BIND)
    return _described(phases=(Phase.BIND, *others))


def a_missing_phase() -> ModuleType:
    module = acme()
    good = module.describe()

    @hookimpl
    def describe():
        return attrs.evolve(good, phases=PLAIN_ORDER[1:])

    module.describe = describe
    return module


def a_forgotten_unbind() -> ModuleType:
    @hookimpl
    def set_eswitch_mode(nic, spec):
        if nic.effective_mode is spec.eswitch_mode:
            return ()
        return [SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=spec.eswitch_mode)]

    return _with(set_eswitch_mode)


def resizing_in_switchdev() -> ModuleType:
    module = acme()
    del module.set_num_vfs
    return module


def never_satisfied() -> ModuleType:
    @hookimpl
    def set_pf_options(nic, spec):
        return [SetMtu(nic=nic.address, was=nic.mtu, mtu=9000)]

    return _with(set_pf_options)


def another_nic_touched() -> ModuleType:
    @hookimpl
    def set_pf_options(nic, spec):
        other = attrs.evolve(nic.address, name="0000:3b:00.1")
        return [SetMtu(nic=other, was=nic.mtu, mtu=9000)]

    return _with(set_pf_options)


def a_default_argument() -> ModuleType:
    @hookimpl
    def set_vf_options(nic, spec, timeout_s=5):
        return None

    return _with(set_vf_options)


def a_misspelled_hook() -> ModuleType:
    @hookimpl
    def set_numvfs(nic, spec):
        return None

    return _with(set_numvfs)


def a_forgotten_marker() -> ModuleType:
    def needs_reboot(nic, spec, steps):
        return None

    return _with(needs_reboot)


def the_wrong_vendor() -> ModuleType:
    return _described(matches=(Match(vendor="8086", pci_class="02"),))


def too_greedy() -> ModuleType:
    return _described(matches=(Match(vendor="ac3e", pci_class="02"), Match(pci_class="02", platform="baremetal")))


def a_reboot_without_reason() -> ModuleType:
    @hookimpl
    def needs_reboot(nic, spec, steps):
        return (Reboot(requirement="firmware", reason=""),) if steps else ()

    return _with(needs_reboot)


def a_forgotten_return() -> ModuleType:
    @hookimpl
    def set_eswitch_mode(nic, spec):
        [SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=spec.eswitch_mode)]

    return _with(set_eswitch_mode)


def an_api_from_the_future() -> ModuleType:
    return _described(api=(1, 99))


def a_discover_that_writes() -> ModuleType:
    @hookimpl(wrapper=True)
    def discover(function, host):
        nic = yield
        host.set_num_vfs(function.address, 0)
        return nic

    return _with(discover)


def a_discover_that_opens_sysfs_itself() -> ModuleType:
    @hookimpl(wrapper=True)
    def discover(function, host):
        nic = yield
        with open("/dev/null") as file:
            return attrs.evolve(nic, facts={"firmware": file.read()})

    return _with(discover)


def looks_that_differ() -> ModuleType:
    looks = []

    @hookimpl(wrapper=True)
    def discover(function, host):
        nic = yield
        looks.append(function)
        return attrs.evolve(nic, facts={"looks": str(len(looks))})

    return _with(discover)


def plans_that_differ() -> ModuleType:
    turns = []

    @hookimpl(wrapper=True)
    def bind_driver(nic, spec):
        steps = yield
        turns.append(nic)
        return steps if len(turns) % 2 else tuple(reversed(steps))

    return _with(bind_driver)


def starting_over_for_one_vf() -> ModuleType:
    @hookimpl(wrapper=True)
    def set_num_vfs(nic, spec):
        steps = yield
        wanted = [spec.device_type(vf.index).userspace_driver for vf in nic.vfs]
        if steps or all(driver == vf.kernel_driver for driver, vf in zip(wanted, nic.vfs, strict=True) if driver):
            return steps
        return [
            SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0),
            SetAutoprobe(nic=nic.address, was=nic.autoprobe, enabled=False),
            SetNumVfs(nic=nic.address, was=0, count=nic.num_vfs),
        ]

    return _with(set_num_vfs)


def autoprobe_left_on() -> ModuleType:
    @hookimpl
    def set_num_vfs(nic, spec):
        if nic.num_vfs == spec.num_vfs or nic.effective_mode is EswitchMode.SWITCHDEV:
            return None
        steps = [SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0)] if nic.num_vfs else []
        return [*steps, SetNumVfs(nic=nic.address, was=0, count=spec.num_vfs)] if spec.num_vfs else steps

    return _with(set_num_vfs)


def no_lasting_addresses() -> ModuleType:
    @hookimpl
    def set_vf_identity(nic, spec):
        return ()

    return _with(set_vf_identity)


def a_switch_that_is_not_declared() -> ModuleType:
    @hookimpl
    def check(nic, spec):
        raise RuntimeError("no such mode") if spec.eswitch_mode is EswitchMode.SWITCHDEV else None

    module = _described(capabilities=frozenset())
    module.check = check
    return module
