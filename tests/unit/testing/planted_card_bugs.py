"""Broken drivers of cards with firmware, GUIDs and vDPA, each with one planted bug, made from the good one."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs

from sriov_core.plugin import (
    UNKNOWN,
    Capability,
    Reboot,
    SetFeature,
    SetFirmware,
    Setting,
    SetVdpa,
    SetVfGuid,
    hookimpl,
)
from sriov_plugins import mellanox


def _mellanox(*hooks: Callable[..., Any]) -> ModuleType:
    """A copy of the driver whose cards have firmware, GUIDs and vDPA, with some hooks of its own."""
    module = ModuleType("sriov_plugin_mellanox_copy")
    vars(module).update({name: value for name, value in vars(mellanox).items() if not name.startswith("__")})
    for hook in hooks:
        setattr(module, hook.__name__, hook)
    return module


def good_mellanox() -> ModuleType:
    return _mellanox()


def no_guids() -> ModuleType:
    @hookimpl
    def set_vf_identity(nic, spec):
        return ()

    return _mellanox(set_vf_identity)


def guids_by_turns() -> ModuleType:
    turns = []

    @hookimpl
    def set_vf_identity(nic, spec):
        turns.append(nic)
        bound = [vf for vf in nic.vfs if vf.admin_guid is None and vf.kernel_driver in (None, UNKNOWN)]
        return [
            SetVfGuid(
                nic=nic.address, vf=vf.index, was=None, guid=f"02:00:00:00:00:00:{len(turns) % 256:02x}:{vf.index:02x}"
            )
            for vf in bound
        ]

    return _mellanox(set_vf_identity)


def vdpa_forgotten() -> ModuleType:
    @hookimpl(wrapper=True)
    def set_vf_options(nic, spec):
        steps = yield
        return [step for step in steps if not isinstance(step, SetVdpa)]

    return _mellanox(set_vf_options)


def offloads_left_on() -> ModuleType:
    @hookimpl(wrapper=True)
    def set_pf_options(nic, spec):
        steps = yield
        return [step for step in steps if not (isinstance(step, SetFeature) and not step.on)]

    return _mellanox(set_pf_options)


def an_inspect_that_writes() -> ModuleType:
    @hookimpl
    def inspect(nic, spec, host):
        host.run_tool(nic.address, ("mstconfig", "-d", str(nic.address), "-y", "set", "SRIOV_EN=1"))
        return nic

    return _mellanox(inspect)


def closer_looks_that_differ() -> ModuleType:
    looks = []

    @hookimpl
    def inspect(nic, spec, host):
        looks.append(nic)
        return attrs.evolve(nic, facts={"looks": str(len(looks))})

    return _mellanox(inspect)


def firmware_as_wished_to_the_letter() -> ModuleType:
    @hookimpl
    def inspect(nic, spec, host):
        answer = host.query(("mstconfig", "-e", "-d", str(nic.address), "q", "NUM_OF_VFS"))
        _, current, after = answer.out.splitlines()[-2].split()[-3:]
        return attrs.evolve(nic, settings={"NUM_OF_VFS": Setting(current=current, next=after)}, vf_limit=127)

    @hookimpl
    def check(nic, spec):
        return ()

    @hookimpl
    def set_firmware(card, spec):
        wanted, nic = str(max(one.num_vfs for one in spec)), card[0]
        if not nic.settings or nic.settings["NUM_OF_VFS"].next == wanted:
            return ()
        argv = ("mstconfig", "-d", str(nic.address), "-y", "set", f"NUM_OF_VFS={wanted}")
        return [SetFirmware(nic=nic.address, was={}, settings={"NUM_OF_VFS": wanted}, argv=argv)]

    @hookimpl
    def needs_reboot(nic, spec, steps):
        found = nic.settings.get("NUM_OF_VFS")
        if found is None or found.current == str(spec.num_vfs):
            return ()
        return (Reboot(requirement=f"{nic.address} {spec.num_vfs}", reason="NUM_OF_VFS takes effect at boot"),)

    return _mellanox(inspect, check, set_firmware, needs_reboot)


def a_reboot_each_time() -> ModuleType:
    @hookimpl(wrapper=True)
    def needs_reboot(nic, spec, steps):
        reboots = yield
        return reboots or ((Reboot(requirement="again", reason="one more cannot hurt"),) if spec.num_vfs > 8 else ())

    return _mellanox(needs_reboot)


def a_silent_card_taken_for_a_willing_one() -> ModuleType:
    @hookimpl
    def inspect(nic, spec, host):
        return attrs.evolve(nic, vf_limit=127)

    @hookimpl
    def check(nic, spec):
        return ()

    return _mellanox(inspect, check)


def a_link_type_that_is_not_declared() -> ModuleType:
    good = mellanox.describe()

    @hookimpl
    def describe():
        return attrs.evolve(good, capabilities=frozenset({Capability.SRIOV, Capability.INFINIBAND}))

    @hookimpl
    def check(nic, spec):
        raise RuntimeError("no such type") if spec.link_type else None

    return _mellanox(describe, check)
