"""Who uses a VF: between the words of a `HostReader` and the facts of a tree. Nothing here does I/O."""

import re
from collections.abc import Iterable, Iterator

from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import Function, LinkType
from sriov_core.plugin.reader import ELSEWHERE
from sriov_core.testing.infiniband import default_mtu, is_infiniband
from sriov_core.testing.tree import UNTOLD_NETNS, FunctionFacts, LinkFacts, Tree, VfFacts

_NAMED = "network namespace "
_LONGEST, _SHORT = 15, 10
"""Letters of a netdev's name (include/uapi/linux/if.h: IFNAMSIZ, less the final zero), and of an address in one."""


def in_words(netns: str) -> str:
    """What a reader says of a VF whose netdev is in that network namespace."""
    return ELSEWHERE if netns == UNTOLD_NETNS else f"{_NAMED}{netns}"


def netns_of(user: str | None) -> str | None:
    """The network namespace that a reader's words are about; None when they are about a process, or nobody."""
    if user == ELSEWHERE:
        return UNTOLD_NETNS
    return user.removeprefix(_NAMED) if user and user.startswith(_NAMED) else None


def can_be_held(facts: VfFacts | FunctionFacts) -> bool:
    """True for what a process can have open: under a userspace driver, or by its vDPA device (drivers/vhost/vdpa.c)."""
    if isinstance(facts, FunctionFacts):
        return facts.is_vf and facts.kernel_driver in USERSPACE_DRIVERS
    return facts.kernel_driver in USERSPACE_DRIVERS or facts.vdpa == "vhost"


def note(vf: VfFacts, user: str | None, pf: Function, netdev: str | None) -> None:
    """Write down who uses a VF, in place. ``netdev`` is the name of its PF's.

    What a netdev is called and how it is set in another network namespace cannot be seen; the name here is the one that
    the kernel would make, the address the one that the PF was told.
    """
    vf.holder = user if netns_of(user) is None and can_be_held(vf) else None
    if vf.link is None:
        vf.link = _elsewhere(user, _name(netdev, vf.index, pf), pf)
    if vf.link and vf.link.netns and not is_infiniband(pf):
        vf.link.mac = vf.admin_mac


def note_alone(function: FunctionFacts, user: str | None) -> None:
    """Write down who uses a VF that stands for itself, in place."""
    function.holder = user if netns_of(user) is None and can_be_held(function) else None
    if not function.links and (link := _elsewhere(user, _plain(function), function)):
        function.links = [link]


def _elsewhere(user: str | None, name: str, pf: Function | FunctionFacts) -> LinkFacts | None:
    netns = netns_of(user)
    if netns is None:
        return None
    link_type = LinkType.IB if is_infiniband(pf) else LinkType.ETH
    return LinkFacts(name=name, mtu=default_mtu(link_type), link_type=link_type, netns=netns)


def _name(netdev: str | None, index: int, pf: Function) -> str:
    """As the kernel makes it of the PF's netdev; never a part of that name, which may be one of a MAC (enx...)."""
    name = f"{netdev}v{index}"
    return name if netdev and len(name) <= _LONGEST else f"{_plain(pf)}v{index}"


def _plain(function: Function | FunctionFacts) -> str:
    return re.sub(r"[^0-9a-z]", "", str(function.address))[-_SHORT:]


def rename(tree: Tree) -> None:
    """Replace the names of network namespaces and processes, in place, by numbered ones; equal ones stay equal."""
    held = [facts for facts in _holding(tree) if facts.holder]
    elsewhere = [link for link in _links(tree) if link.netns and link.netns != UNTOLD_NETNS]
    processes = _numbered("process", (facts.holder for facts in held))
    namespaces = _numbered("netns", (link.netns for link in elsewhere))
    for facts in held:
        facts.holder = processes[facts.holder]
    for link in elsewhere:
        link.netns = namespaces[link.netns]


def _numbered(kind: str, found: Iterable[str | None]) -> dict[str | None, str]:
    return {name: f"{kind}-{number}" for number, name in enumerate(dict.fromkeys(found), start=1)}


def _holding(tree: Tree) -> Iterator[VfFacts | FunctionFacts]:
    for function in tree.functions:
        yield function
        yield from function.sriov.vfs if function.sriov else ()


def _links(tree: Tree) -> Iterator[LinkFacts]:
    for function in tree.functions:
        yield from function.links
        yield from (vf.link for vf in (function.sriov.vfs if function.sriov else ()) if vf.link)
