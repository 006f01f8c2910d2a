"""``kubectl sriov nodes``: every node, or one with its NICs."""

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import open_cluster, read
from sriov_core.cli.kubectl.tables import show
from sriov_core.cli.screen import Session
from sriov_core.clusterview.general import general_findings
from sriov_core.clusterview.nodes import nic_grid, node_findings, node_grid, state_findings
from sriov_core.errors import HostError

_PARTS = ("states", "nodes", "own_pods")


@click.command("nodes", short_help="are nodes as they are wished; NICs and VFs of one")
@click.argument("name", required=False)
@cluster_options
@click.pass_obj
def verb(session: Session, where: Where, name: str | None) -> int:
    """Show a row for each node, those with trouble first; with NAME, a row for each of its NICs.

    Exit code: 0 no finding says fail, 2 some does, 1 error.
    """
    cluster = read(open_cluster(where), where, _PARTS)
    if name is None:
        told = (*general_findings(cluster), *node_findings(cluster))
        return show(session, {"nodes": node_grid(cluster)}, told)
    state = cluster.state(name)
    if state is None:
        text = f"there is no SriovNetworkNodeState {name} in namespace {cluster.namespace}"
        raise HostError(f"{text}. `kubectl sriov explain node {name}` says why")
    return show(session, {"nics": nic_grid(state)}, state_findings(cluster, state))
