"""``kubectl sriov explain``: one "why", link by link, up to the first that is broken."""

import click

from sriov_core.cli.kubectl.options import Where, cluster_options
from sriov_core.cli.kubectl.reading import namespace_of, one, open_cluster, policy_named, read
from sriov_core.cli.kubectl.view import story_blocks
from sriov_core.cli.screen import Session
from sriov_core.clusterview.objectchains import explain_node, explain_policy
from sriov_core.clusterview.objects import Pod
from sriov_core.clusterview.podchain import explain_pod
from sriov_core.clusterview.story import Story
from sriov_core.errors import SpecError
from sriov_core.kube.resource import PODS

_OF_A_POD = ("attachments", "networks", "policies", "states", "nodes", "own_pods", "pods")


@click.group("explain", short_help="why is a pod Pending; a policy not in place; a node not as wished")
def verb() -> None:
    """Walk the chain from a wish to its effect, stop at the first broken link, and say what to do.

    Exit code: 0 no link is broken, 2 one is, 1 error.
    """


@verb.command("pod", short_help="why is it Pending")
@click.argument("name")
@click.option("-n", "--namespace", metavar="NAME", help="The pod's namespace; that of the context unless given.")
@cluster_options
@click.pass_obj
def pod(session: Session, where: Where, name: str, namespace: str | None) -> int:
    """From the networks that a pod names to free VFs on a node."""
    client, home = open_cluster(where), namespace or namespace_of(where)
    found = one(lambda: client.get(PODS, name, home, type=Pod), f"Pod {home}/{name}")
    return _told(session, explain_pod(found, read(client, where, _OF_A_POD)))


@verb.command("policy", short_help="why is it not in place")
@click.argument("name")
@cluster_options
@click.pass_obj
def policy(session: Session, where: Where, name: str) -> int:
    """From the operator's configuration to VFs on the nodes that a policy selects."""
    cluster = read(open_cluster(where), where, ("policies", "nodes", "states"))
    return _told(session, explain_policy(policy_named(cluster, name), cluster))


@verb.command("node", short_help="why is it not as it is wished")
@click.argument("name")
@cluster_options
@click.pass_obj
def node(session: Session, where: Where, name: str) -> int:
    """From the operator's configuration to resources that the kubelet offers."""
    cluster = read(open_cluster(where), where, ("states", "pools", "nodes", "own_pods"))
    story = explain_node(name, cluster)
    if story is None:
        refused = " that may be looked at" * bool(cluster.nodes.refused)
        raise SpecError(f"there is no Node {name}{refused}. `kubectl get nodes` lists them")
    return _told(session, story)


def _told(session: Session, story: Story) -> int:
    session.show(lambda: story_blocks(story), story.data)
    return 2 if story.broken else 0
