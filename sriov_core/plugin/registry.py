"""The typed face of the plugins: for one NIC only its owner and the base below it are ever called."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs
import pluggy

from sriov_core.errors import DriverFailed, HostError
from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import Function, Nic
from sriov_core.model.plan import Problem, Reboot
from sriov_core.model.step import Step
from sriov_core.plugin import hookspecs
from sriov_core.plugin.diagnosis import Finding
from sriov_core.plugin.info import Phase, PluginInfo
from sriov_core.plugin.loading import Catalogue, Loaded
from sriov_core.plugin.reader import HostReader

T = TypeVar("T")

_HOOK_OF_PHASE = {
    Phase.PF_OPTIONS: "set_pf_options",
    Phase.ESWITCH: "set_eswitch_mode",
    Phase.NUM_VFS: "set_num_vfs",
    Phase.VF_IDENTITY: "set_vf_identity",
    Phase.BIND: "bind_driver",
    Phase.VF_OPTIONS: "set_vf_options",
}


@attrs.frozen
class Driver:
    """A plugin as the engine sees it: every hook answered by the owner first, the base behind it.

    Whatever a hook raises or returns by mistake becomes `DriverFailed` with plugin, hook and NIC in its text; only a
    `HostError`, with which the machine itself could not be read, passes as it is.
    """

    info: PluginInfo
    _hooks: dict[str, Callable[..., Any]]

    def discover(self, function: Function, host: HostReader) -> Nic:
        """The NIC behind a function."""
        found = self._call("discover", str(function.address), function=function, host=host)
        if not isinstance(found, Nic):
            raise self._nonsense("discover", str(function.address), found)
        return found

    def inspect(self, nic: Nic, spec: NicSpec, host: HostReader) -> Nic:
        """The NIC with what this wish makes worth reading."""
        found = self._call("inspect", str(nic), nic=nic, spec=spec, host=host)
        if not isinstance(found, Nic) or found.address != nic.address:
            raise self._nonsense("inspect", str(nic), found)
        return found

    def check(self, nic: Nic, spec: NicSpec) -> tuple[Problem, ...]:
        """Every objection to the wish, the owner's and the base's."""
        return self._gather("check", Problem, str(nic), nic=nic, spec=spec)

    def steps(self, phase: Phase, nic: Nic, spec: NicSpec) -> tuple[Step, ...]:
        """The steps of a phase other than FIRMWARE, for the NIC as it will be at that point."""
        hook = _HOOK_OF_PHASE[phase]
        return self._checked(hook, Step, str(nic), self._call(hook, str(nic), nic=nic, spec=spec))

    def firmware(self, card: Sequence[Nic], spec: Sequence[NicSpec]) -> tuple[Step, ...]:
        """The firmware steps for a whole card."""
        where = " and ".join(map(str, card))
        return self._checked("set_firmware", Step, where, self._call("set_firmware", where, card=card, spec=spec))

    def needs_reboot(self, nic: Nic, spec: NicSpec, steps: Sequence[Step]) -> tuple[Reboot, ...]:
        """The reboots that the steps need."""
        answer = self._call("needs_reboot", str(nic), nic=nic, spec=spec, steps=steps)
        return self._checked("needs_reboot", Reboot, str(nic), answer)

    def diagnose(self, nic: Nic, host: HostReader) -> tuple[Finding, ...]:
        """Findings of owner and base."""
        return self._gather("diagnose", Finding, str(nic), nic=nic, host=host)

    def _call(self, hook: str, where: str, **arguments: Any) -> Any:
        try:
            return self._hooks[hook](**arguments)
        except HostError:
            raise  # the machine's fault, and its text already says what to do
        except Exception as err:  # one of two places: a stranger's hook may raise anything
            text = f"plugin {self.info.name} failed in {hook} for {where}: {type(err).__name__}: {err}"
            raise DriverFailed(f"{text}. {self._maintainers}") from err

    def _gather(self, hook: str, kind: type[T], where: str, **arguments: Any) -> tuple[T, ...]:
        answers = self._call(hook, where, **arguments)
        return tuple(item for answer in answers for item in self._checked(hook, kind, where, answer))

    def _checked(self, hook: str, kind: type[T], where: str, answer: Any) -> tuple[T, ...]:
        items = () if answer is None else answer
        if isinstance(items, str) or not isinstance(items, Sequence) or not all(isinstance(i, kind) for i in items):
            raise self._nonsense(hook, where, answer)
        return tuple(items)

    def _nonsense(self, hook: str, where: str, answer: object) -> DriverFailed:
        return DriverFailed(f"plugin {self.info.name} answered {answer!r} in {hook} for {where}. {self._maintainers}")

    @property
    def _maintainers(self) -> str:
        return f"Report it to {', '.join(self.info.maintainers) or 'its maintainer'}"


def drivers(catalogue: Catalogue) -> dict[str, Driver]:
    """One `Driver` for each loaded plugin, by name."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in catalogue.loaded:
        manager.register(plugin.module, plugin.info.name)
    return {plugin.info.name: _driver(manager, catalogue.loaded, plugin) for plugin in catalogue.loaded}


def _driver(manager: pluggy.PluginManager, loaded: Sequence[Loaded], owner: Loaded) -> Driver:
    others = [plugin.module for plugin in loaded if plugin is not owner and not plugin.info.is_base]
    names = ("discover", "inspect", "check", "set_firmware", "needs_reboot", "diagnose", *_HOOK_OF_PHASE.values())
    return Driver(owner.info, {name: manager.subset_hook_caller(name, others) for name in names})
