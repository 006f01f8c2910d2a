"""Grids, findings and stories as blocks of the screen. Pure."""

from collections.abc import Iterable, Iterator

import attrs

from sriov_core.cli.probeview import finding_blocks
from sriov_core.cli.screen import Block, Line, Table, Tone
from sriov_core.clusterview.finding import ClusterFinding
from sriov_core.clusterview.grid import Grid
from sriov_core.clusterview.story import Story


def grid_blocks(*grids: Grid) -> Iterator[Block]:
    """Each table below its title, with an empty line between them."""
    for number, grid in enumerate(grids):
        if number:
            yield Line()
        yield Line(grid.title, Tone.STRONG)
        yield Table(grid.columns, grid.shown()) if grid.rows else Line(f"  {grid.empty}")


def findings(every: Iterable[ClusterFinding]) -> Iterator[Block]:
    """As `probe` shows findings, with the object before the fact."""
    yield from finding_blocks(attrs.evolve(one, fact=f"{one.about}: {one.fact}") for one in every)


def story_blocks(story: Story) -> Iterator[Block]:
    """The chain, what is broken, what is warned of, and the evidence in detail."""
    yield from grid_blocks(story.grid())
    yield Line()
    told = (*((story.broken,) if story.broken else ()), *story.warnings)
    if not story.broken:
        yield Line(story.verdict, Tone.GOOD)
    if told:
        yield from findings(told)
    if story.grids:
        yield Line()
        yield from grid_blocks(*story.grids)
