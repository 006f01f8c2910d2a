"""From entry points to loaded plugins; one broken plugin is reported and never stops the others."""

import inspect
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import attrs
import pluggy

from sriov_core.errors import PluginProblem
from sriov_core.plugin import hookspecs, version
from sriov_core.plugin.info import PluginInfo
from sriov_core.plugin.ownership import Refused

GROUP = "sriov_core.plugins"


@attrs.frozen(kw_only=True)
class Loaded:
    """A plugin that can serve: its module, what it says of itself, and the distribution it came in."""

    info: PluginInfo
    module: ModuleType
    distribution: str
    hooks: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Catalogue:
    """Everything installed under the entry-point group, in name order: what serves and what is refused, with why."""

    loaded: tuple[Loaded, ...]
    refused: tuple[Refused, ...]
    disabled: tuple[str, ...] = ()

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """What the loaded plugins say of themselves."""
        return tuple(plugin.info for plugin in self.loaded)


def load(disabled: Iterable[str] = (), points: Iterable[EntryPoint] | None = None) -> Catalogue:
    """Load every plugin of the group except the disabled ones. Never raises for a plugin's fault."""
    found = sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: (point.name, point.value))
    switched_off = frozenset(disabled)
    loaded: list[Loaded] = []
    refused: list[Refused] = []
    for point in found:
        if point.name in switched_off:
            continue
        outcome = _load_one(point)
        if isinstance(outcome, Loaded) and any(other.info.name == outcome.info.name for other in loaded):
            rivals = [other.distribution for other in loaded if other.info.name == outcome.info.name]
            reason = f"the name {outcome.info.name} is already taken by {', '.join(rivals)}; uninstall one of the two"
            outcome = Refused(name=point.name, reason=reason, distribution=outcome.distribution, info=outcome.info)
        if isinstance(outcome, Loaded):
            loaded.append(outcome)
        else:
            refused.append(outcome)
    return Catalogue(loaded=tuple(loaded), refused=tuple(refused), disabled=tuple(sorted(switched_off)))


def _load_one(point: EntryPoint) -> Loaded | Refused:
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown distribution"
    info: PluginInfo | None = None
    try:
        module = point.load()
        info = _describe(point, module)
        if reason := version.refusal(info.name, info.api):
            return Refused(name=point.name, reason=reason, distribution=distribution, info=info)
        return Loaded(info=info, module=module, distribution=distribution, hooks=validate(module))
    except Exception as err:  # noqa: BLE001  # one of two places: a stranger's module may raise anything
        reason = str(err) if isinstance(err, PluginProblem) else f"{type(err).__name__}: {err}"
        return Refused(name=point.name, reason=reason, distribution=distribution, info=info)


def _describe(point: EntryPoint, module: object) -> PluginInfo:
    if not isinstance(module, ModuleType):
        raise PluginProblem(f"{point.value} is no module; name the module itself in the entry point")
    function = getattr(module, "describe", None)
    if function is None:
        raise PluginProblem(f"{point.value} has no describe(); see plugins.md")
    info = function()
    if not isinstance(info, PluginInfo):
        raise PluginProblem(f"describe() of {point.value} returned {type(info).__name__}, not PluginInfo")
    return info


def validate(module: ModuleType) -> tuple[str, ...]:
    """The names of the hooks that a module implements. PluginProblem when one is misspelled or malformed."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module)
        manager.check_pending()
    except pluggy.PluginValidationError as err:
        raise PluginProblem(str(err).replace("\n", " ")) from err
    callers = manager.get_hookcallers(module) or []
    for caller in callers:
        for implementation in caller.get_hookimpls():
            _refuse_contract_breaches(caller.name, implementation)
    return tuple(sorted(caller.name for caller in callers))


def _refuse_contract_breaches(hook: str, implementation: pluggy.HookImpl) -> None:
    # pluggy 1.6 never passes an argument that has a default, and lets specname escape the owner/base chain.
    if implementation.kwargnames:
        raise PluginProblem(f"{hook}: arguments must have no defaults (found {', '.join(implementation.kwargnames)})")
    if implementation.tryfirst or implementation.hookwrapper or implementation.function.__name__ != hook:
        raise PluginProblem(f"{hook}: specname, tryfirst and old-style hookwrapper are not part of the contract")
    if inspect.iscoroutinefunction(implementation.function):
        raise PluginProblem(f"{hook}: hooks are plain functions, not coroutines")
