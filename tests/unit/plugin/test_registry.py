"""For one NIC only its owner and the base are ever asked, and a driver's mistake is named with plugin, hook and NIC."""

from types import ModuleType

import pytest

from sriov_core.errors import DriverFailed
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import Function, Nic
from sriov_core.model.plan import Problem
from sriov_core.model.steps import SetMtu
from sriov_core.plugin import API, Match, Phase, PluginInfo, hookimpl
from sriov_core.plugin.loading import Catalogue, Loaded, validate
from sriov_core.plugin.registry import drivers

NIC = Nic(address=Address("0000:3b:00.0"), vendor="ac3e", device="0001", name="ens7")
SPEC = NicSpec(address=NIC.address)


def step(mtu):
    return SetMtu(nic=NIC.address, was=1500, mtu=mtu)


def problem(code):
    return Problem(code=code, text=code, remedy="none")


def answering(hook, value, **options):
    """A hook that gives a fixed answer, or raises it when it is an error."""

    def answer():
        if isinstance(value, Exception):
            raise value
        return value

    answer.__name__ = hook
    return hookimpl(**options)(answer)


def loaded(name, *hooks, is_base=False) -> Loaded:
    info = PluginInfo(name=name, api=API, matches=(Match(vendor="ac3e"),), is_base=is_base, maintainers=(f"{name}@x",))
    module = ModuleType(f"plugin_{name}")
    module.describe = answering("describe", info)
    for hook in hooks:
        setattr(module, hook.__name__, hook)
    return Loaded(info=info, module=module, distribution=name, hooks=validate(module))


BASE = loaded(
    "generic",
    answering("set_pf_options", (step(1),), trylast=True),
    answering("check", (problem("base"),), trylast=True),
    answering("discover", NIC, trylast=True),
    answering("needs_reboot", (), trylast=True),
    answering("set_firmware", (), trylast=True),
    is_base=True,
)


def driver(*plugins, name="acme"):
    return drivers(Catalogue(loaded=plugins, refused=()))[name]


def pf_steps(*plugins, name="acme"):
    return [step.mtu for step in driver(*plugins, name=name).steps(Phase.PF_OPTIONS, NIC, SPEC)]


@pytest.mark.parametrize(
    ("answer", "steps"),
    [((step(2),), [2]), ((), []), (None, [1]), ([step(3), step(4)], [3, 4])],
    ids=["steps replace", "nothing to do is an answer", "no opinion asks the base", "a list will do"],
)
def test_the_owner_is_asked_before_the_base(answer, steps):
    assert pf_steps(BASE, loaded("acme", answering("set_pf_options", answer))) == steps
    assert pf_steps(loaded("acme", answering("set_pf_options", answer)), BASE) == steps


def test_a_wrapper_sees_the_answer_of_the_base():
    @hookimpl(wrapper=True)
    def set_pf_options(nic, spec):
        steps = yield
        return [*steps, step(9)]

    assert pf_steps(BASE, loaded("acme", set_pf_options)) == [1, 9]


def test_another_vendors_plugin_is_never_asked():
    @hookimpl(wrapper=True)
    def set_pf_options(nic, spec):
        yield
        raise AssertionError("asked for a stranger's NIC")

    other = loaded("other", set_pf_options, answering("check", (problem("other"),)))
    acme = loaded("acme")
    assert pf_steps(BASE, acme, other) == [1]
    assert [found.code for found in driver(other, acme, BASE).check(NIC, SPEC)] == ["base"]


def test_objections_add_up_and_cannot_be_taken_back():
    acme = loaded("acme", answering("check", (problem("acme"),)))
    assert sorted(found.code for found in driver(BASE, acme).check(NIC, SPEC)) == ["acme", "base"]
    silent = loaded("acme", answering("check", ()))
    assert [found.code for found in driver(BASE, silent).check(NIC, SPEC)] == ["base"]


@pytest.mark.parametrize(
    "answer",
    [RuntimeError("out of luck"), "steps", 7, ["set it up"], {step(1): 1}, (problem("not a step"),)],
    ids=["raises", "text", "number", "texts", "mapping", "another kind"],
)
def test_nonsense_is_a_failure_that_names_plugin_hook_nic_and_maintainer(answer):
    with pytest.raises(DriverFailed) as caught:
        pf_steps(BASE, loaded("acme", answering("set_pf_options", answer)))
    for word in ("plugin acme", "set_pf_options", "0000:3b:00.0 (ens7)", "acme@x"):
        assert word in str(caught.value)


def test_a_discovery_that_finds_nothing_is_a_failure():
    function = Function(address=NIC.address, vendor="ac3e", device="0001")
    nothing = loaded("generic", answering("discover", None), is_base=True)
    with pytest.raises(DriverFailed, match=r"answered None in discover for 0000:3b:00.0"):
        driver(nothing, name="generic").discover(function, None)
    assert driver(BASE, name="generic").discover(function, None) is NIC


def test_a_failure_keeps_the_error_of_the_driver_as_its_cause():
    error = RuntimeError("out of luck")
    with pytest.raises(DriverFailed, match="RuntimeError: out of luck") as caught:
        pf_steps(BASE, loaded("acme", answering("set_pf_options", error)))
    assert caught.value.__cause__ is error


def test_a_firmware_failure_names_every_port_of_the_card():
    acme = loaded("acme", answering("set_firmware", RuntimeError("no")))
    with pytest.raises(DriverFailed, match=r"for 0000:3b:00\.0 \(ens7\) and 0000:3b:00\.0"):
        driver(BASE, acme).firmware([NIC, NIC], [SPEC, SPEC])
