"""The answer to one "why": a chain of links up to the first that is broken, and what to do about that. No I/O."""

import enum
from typing import Any

import attrs

from sriov_core.clusterview.finding import ClusterFinding, finding_data
from sriov_core.clusterview.grid import Grid


class Holds(enum.StrEnum):
    """Whether a link of the chain holds; ``warn`` holds up nothing, ``?`` could not be looked at."""

    YES = "yes"
    NO = "NO"
    WARN = "warn"
    UNKNOWN = "?"


@attrs.frozen
class Link:
    """One link: what has to be so, and what was found."""

    what: str
    holds: Holds
    fact: str


@attrs.frozen(kw_only=True)
class Story:
    """``broken`` is the first link that does not hold, None when all hold; ``grids`` are its evidence in detail.

    ``warnings`` are of links before it.
    """

    title: str
    links: tuple[Link, ...] = ()
    broken: ClusterFinding | None = None
    warnings: tuple[ClusterFinding, ...] = ()
    verdict: str = ""
    grids: tuple[Grid, ...] = ()

    def grid(self) -> Grid:
        """The chain as a table."""
        rows = tuple((at, one.what, one.holds.value, one.fact) for at, one in enumerate(self.links, 1))
        columns = ("LINK", "WHAT HAS TO BE SO", "IS IT", "WHAT WAS FOUND")
        return Grid(title=self.title, columns=columns, rows=rows, longest=80, empty="no findings")

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "title": self.title,
            "links": [{"what": one.what, "holds": one.holds.value, "fact": one.fact} for one in self.links],
            "broken": finding_data(self.broken) if self.broken else None,
            "warnings": [finding_data(one) for one in self.warnings],
            "verdict": self.verdict,
            "details": {grid.title: grid.data() for grid in self.grids},
        }


@attrs.define
class Chain:
    """Collects links; `breaks` ends the chain."""

    title: str
    links: list[Link] = attrs.field(factory=list)
    warnings: list[ClusterFinding] = attrs.field(factory=list)

    def holds(self, what: str, fact: str) -> None:
        """One link more that holds."""
        self.links.append(Link(what, Holds.YES, fact))

    def unknown(self, what: str, why: str) -> None:
        """One that could not be looked at; the chain goes on."""
        self.links.append(Link(what, Holds.UNKNOWN, why))

    def warns(self, what: str, finding: ClusterFinding) -> None:
        """One that people should know of; the chain goes on."""
        self.links.append(Link(what, Holds.WARN, finding.fact))
        self.warnings.append(finding)

    def breaks(self, what: str, finding: ClusterFinding, *grids: Grid) -> Story:
        """The end: this link does not hold."""
        self.links.append(Link(what, Holds.NO, finding.fact))
        return self._story(broken=finding, grids=grids)

    def ends(self, verdict: str, *grids: Grid) -> Story:
        """The end: every link holds, as far as could be looked at."""
        blind = any(one.holds is Holds.UNKNOWN for one in self.links)
        said = f"{verdict}. Not every link could be looked at" if blind else verdict
        return self._story(verdict=said, grids=grids)

    def _story(self, *, broken: ClusterFinding | None = None, verdict: str = "", grids: tuple[Grid, ...] = ()) -> Story:
        links, warnings = tuple(self.links), tuple(self.warnings)
        return Story(title=self.title, links=links, broken=broken, warnings=warnings, verdict=verdict, grids=grids)
