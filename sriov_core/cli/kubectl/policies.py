"""``kubectl sriov policies``: every policy, or one with the nodes on which it is not in place."""

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import open_cluster, policy_named, read
from sriov_core.cli.kubectl.tables import show
from sriov_core.cli.screen import Session
from sriov_core.clusterview.general import general_findings
from sriov_core.clusterview.policies import detail_grid, policy_finding, policy_findings, policy_grid


@click.command("policies", short_help="which are in place, and why others are not")
@click.argument("name", required=False)
@cluster_options
@click.pass_obj
def verb(session: Session, where: Where, name: str | None) -> int:
    """Show a row for each policy; with NAME, a row for each node on which it is not in place, and why.

    Exit code: 0 no finding says fail, 2 some does, 1 error.
    """
    cluster = read(open_cluster(where), where, ("policies", "nodes"))
    if name is None:
        told = (*general_findings(cluster), *policy_findings(cluster))
        return show(session, {"policies": policy_grid(cluster)}, told)
    policy = policy_named(cluster, name)
    return show(session, {"not_in_place": detail_grid(policy)}, policy_finding(policy, cluster))
