"""Why a pod is Pending: from the networks that it names to free VFs on a node, up to the first broken link. No I/O."""

import difflib

import attrs

from sriov_core.api import keys
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.operatorconfig import NAME
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import config_of
from sriov_core.clusterview.networks import attachment_of, target
from sriov_core.clusterview.objects import Pod
from sriov_core.clusterview.placing import place
from sriov_core.clusterview.policies import policy_finding
from sriov_core.clusterview.scheduling import asked_for
from sriov_core.clusterview.story import Chain, Story
from sriov_core.errors import SpecError
from sriov_core.injection import networks as named
from sriov_core.plugin.diagnosis import Severity

_WAITS_FOR = "networks named"
_HAS = "networks exist"
_ASKS = "devices asked for"
_OFFERED = "policies offer them"
_NOT_OURS = "nothing of SR-IOV keeps it Pending"


@attrs.define
class _Look:
    """The pod, the cluster, and the chain so far."""

    pod: Pod
    cluster: Cluster
    chain: Chain
    about: str

    def fails(self, code: str, what: str, fact: str, remedy: str, *evidence: str) -> Story:
        return self.chain.breaks(what, found(code, Severity.FAIL, self.about, fact, remedy, *evidence))


def explain_pod(pod: Pod, cluster: Cluster) -> Story:
    """The chain for a pod; one that is not Pending is told so."""
    about = f"Pod {pod.key}"
    look = _Look(pod, cluster, Chain(f"why {pod.key} is Pending"), about)
    if pod.status.phase not in {"Pending", ""}:
        where = f" on node {pod.spec.node_name}" if pod.spec.node_name else ""
        return attrs.evolve(look.chain.ends(f"it is {pod.status.phase}{where}, not Pending"), title=about)
    if pod.spec.node_name:
        return _placed(look)
    wanted = _networks(look)
    if isinstance(wanted, Story):
        return wanted
    return _asked(look, wanted)


def _placed(look: _Look) -> Story:
    pod = look.pod
    look.chain.holds("a node was found", f"node {pod.spec.node_name}")
    fact = f"its containers have not started: {pod.waits_because or 'the kubelet has not said why'}"
    remedy = (
        f"kubectl describe pod {pod.metadata.name} -n {pod.metadata.namespace}: its events have the error of the CNI"
    )
    return look.fails("POD-472", "containers started", fact, remedy, "status.containerStatuses[].state.waiting")


def _networks(look: _Look) -> dict[str, int] | Story:
    """Devices that the pod's networks want, by resource; or the end of the chain."""
    meta, wanted = look.pod.metadata, dict[str, int]()
    try:
        every = named.networks(meta.annotations.get(named.NETWORKS, ""), named.NETWORKS)
        default = named.default_network(meta.annotations.get(named.DEFAULT_NETWORK, ""), named.DEFAULT_NETWORK)
    except SpecError as err:
        remedy = "Correct the annotation, in the pod's owner if it has one"
        return look.fails("POD-461", _WAITS_FOR, str(err), remedy, f"metadata.annotations[{named.NETWORKS}]")
    networks = [*([default] if default else []), *every]
    keys_of = [(one.namespace or meta.namespace, one.name) for one in networks]
    look.chain.holds(_WAITS_FOR, ", ".join(map("/".join, keys_of)) or "none")
    if look.cluster.attachments.refused:
        look.chain.unknown(_HAS, look.cluster.attachments.refused)
        return wanted
    for namespace, name in keys_of:
        attachment = attachment_of(look.cluster, namespace, name)
        if attachment is None:
            return _missing(look, namespace, name)
        resource = attachment.metadata.annotations.get(keys.RESOURCE, "")
        if resource:
            wanted[resource] = wanted.get(resource, 0) + 1
    if networks:
        told = ", ".join(f"{number} {resource}" for resource, number in wanted.items()) or "no device"
        look.chain.holds(_HAS, f"they want {told}")
    return wanted


