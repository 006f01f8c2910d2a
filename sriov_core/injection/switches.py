"""The ConfigMap ``nri-control-switches`` to a value; a mistake costs the part it is in. Nothing here does I/O.

Its key ``config.json`` holds ``{"features": {name: bool}, "user-defined-injections": {label key: {"op": "add", "path":
"/metadata/annotations", "value": {annotation: text}}}}``.
"""

from typing import Any

import attrs

from sriov_core.api.fault import Fault, legible
from sriov_core.api.shape import described, meant
from sriov_core.injection.fields import Refused, mapping, parsed, refusal, text

CONFIG_MAP = "nri-control-switches"
CONFIG_KEY = "config.json"

_PATH = f"data[{CONFIG_KEY}]"
_FEATURES = "features"
_INJECTIONS = "user-defined-injections"
_FIELDS = {"enableHugePageDownApi": "hugepages", "enableHonorExistingResources": "honor_existing"}
_ANNOTATIONS = "/metadata/annotations"


@attrs.frozen(kw_only=True)
class UserInjection:
    """The ``annotations`` that a pod gets whose label ``label`` is true."""

    label: str
    annotations: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Switches:
    """How pods are injected.

    ``hugepages`` shows the hugepages of containers in the volume podnetinfo; ``honor_existing`` adds to the resources
    that the first container asks for already, instead of leaving them as they are. ``injections`` go by label key.
    ``faults`` are the mistakes of the ConfigMap.
    """

    hugepages: bool = False
    honor_existing: bool = False
    injections: tuple[UserInjection, ...] = ()
    faults: tuple[Fault, ...] = ()


PLAIN = Switches()
"""Every feature off, as without a ConfigMap."""


def read_switches(config_map: Any, defaults: Switches = PLAIN) -> Switches:
    """The switches of the ConfigMap as parsed from JSON; ``defaults`` when there is none (None).

    A feature that is not named, or is no truth value, is as in ``defaults``; an injection with a mistake is left out.
    """
    if config_map is None:
        return defaults
    try:
        data = mapping(mapping(config_map, "").get("data"), "data")
        if CONFIG_KEY not in data:
            raise refusal(_PATH, "the key is missing", f'Add it: {{"{_FEATURES}": {{}}}}')
        config = mapping(parsed(text(data[CONFIG_KEY], _PATH), _PATH), _PATH)
    except Refused as err:
        return attrs.evolve(defaults, faults=(err.fault,))
    faults = [_unknown(_PATH, name, (_FEATURES, _INJECTIONS)) for name in config.keys() - {_FEATURES, _INJECTIONS}]
    features = _features(config.get(_FEATURES), faults)
    injections = _injections(config[_INJECTIONS], faults) if _INJECTIONS in config else defaults.injections
    found = sorted(faults, key=lambda fault: fault.path)
    return attrs.evolve(defaults, **features, injections=injections, faults=tuple(found))


def _features(value: Any, faults: list[Fault]) -> dict[str, bool]:
    """The fields of `Switches` that are given; mistakes go to ``faults``."""
    found = {}
    path = f"{_PATH}.{_FEATURES}"
    try:
        features = mapping(value, path)
    except Refused as err:
        faults.append(err.fault)
        return {}
    for name, state in features.items():
        if name not in _FIELDS:
            faults.append(_unknown(path, name, tuple(_FIELDS)))
        elif not isinstance(state, bool):
            remedy = "Write true or false, unquoted"
            faults.append(Fault(f"{path}.{name}", f"found {described(state)}, wanted true or false", remedy))
        else:
            found[_FIELDS[name]] = state
    return found


def _injections(value: Any, faults: list[Fault]) -> tuple[UserInjection, ...]:
    found = []
    try:
        injections = mapping(value, f"{_PATH}.{_INJECTIONS}")
    except Refused as err:
        faults.append(err.fault)
        return ()
    for label, entry in sorted(injections.items()):
        try:
            found.append(_injection(label, entry, f"{_PATH}.{_INJECTIONS}[{legible(label)}]"))
        except Refused as err:
            faults.append(err.fault)
    return tuple(found)


def _injection(label: str, value: Any, path: str) -> UserInjection:
    """One user-defined injection; anything but adding annotations is refused."""
    entry = mapping(value, path)
    for field, wanted, found in (
        ("op", "add", entry.get("op", "add")),
        ("path", _ANNOTATIONS, entry.get("path")),
    ):
        if found != wanted:
            what = described(found)
            raise refusal(f"{path}.{field}", f"found {what}, wanted {wanted}", "Only annotations can be added")
    annotations = mapping(entry.get("value"), f"{path}.value")
    pairs = ((key, text(item, f"{path}.value[{legible(key)}]")) for key, item in annotations.items())
    return UserInjection(label=label, annotations=tuple(pairs))


def _unknown(path: str, name: str, allowed: tuple[str, ...]) -> Fault:
    return Fault(f"{path}.{legible(name)}", "unknown field", meant(name, allowed))
