"""How long it takes to render a whole cluster, and to render it again after a change that reaches one node.

The peer renders every node again, as whoever keeps no index has to; the floor only encodes the results.
"""

import statistics
import time
from collections.abc import Iterator

import msgspec

from bench.figure import Figure
from bench.timing import median_s
from sriov_core.api.nodepolicy import NicSelector, NodePolicy, PolicySpec
from sriov_core.api.wire import ObjectMeta
from sriov_core.model.address import Address
from sriov_core.model.observed import LinkType, Nic
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.nodeoutcome import WORKER, NodeFacts

NODES, PFS, POLICIES, VFS = 5000, 8, 50, 64
SIZE = f"{NODES} nodes x {PFS} PFs x {POLICIES} policies that all select every node"
NODE = "node2500"
REPEATS = 5


def figures() -> Iterator[Figure]:
    """From nothing, with nodes that are equal and with nodes of which no two are; then a policy of one node changes."""
    yield _whole("render", f"{SIZE}, equal nodes, from nothing; floor: encoding the node states", Fleet(), alike=True)
    fleet = Fleet()
    whole = _whole("render-unlike", f"{SIZE}, no two nodes equal, from nothing; floor: encoding", fleet, alike=False)
    yield whole
    taken = [_change(fleet, last_vf) for last_vf in (1, 2, 1, 2, 1)]
    ratio = whole.value / statistics.median(taken)
    yield Figure(
        name="render-change",
        value=statistics.median(taken),
        unit="s",
        best=min(taken),
        peer=whole.value,
        limit=whole.value / 100,
        detail=f"one policy changes that reaches 1 of these {NODES} nodes; the peer renders all: {ratio:.0f} x longer",
    )


def _whole(name: str, detail: str, fleet: Fleet, *, alike: bool) -> Figure:
    """The seconds from policies and nodes to the outcome of each node."""
    nodes = [_facts(number, alike=alike) for number in range(NODES)]
    began = time.perf_counter()
    fleet.put_policies(_policy(f"policy{number}", {}, number) for number in range(POLICIES))
    for facts in nodes:
        fleet.put_node(facts)
    held = sum(len(wish.interfaces) for node in fleet.nodes if (wish := fleet.outcome(node).wish) is not None)
    seconds = time.perf_counter() - began
    if held != NODES * PFS:
        raise SystemExit(f"this rendering is not the one to measure: {held} PFs got VFs")
    floor = median_s(lambda: [msgspec.json.encode(fleet.outcome(node).wish) for node in fleet.nodes], REPEATS)
    return Figure(name=name, value=seconds, unit="s", floor=floor, detail=detail)


def _change(fleet: Fleet, last_vf: int) -> float:
    """The seconds from a changed policy to the new outcome of each node that it reaches, which is exactly one."""
    policy = _policy("one-node", {"kubernetes.io/hostname": NODE}, 3, vfs=f"0-{last_vf}", priority=10)
    began = time.perf_counter()
    reached = fleet.put_policies([policy])
    outcomes = [fleet.outcome(node) for node in reached]
    seconds = time.perf_counter() - began
    groups = [group for nic in outcomes[0].rendering.spec.nics for group in nic.groups]
    if reached != {NODE} or f"0-{last_vf}" not in {one.vf_range for one in groups if one.policy_name == "one-node"}:
        raise SystemExit("this change is not the one to measure")
    return seconds


def _policy(name: str, node_selector: dict[str, str], number: int, vfs: str = "", priority: int = 50) -> NodePolicy:
    """A policy for eight VFs of one PF, other ones for each number."""
    first = number // PFS * PFS
    entry = f"ens{number % PFS}f0#{vfs or f'{first}-{first + PFS - 1}'}"
    return NodePolicy(
        metadata=ObjectMeta(name=name, namespace="sriov-network-operator"),
        spec=PolicySpec(
            resource_name=name.replace("-", "_"),
            node_selector=node_selector,
            nic_selector=NicSelector(vendor="8086", device_id="1592", pf_names=(entry,)),
            num_vfs=VFS,
            priority=priority,
            device_type="vfio-pci",
        ),
    )


def _facts(node: int, *, alike: bool) -> NodeFacts:
    labels = {**WORKER, "kubernetes.io/hostname": f"node{node}"}
    nics = tuple(
        Nic(
            address=Address(f"{0 if alike else node:04x}:{0x10 + port:02x}:00.0"),
            vendor="8086",
            device="1592",
            kernel_driver="ice",
            name=f"ens{port}f0",
            link_type=LinkType.ETH,
            mac=f"02:00:{node >> 8:02x}:{node & 255:02x}:00:{port:02x}",
            mtu=1500,
            total_vfs=VFS,
        )
        for port in range(PFS)
    )
    return NodeFacts(name=f"node{node}", labels=labels, nics=nics)
