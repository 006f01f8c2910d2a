"""At most one reboot is asked for each unmet requirement, and none is counted that could not have helped."""

import errno

import pytest
from engine_machines import (
    CATALOGUE,
    OTHER,
    PF,
    Doing,
    converge,
    engine,
    failing,
    idle,
    port,
    spec,
    state,
    wish,
    world,
)

from sriov_core.engine.journal import Journal
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Cost, Reboot
from sriov_core.planning.node import IOMMU_REQUIREMENT
from sriov_core.plugin import API, Match, PluginInfo, hookimpl
from sriov_core.plugin.loading import Catalogue, Loaded, validate
from sriov_core.plugin.registry import drivers


def bare(**facts):
    return world(**{"iommu_groups": 0, "iommu_after_reboot": True, **facts})


def asked(journal) -> list[str]:
    return [entry.requirement for entry in journal.read().reboots]


def wait(result) -> bool:
    """True when nothing is left but to reboot."""
    plan = result.last.plan
    return bool(plan.reboots) and not plan.steps and not plan.all_problems and not result.converged


def test_an_iommu_is_there_after_one_reboot():
    host, journal = bare(), Journal(path=None)
    assert wait(converge(engine(host, journal), spec()))
    assert (asked(journal), journal.read().reboots[0].boot_id) == ([IOMMU_REQUIREMENT], host.node().boot_id)
    host.reboot()
    assert converge(engine(host, journal), spec()).converged
    assert (asked(journal), state(host)["vfs"][:2]) == ([], ["vfio-pci", "vfio-pci"])


def test_until_the_reboot_nothing_is_set_twice():
    host, journal, plans = bare(), Journal(path=None), []
    for _ in range(3):
        assert wait(converge(engine(host, journal), spec(), approve=plans.append))
    assert [plan.cost for plan in plans] == [Cost.REBOOT]
    assert asked(journal) == [IOMMU_REQUIREMENT]


@pytest.mark.parametrize("boots", [1, 2, 3])
def test_a_requirement_that_a_reboot_did_not_meet_is_reported_and_not_asked_for_again(boots):
    host, journal = bare(iommu_after_reboot=False), Journal(path=None)
    converge(engine(host, journal), spec())
    for _ in range(boots):
        host.reboot()
        result = converge(engine(host, journal), spec())
        assert {problem.code for problem in result.last.plan.all_problems} == {"no-iommu"}
        assert result.last.plan.reboots == ()


def forgetful(host):
    """A boot manager that takes the arguments and boots without them."""
    return Doing(host, add_kernel_argument=idle)


def test_a_boot_manager_that_drops_the_arguments_causes_one_reboot_only():
    host, journal = bare(), Journal(path=None)
    assert wait(converge(engine(forgetful(host), journal), spec()))
    for _ in range(3):
        host.reboot()
        result = converge(engine(forgetful(host), journal), spec())
        assert {problem.code for problem in result.last.plan.all_problems} == {"no-iommu"}
        assert (result.last.plan.reboots, asked(journal)) == ((), [IOMMU_REQUIREMENT])


def test_a_reboot_is_not_counted_where_its_argument_could_not_be_set():
    host, journal = bare(), Journal(path=None)
    stuck = failing(host, lambda verb: verb.name == "add_kernel_argument", errno.EROFS)
    assert not converge(engine(stuck, journal), spec()).converged
    assert asked(journal) == []
    host.reboot()
    assert wait(converge(engine(host, journal), spec()))


def test_a_reboot_is_counted_though_another_nic_failed():
    host, journal = bare(), Journal(path=None)
    stuck = failing(host, lambda verb: verb.name == "set_num_vfs", errno.EIO)
    result = converge(engine(stuck, journal), spec(wish(), wish(OTHER, vfio=0)))
    assert [failure.nic for failure in result.failures] == [OTHER]
    assert asked(journal) == [IOMMU_REQUIREMENT]


def test_while_a_nic_cannot_be_planned_the_fuse_stays():
    host, journal = bare(iommu_after_reboot=False), Journal(path=None)
    converge(engine(host, journal), spec())
    host.reboot()
    converge(engine(host, journal), spec(wish(vfio=9)))
    assert asked(journal) == [IOMMU_REQUIREMENT]


def test_a_wish_without_vfio_forgets_the_reboot():
    host, journal = bare(), Journal(path=None)
    converge(engine(host, journal), spec())
    assert converge(engine(host, journal), spec(wish(vfio=0))).converged
    assert asked(journal) == []


def test_a_met_requirement_is_forgotten_though_another_nic_has_a_problem():
    host, journal = bare(), Journal(path=None)
    converge(engine(host, journal), spec())
    host.reboot()
    converge(engine(host, journal), spec(wish(), wish(OTHER, vfio=9)))
    assert asked(journal) == []


class Firmware:
    """The firmware of a card as its driver's plugin asks it: it wants a reboot, which may or may not help."""

    def __init__(self) -> None:
        self.settled = False
        self.catalogue = self._catalogue()
        self.drivers = drivers(self.catalogue)

    def _catalogue(self) -> Catalogue:
        info = PluginInfo(name="acme", api=API, matches=(Match(vendor="8086", device="10c9"),))

        @hookimpl
        def describe():
            return info

        @hookimpl
        def needs_reboot(nic, spec, steps):
            unmet = bool(spec.num_vfs) and not self.settled
            return (Reboot(requirement="acme-firmware", reason="the firmware takes it at boot"),) if unmet else ()

        module = type(CATALOGUE.loaded[0].module)("acme")
        module.describe, module.needs_reboot = describe, needs_reboot
        base = [entry for entry in CATALOGUE.loaded if entry.info.is_base]
        loaded = Loaded(info=info, module=module, distribution="acme", hooks=validate(module))
        return Catalogue(loaded=(*base, loaded), refused=())

    def engine(self, host, journal):
        return engine(host, journal, catalogue=self.catalogue, drivers=self.drivers)


def test_a_reboot_for_firmware_comes_before_everything_else_and_once():
    host, journal, card = world(port(PF, 0)), Journal(path=None), Firmware()
    before = host.tree()
    assert wait(converge(card.engine(host, journal), spec()))
    assert (asked(journal), host.tree() == before) == (["acme-firmware"], True)
    host.reboot()
    result = converge(card.engine(host, journal), spec())
    assert [problem.code for problem in result.last.plan.all_problems] == ["reboot-without-effect"]
    assert (result.last.plan.reboots, asked(journal)) == ((), ["acme-firmware"])
    card.settled = True
    assert converge(card.engine(host, journal), spec()).converged
    assert (asked(journal), len(state(host)["vfs"])) == ([], 4)


def test_a_release_that_waits_for_a_reboot_is_not_forgotten():
    host, journal, card = world(port(PF, 0, sriov={"vfs": []})), Journal(path=None), Firmware()
    card.settled = True
    host.set_num_vfs(PF, 1)
    assert converge(card.engine(host, journal), spec()).converged
    card.settled = False
    result = converge(card.engine(host, journal), NodeSpec(), release=True)
    assert wait(result)
    assert PF in journal.read().nics
