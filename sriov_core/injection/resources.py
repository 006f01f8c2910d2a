"""The devices of networks as requests and limits of the first container. Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sriov_core.api.fault import legible, shown
from sriov_core.injection.fields import mapping, refusal
from sriov_core.injection.patch import Change, Operation, add
from sriov_core.injection.quantity import amount

_KINDS = ("requests", "limits")
_FIRST = ("spec", "containers", 0, "resources")


def resource_change(
    containers: Sequence[Mapping[str, Any]], counts: Mapping[str, int], *, honor_existing: bool
) -> Change:
    """Ask for ``counts`` devices in the first of the containers, of which there is at least one.

    With ``honor_existing`` they come on top of what that container asks for; without, a resource that any container
    names is left as it is, with a warning. Raises Refused for resources of a wrong shape.
    """
    named = [resources_of(container, position) for position, container in enumerate(containers)]
    if honor_existing:
        values = [_sums(named[0], resource, count) for resource, count in counts.items()]
        return Change((*_missing(containers[0]), *(one for value in values for one in value)))
    operations, warnings = [*_missing(containers[0])], []
    for resource, count in counts.items():
        holders = [position for position, kinds in enumerate(named) if any(resource in kinds[kind] for kind in _KINDS)]
        if holders:
            where = f"spec.containers[{holders[0]}] names that resource already, and its amount is kept"
            warnings.append(f"the networks need {count} of {legible(resource)}, which is not added: {where}")
        else:
            operations.extend(_set(resource, kind, count) for kind in _KINDS)
    return Change(tuple(operations), tuple(warnings))


def resources_of(container: Mapping[str, Any], position: int) -> dict[str, Mapping[str, Any]]:
    """The requests and the limits of a container; each is empty when it is left out."""
    path = f"spec.containers[{position}].resources"
    resources = mapping(container.get("resources"), path)
    return {kind: mapping(resources.get(kind), f"{path}.{kind}") for kind in _KINDS}


def _missing(container: Mapping[str, Any]) -> Iterator[Operation]:
    """What must be there before an amount can be added."""
    resources = container.get("resources")
    if resources is None:
        yield add({}, *_FIRST)
    for kind in _KINDS:
        if resources is None or resources.get(kind) is None:
            yield add({}, *_FIRST, kind)


def _sums(named: Mapping[str, Mapping[str, Any]], resource: str, count: int) -> Iterator[Operation]:
    # The API server takes the limit for a request that is left out; the two of a device must be equal.
    own = {"limits": named["limits"].get(resource, 0)}
    own["requests"] = named["requests"].get(resource, own["limits"])
    for kind in _KINDS:
        path = f"spec.containers[0].resources.{kind}[{legible(resource)}]"
        total = amount(own[kind], path) + count
        if total.denominator != 1:
            raise refusal(path, f"found {shown(own[kind])}, wanted whole devices", "Write a whole number")
        yield _set(resource, kind, total.numerator)


def _set(resource: str, kind: str, count: int) -> Operation:
    return add(str(count), *_FIRST, kind, resource)
