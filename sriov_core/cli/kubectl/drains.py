"""``kubectl sriov drains``: who is drained, who waits, what holds it up, since when."""

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import open_cluster, read
from sriov_core.cli.kubectl.tables import show
from sriov_core.cli.screen import Session
from sriov_core.clusterview.drains import drain_findings, drain_grid, pool_grid
from sriov_core.clusterview.general import general_findings


@click.command("drains", short_help="who is drained, who waits, what holds it up")
@cluster_options
@click.pass_obj
def verb(session: Session, where: Where) -> int:
    """Show a row for each node that is drained or asks for it, and a row for each pool.

    Exit code: 0 no finding says fail, 2 some does, 1 error.
    """
    cluster = read(open_cluster(where), where, ("states", "pools", "nodes"))
    grids = {"drains": drain_grid(cluster), "pools": pool_grid(cluster)}
    return show(session, grids, (*general_findings(cluster), *drain_findings(cluster)))
