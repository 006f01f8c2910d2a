"""What the rules find, and the decision that follows. Nothing here does I/O."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from sriov_core.api.fault import Fault, legible

_MOST_NAMED = 3


@attrs.frozen
class Finding:
    """What one rule has to say; it ``denies`` the object, or is a warning."""

    fault: Fault
    denies: bool = True


@attrs.frozen(kw_only=True)
class Decision:
    """The answer: why the object is denied, if it is, and what is worth a warning in any case."""

    reasons: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """True when nothing speaks against the object."""
        return not self.reasons

    @property
    def message(self) -> str:
        """All reasons in one text."""
        return "; ".join(map(str, self.reasons))


def denied(path: str, text: str, remedy: str) -> Finding:
    """A finding that keeps the object out."""
    return Finding(Fault(path, text, remedy))


def warned(path: str, text: str, remedy: str) -> Finding:
    """A finding that keeps nothing out."""
    return Finding(Fault(path, text, remedy), denies=False)


def decide(findings: Iterable[Finding]) -> Decision:
    """The decision; what is found several times is told once."""
    once = tuple(dict.fromkeys(findings))
    return Decision(
        reasons=tuple(finding.fault for finding in once if finding.denies),
        warnings=tuple(str(finding.fault) for finding in once if not finding.denies),
    )


def on_nodes(found: Mapping[Finding, Sequence[str]]) -> tuple[Finding, ...]:
    """The findings, each with the nodes that it is about added to its text."""
    return tuple(
        attrs.evolve(finding, fault=attrs.evolve(finding.fault, text=f"{finding.fault.text}, on {named(nodes)}"))
        for finding, nodes in found.items()
    )


def named(nodes: Sequence[str]) -> str:
    """The first few of some nodes, by name, and how many more there are."""
    first = ", ".join(legible(node) for node in sorted(nodes)[:_MOST_NAMED])
    more = f" and {len(nodes) - _MOST_NAMED} more" if len(nodes) > _MOST_NAMED else ""
    return f"node{'s' if len(nodes) > 1 else ''} {first}{more}"
