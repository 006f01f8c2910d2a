"""The suite's first part: what a driver says of itself, whose NICs it takes, and that importing it is harmless."""

import inspect

import attrs

from sriov_core.plugin import hookspecs, version
from sriov_core.plugin.info import Phase, PluginInfo
from sriov_core.plugin.loading import validate
from sriov_core.plugin.ownership import choose
from sriov_core.testing import importing
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.suite import Suite
from sriov_core.testing.tree import Tree
from sriov_core.testing.workbench import catalogue_of

_STRANGER_VENDOR = "fffe"
_HOOKS = {
    name: list(inspect.signature(member).parameters)
    for name, member in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(member, f"{hookspecs.PROJECT}_spec")
}


class SpeaksTheContract(Suite):
    """Tests of the module, without a machine."""

    def test_it_describes_itself(self) -> None:
        info = self.plugin.describe()
        assert isinstance(info, PluginInfo), f"describe() returned {info!r}"
        assert info == self.plugin.describe(), "describe() must say the same each time"
        assert set(info.phases) == set(Phase)
        assert info.matches, "a plugin without matches drives nothing"
        assert info.maintainers, "somebody must be named who takes reports"

    def test_its_api_version_is_accepted(self) -> None:
        info = self.plugin.describe()
        assert version.refusal(info.name, info.api) is None, version.refusal(info.name, info.api)

    def test_its_hooks_have_the_form_of_the_contract(self) -> None:
        hooks = validate(self.plugin)
        for name in hooks:
            taken = list(inspect.signature(getattr(self.plugin, name)).parameters)
            wanted = [argument for argument in _HOOKS[name] if argument in taken]
            assert taken == wanted, f"{name} takes {taken}, the contract has {_HOOKS[name]}"
        unmarked = [name for name in _HOOKS if name not in hooks and callable(getattr(self.plugin, name, None))]
        assert not unmarked, f"{', '.join(unmarked)} bear a hook's name without @hookimpl"

    def test_importing_it_touches_nothing(self) -> None:
        assert (found := importing.complaint(self.plugin.__name__)) is None, found

    def test_it_owns_each_nic_of_the_sample(self, sample: Tree) -> None:
        infos = catalogue_of(self.plugin).infos
        name = self.plugin.describe().name
        for function in FakeKernel(sample).functions():
            choice = choose(function, infos)
            assert choice.plugin == name, f"{function.address} goes to {choice.plugin}: {choice.reason}"

    def test_it_owns_no_stranger(self, sample: Tree) -> None:
        info = self.plugin.describe()
        if info.is_base:
            return
        for function in FakeKernel(sample).functions():
            stranger = attrs.evolve(function, vendor=_STRANGER_VENDOR, kernel_driver="stranger", platform="baremetal")
            choice = choose(stranger, catalogue_of(self.plugin).infos)
            assert choice.plugin != info.name, f"a card of vendor {_STRANGER_VENDOR} goes to {info.name}"
