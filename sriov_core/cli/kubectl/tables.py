"""What commands with tables and findings have in common: show both, and answer with the exit code."""

from collections.abc import Iterable, Iterator, Mapping

from sriov_core.cli.kubectl.view import findings, grid_blocks
from sriov_core.cli.screen import Block, Line, Session
from sriov_core.clusterview.finding import ClusterFinding, failed, finding_data, worst_first
from sriov_core.clusterview.grid import Grid


def show(session: Session, grids: Mapping[str, Grid], told: Iterable[ClusterFinding]) -> int:
    """Print tables and findings; 2 when some finding says fail."""
    ordered = worst_first(told)

    def blocks() -> Iterator[Block]:
        yield from grid_blocks(*grids.values())
        yield Line()
        yield from findings(ordered)

    tables = {name: grid.data() for name, grid in grids.items()}
    session.show(blocks, lambda: {**tables, "findings": list(map(finding_data, ordered))})
    return 2 if failed(ordered) else 0