def _missing(look: _Look, namespace: str, name: str) -> Story:
    cluster, key = look.cluster, f"{namespace}/{name}"
    fact, seen = f"there is no NetworkAttachmentDefinition {key}", f"metadata.annotations[{named.NETWORKS}]"
    elsewhere = [one.metadata.namespace for one in cluster.attachments.items if one.metadata.name == name]
    made = next((one for one in cluster.networks.items if (target(one), one.metadata.name) == (namespace, name)), None)
    if made:
        remedy = f"{made.kind} {made.metadata.namespace}/{name} would make it: `kubectl sriov networks` says why not"
    elif elsewhere:
        remedy = f"There is one in namespace {elsewhere[0]}: write {elsewhere[0]}/{name} in the annotation"
    else:
        here = [one.metadata.name for one in cluster.attachments.items if one.metadata.namespace == namespace]
        near = difflib.get_close_matches(name, here, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Create a network with this name, or correct the annotation"
    return look.fails("POD-462", _HAS, fact, remedy, seen)


def _asked(look: _Look, wanted: dict[str, int]) -> Story:
    """From what the networks want to what the pod's containers ask for."""
    asks = asked_for(look.pod)
    for resource, number in wanted.items():
        if asks.get(resource, 0) < number:
            return _not_injected(look, resource, number, asks.get(resource, 0))
    offered = {one.spec.resource_name for one in look.cluster.policies.items}
    ours = {name: number for name, number in asks.items() if name in wanted or name.rpartition("/")[2] in offered}
    if not ours:
        if asks and not look.cluster.policies.refused:
            others = ", ".join(sorted(asks))
            look.chain.holds(_ASKS, f"none that a network wants or a policy offers; it asks for {others}")
        return look.chain.ends(_says(look.pod, _NOT_OURS))
    told = ", ".join(f"{number} {name}" for name, number in ours.items())
    look.chain.holds(_ASKS, told)
    return _offered(look, ours)


def _not_injected(look: _Look, resource: str, wanted: int, asked: int) -> Story:
    config = config_of(look.cluster)
    off = config is not None and not config.spec.enable_injector
    because = f"; the injector is off (SriovOperatorConfig {NAME}: spec.enableInjector)" if off else ""
    fact = f"its networks want {wanted} {resource}, its containers ask for {asked}{because}"
    first = "Switch the injector on" if off else "See whether the injector runs: `kubectl sriov status`"
    remedy = f"{first}, or write the request into the pod; then make the pod anew, since this one stays as it is"
    return look.fails("POD-463", _ASKS, fact, remedy, "spec.containers[].resources.requests")


def _offered(look: _Look, asks: dict[str, int]) -> Story:
    """From resources to the policies that offer them."""
    if look.cluster.policies.refused:
        look.chain.unknown(_OFFERED, look.cluster.policies.refused)
        return place(look.pod, asks, {}, look.cluster, look.chain)
    offers: dict[str, tuple[NodePolicy, ...]] = {}
    for resource in asks:
        short = resource.rpartition("/")[2]
        offers[resource] = tuple(one for one in look.cluster.policies.items if one.spec.resource_name == short)
        if not offers[resource]:
            return _unoffered(look, resource, short)
        if not any(_may_hold(one) for one in offers[resource]):
            return _in_vain(look, resource, offers[resource])
    names = sorted({one.metadata.name for every in offers.values() for one in every})
    look.chain.holds(_OFFERED, ", ".join(names))
    return place(look.pod, asks, offers, look.cluster, look.chain)


def _unoffered(look: _Look, resource: str, short: str) -> Story:
    every = sorted({one.spec.resource_name for one in look.cluster.policies.items})
    near = difflib.get_close_matches(short, every, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    fact = f"no policy in namespace {look.cluster.namespace} offers {resource}"
    wanted = f"Write a policy with resourceName {short} there (one in another namespace does not count)"
    remedy = f"{hint}{wanted}, or correct resourceName of the network"
    return look.fails("POD-464", _OFFERED, fact, remedy, "SriovNetworkNodePolicy: spec.resourceName")


def _may_hold(policy: NodePolicy) -> bool:
    """False for a policy that says of itself that it is on no node; one without status may be."""
    stopped = {"Invalid", "NoNodeMatched", "NoNicMatched", "Displaced", "NoVfs", "Ignored", "NoConfiguration"}
    return not any(one.type == "Ready" and one.reason in stopped for one in policy.status.conditions)


def _in_vain(look: _Look, resource: str, policies: tuple[NodePolicy, ...]) -> Story:
    reasons: list[ClusterFinding] = [one for policy in policies for one in policy_finding(policy, look.cluster)]
    told = "; ".join(f"{one.about}: {one.fact}" for one in reasons)
    remedy = reasons[0].remedy if reasons else "Correct the policy"
    seen = tuple(f"{one.about}: status.conditions[Ready]" for one in reasons)
    return look.fails("POD-465", _OFFERED, f"{resource} is offered on no node: {told}", remedy, *seen)


def _says(pod: Pod, text: str) -> str:
    """With what the scheduler says, where it says something."""
    said = next((one.message for one in pod.status.conditions if one.type == "PodScheduled" and one.message), "")
    return f"{text}. The scheduler says: {' '.join(said.split())}" if said else text
