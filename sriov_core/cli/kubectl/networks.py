"""``kubectl sriov networks``: networks, their attachments, and who offers their resources."""

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import open_cluster, read
from sriov_core.cli.kubectl.tables import show
from sriov_core.cli.screen import Session
from sriov_core.clusterview.general import general_findings
from sriov_core.clusterview.networks import network_findings, network_grid


@click.command("networks", short_help="attachments of networks, and who offers their resources")
@cluster_options
@click.pass_obj
def verb(session: Session, where: Where) -> int:
    """Show a row for each SriovNetwork, SriovIBNetwork and OVSNetwork of all namespaces.

    Exit code: 0 no finding says fail, 2 some does, 1 error.
    """
    cluster = read(open_cluster(where), where, ("networks", "attachments", "policies"))
    told = (*general_findings(cluster), *network_findings(cluster))
    return show(session, {"networks": network_grid(cluster)}, told)
