"""Which pool a node belongs to, and how many nodes of a pool may be drained at once. Nothing here does I/O."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from sriov_core.api.fault import Fault, join, legible, shown
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.api.wire import LabelRequirement, LabelSelector
from sriov_core.errors import SpecError

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_LABEL_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DNS_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_KEY = re.compile(rf"((?=[^/]{{1,253}}/){_DNS_PART}(\.{_DNS_PART})*/)?{_LABEL_PART}")
_LABEL_VALUE = re.compile(rf"({_LABEL_PART})?")
_PERCENTAGE = re.compile(r"([0-9]{1,3})%")
_REMEDY = "Write a number of nodes, as in 2, or a percentage from 1% to 100%"


@attrs.frozen
class Membership:
    """The pools that select a node: none stands for the built-in one, several for a mistake with labels."""

    pools: tuple[PoolConfig, ...] = ()

    @property
    def is_ambiguous(self) -> bool:
        """True when several pools select the node, so that none of them can count."""
        return len(self.pools) > 1

    @property
    def pool(self) -> PoolConfig | None:
        """The one pool of the node; None for the built-in one and when several select it."""
        return self.pools[0] if len(self.pools) == 1 else None


def pool_of(labels: Mapping[str, str] | None, pools: Iterable[PoolConfig]) -> Membership:
    """The pools that select a node with these labels, by name; ``labels`` None stands for unknown ones: all select it.

    Pools for Open vSwitch offload have nodes of their own and are no drain pools. A selector that cannot be understood
    selects nothing.
    """
    found = [pool for pool in pools if not pool.spec.ovs_hardware_offload_config.name and _selects(pool, labels)]
    return Membership(tuple(sorted(found, key=lambda pool: pool.metadata.name)))


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """True when the labels meet every part of a well-formed selector; an empty one is met by all."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _meets(one, labels) for one in selector.match_expressions
    )


def selector_faults(selector: LabelSelector, path: str = "spec.nodeSelector") -> tuple[Fault, ...]:
    """What the API server would not take as a label selector."""
    return tuple(_selector_faults(selector, path))


def pool_faults(pool: PoolConfig) -> tuple[Fault, ...]:
    """What is wrong with the selector and the limit of a pool by themselves."""
    selector = pool.spec.node_selector
    found = list(selector_faults(selector)) if selector is not None else []
    try:
        max_unavailable(pool.spec.max_unavailable, 1)
    except SpecError as err:
        text, _, remedy = str(err).rpartition(". ")
        found.append(Fault("spec.maxUnavailable", f"invalid maxUnavailable: {text}", remedy))
    return tuple(found)


def max_unavailable(value: int | str | None, nodes: int) -> int | None:
    """How many of that many nodes may be drained at once; None is no limit. Percentages are rounded down.

    Raises SpecError for what is neither a number of nodes nor a percentage from 1% to 100%.
    """
    if value is None:
        return None
    if isinstance(value, int):
        if value < 0:
            raise SpecError(f"found {value}, wanted 0 or more nodes. {_REMEDY}")
        return value
    found = _PERCENTAGE.fullmatch(value)
    if not found or not 1 <= int(found[1]) <= 100:
        raise SpecError(f"found {shown(value)}, which is no percentage. {_REMEDY}")
    return int(found[1]) * nodes // 100


def stuck(value: int | str | None, nodes: int) -> str:
    """Why no node of such a pool will ever be drained; empty when some will. SpecError as `max_unavailable`."""
    if max_unavailable(value, nodes) != 0 or not nodes:
        return ""
    if value == 0:
        return "maxUnavailable is 0, so no node is ever drained: changes that need a drain wait for ever"
    return f"{value} of {nodes} nodes is less than one, so none is ever drained: write a number, or a larger percentage"


def _selects(pool: PoolConfig, labels: Mapping[str, str] | None) -> bool:
    selector = pool.spec.node_selector
    if selector is None or labels is None:
        return True
    return not selector_faults(selector) and matches(selector, labels)


def _meets(one: LabelRequirement, labels: Mapping[str, str]) -> bool:
    match one.operator:
        case "In":
            return labels.get(one.key) in one.values
        case "NotIn":
            return labels.get(one.key) not in one.values
        case "Exists":
            return one.key in labels
        case "DoesNotExist":
            return one.key not in labels
        case _:
            return False


def _selector_faults(selector: LabelSelector, path: str) -> Iterator[Fault]:
    for key, value in selector.match_labels.items():
        yield from _label_faults(key, (value,), join(path, f"matchLabels[{legible(key)}]"))
    for position, one in enumerate(selector.match_expressions):
        place = join(path, f"matchExpressions[{position}]")
        yield from _label_faults(one.key, one.values, place)
        if one.operator not in _OPERATORS:
            text = f"found {shown(one.operator)}, wanted one of {', '.join(_OPERATORS)}"
            yield Fault(f"{place}.operator", text, "Write one of them")
        elif one.operator in {"In", "NotIn"} and not one.values:
            yield Fault(f"{place}.values", f"{one.operator} needs at least one value", "List the values")
        elif one.operator in {"Exists", "DoesNotExist"} and one.values:
            yield Fault(f"{place}.values", f"{one.operator} takes no values", "Remove them, or write In or NotIn")


def _label_faults(key: str, values: Sequence[str], path: str) -> Iterator[Fault]:
    if not _LABEL_KEY.fullmatch(key):
        yield Fault(path, f"{shown(key)} is no label", "Write it as in example.com/zone")
    for value in values:
        if not _LABEL_VALUE.fullmatch(value):
            remedy = "Use up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
            yield Fault(path, f"{shown(value)} is no value of a label", remedy)
