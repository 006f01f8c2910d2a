"""One look: who serves which NIC and why, and what could not be looked at, without losing the rest."""

from types import ModuleType

import pytest
from engine_machines import CATALOGUE, OTHER, PF, Doing, converge, engine, port, spec, state, wish, world

from sriov_core.errors import HostError
from sriov_core.model.observed import Nic
from sriov_core.plugin import API, Match, PluginInfo, hookimpl
from sriov_core.plugin.loading import Catalogue, Loaded, validate
from sriov_core.plugin.registry import drivers


def test_a_look_tells_each_nics_owner_and_why():
    snapshot = engine(world(port(PF, 0), port(OTHER, 1, vendor="14e4"))).snapshot()
    assert [(nic.address, snapshot.owners[nic.address].plugin) for nic in snapshot.nics] == [
        (PF, "intel"),
        (OTHER, "generic"),
    ]
    assert "vendor 8086" in snapshot.owners[PF].reason


def test_a_pin_for_a_plugin_that_is_not_there_leaves_the_nic_unmanaged():
    result = converge(engine(world(), pins={PF: "acme"}), spec(wish(), wish(OTHER)))
    problems = result.last.plan.all_problems
    assert [(problem.code, problem.nic) for problem in problems] == [("unmanaged", PF)]
    assert "pinned to plugin acme, but it is not installed" in problems[0].text


def discovering(answer) -> tuple[Catalogue, dict]:
    """The installed base, and a plugin for one card that answers `discover` like that, or raises it."""
    info = PluginInfo(name="acme", api=API, matches=(Match(vendor="ac3e"),), maintainers=("acme@example.org",))

    @hookimpl
    def describe():
        return info

    @hookimpl
    def discover(function, host):
        if isinstance(answer, Exception):
            raise answer
        return answer

    module = ModuleType("acme")
    module.describe, module.discover = describe, discover
    base = [entry for entry in CATALOGUE.loaded if entry.info.is_base]
    loaded = Loaded(info=info, module=module, distribution="acme", hooks=validate(module))
    catalogue = Catalogue(loaded=(*base, loaded), refused=())
    return catalogue, drivers(catalogue)


BROKEN = {
    "raises": (ZeroDivisionError("bang"), "plugin acme failed in discover for 0000:01:00.0: ZeroDivisionError: bang"),
    "cannot-read": (HostError("no such file"), "no such file"),
    "another-nic": (Nic(address=OTHER, vendor="1", device="2"), "discovered 0000:41:00.0 where it was asked for"),
    "no-nic-at-all": ("eth0", "plugin acme answered 'eth0' in discover for 0000:01:00.0"),
}


@pytest.mark.parametrize(("answer", "text"), BROKEN.values(), ids=BROKEN)
def test_a_driver_that_fails_to_look_costs_its_own_nic_only(answer, text):
    catalogue, by_name = discovering(answer)
    host = world(port(PF, 0, vendor="ac3e"), port(OTHER, 1))
    result = converge(engine(host, catalogue=catalogue, drivers=by_name), spec(wish(), wish(OTHER)))
    assert text in result.last.snapshot.failures[PF]
    assert [(problem.code, problem.nic) for problem in result.last.plan.all_problems] == [("driver-failed", PF)]
    assert len(state(host, OTHER)["vfs"]) == 4


def test_vfs_that_cannot_all_be_looked_at_are_never_taken_for_success():
    host = world()
    assert converge(host, spec()).converged

    def vf_addresses(pf):
        return {index: address for index, address in host.vf_addresses(pf).items() if index != 1}

    before = host.tree()
    result = converge(Doing(host, vf_addresses=vf_addresses), spec())
    assert not result.converged
    assert [problem.code for problem in result.last.plan.all_problems] == ["unreadable"]
    assert "sriov_numvfs says 4, 3 can be looked at" in result.last.plan.all_problems[0].text
    assert host.tree() == before
