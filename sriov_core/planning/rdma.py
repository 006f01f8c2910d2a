"""Whether network namespaces share the RDMA devices: at run time where the kernel lets us, else at the next boot. Pure.

The kernel changes the mode only while no network namespace but its first exists (drivers/infiniband/core/device.c:
rdma_compatdev_set), which on a node with containers is hardly ever; the option of ib_core holds over a boot.
"""

from collections.abc import Iterator, Set

from sriov_core.model import predecessor
from sriov_core.model.desired import NodeSpec
from sriov_core.model.nodesteps import SetRdmaMode, WriteFile
from sriov_core.model.observed import Node
from sriov_core.model.plan import Problem, Reboot
from sriov_core.model.step import Step
from sriov_core.planning.node import NodePlan

OPTIONS_PATH = "/etc/modprobe.d/sriov-core.conf"
OPTIONS_PATHS = frozenset({OPTIONS_PATH, predecessor.RDMA_OPTIONS})
REQUIREMENT = "rdma-mode-"
"""How the requirement of its reboot begins; the wished mode follows."""
_NETNS_MODE = {"shared": 1, "exclusive": 0}
"""The module parameter netns_mode of ib_core."""


def mode(node: Node, spec: NodeSpec, spent: Set[str]) -> NodePlan:
    """How the node comes to the wished mode, or back to the one it had before the first wish."""
    if spec.rdma_mode:
        return _wished(node, spec.rdma_mode, spent)
    return NodePlan(steps=tuple(_given_back(node, spec.restore_rdma_mode))) if spec.restore_rdma_mode else NodePlan()


def _given_back(node: Node, before: str) -> Iterator[Step]:
    if node.rdma_mode not in (None, before) and not node.other_net_namespaces:
        # With other namespaces it comes back with the next boot; nobody is asked to reboot for what is given back.
        yield SetRdmaMode(was=node.rdma_mode, mode=before)
    for path in sorted(OPTIONS_PATHS.intersection(node.files)):
        yield WriteFile(path=path, content=None)


def _wished(node: Node, wished: str, spent: Set[str]) -> NodePlan:
    if wished not in _NETNS_MODE:
        text = f"RDMA mode {wished!r} is wanted, and there are {' and '.join(_NETNS_MODE)}"
        return NodePlan(problems=(Problem(code="rdma-mode", text=text, remedy="Correct rdmaMode"),))
    content = _options(wished)
    steps: tuple[Step, ...] = ()
    if node.files.get(OPTIONS_PATH) != content:
        steps = (WriteFile(path=OPTIONS_PATH, content=content),)
    theirs = node.files.get(predecessor.RDMA_OPTIONS)
    if theirs is not None and f"netns_mode={_NETNS_MODE[wished]}" not in theirs:
        steps = (*steps, WriteFile(path=predecessor.RDMA_OPTIONS, content=None))
    if node.rdma_mode in (None, wished):  # without an RDMA subsystem the option waits for it
        return NodePlan(steps=steps)
    if not node.other_net_namespaces:
        return NodePlan(steps=(*steps, SetRdmaMode(was=node.rdma_mode, mode=wished)))
    requirement = f"{REQUIREMENT}{wished}"
    if requirement in spent:
        text = f"RDMA mode {wished} is wanted, and a reboot with {OPTIONS_PATH} left it {node.rdma_mode}"
        remedy = (
            "Probably ib_core is loaded from the initramfs: rebuild that (update-initramfs -u, dracut -f), or boot "
            f"with ib_core.netns_mode={_NETNS_MODE[wished]}"
        )
        return NodePlan(problems=(Problem(code="rdma-mode", text=text, remedy=remedy),))
    reason = (
        f"RDMA mode {wished}: the kernel changes it only while no other network namespace exists "
        f"({node.other_net_namespaces} do); the option of ib_core takes effect at boot"
    )
    return NodePlan(steps=steps, reboots=(Reboot(requirement=requirement, reason=reason),))


def _options(wished: str) -> str:
    return f"# Written by sriov-core.\noptions ib_core netns_mode={_NETNS_MODE[wished]}\n"
