"""``kubectl sriov status``: the cluster on one screen."""

from collections.abc import Iterator
from typing import Any

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import open_cluster, read
from sriov_core.cli.kubectl.view import findings, grid_blocks
from sriov_core.cli.screen import Block, Line, Session, Tone
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.drains import drain_grid, pool_grid
from sriov_core.clusterview.finding import failed, finding_data
from sriov_core.clusterview.general import configuration
from sriov_core.clusterview.grid import Grid
from sriov_core.clusterview.nodes import node_grid
from sriov_core.clusterview.overview import every_finding, summary
from sriov_core.clusterview.policies import policy_grid

_PARTS = ("policies", "states", "pools", "nodes", "own_pods", "networks", "attachments")


@click.command("status", short_help="the cluster on one screen, what is wrong first")
@cluster_options
@click.pass_obj
def verb(session: Session, where: Where) -> int:
    """Show configuration, nodes, policies, drains and pools, after what is wrong with any of them.

    Exit code: 0 no finding says fail, 2 some does, 1 error.
    """
    cluster = read(open_cluster(where), where, _PARTS)
    session.show(lambda: blocks(cluster), lambda: data(cluster))
    return 2 if failed(every_finding(cluster)) else 0


def blocks(cluster: Cluster) -> Iterator[Block]:
    """For people."""
    yield Line(f"SR-IOV, operator in namespace {cluster.namespace}", Tone.STRONG)
    yield from map(Line, summary(cluster))
    yield Line()
    yield from findings(every_finding(cluster))
    yield Line()
    yield from grid_blocks(*grids(cluster).values())


def data(cluster: Cluster) -> dict[str, Any]:
    """For programs; the keys are listed in docs/kubectl.md."""
    told = [finding_data(one) for one in every_finding(cluster)]
    tables = {name: grid.data() for name, grid in grids(cluster).items()}
    return {"namespace": cluster.namespace, "findings": told, **tables}


def grids(cluster: Cluster) -> dict[str, Grid]:
    """The tables by their keys."""
    return {
        "nodes": node_grid(cluster),
        "policies": policy_grid(cluster),
        "drains": drain_grid(cluster),
        "pools": pool_grid(cluster),
        "configuration": configuration(cluster),
    }
