"""What the firmware settings of a card mean for its functions: VFs to offer, and what each port speaks."""

from collections.abc import Iterator

from sriov_core.model.observed import LinkType
from sriov_core.testing import mstconfig
from sriov_core.testing.facts import CardFacts
from sriov_core.testing.tree import FunctionFacts, Tree


def ports(tree: Tree, card: CardFacts) -> Iterator[tuple[int, FunctionFacts]]:
    """The functions of a card by the number of their port, from 1, in the order of their addresses."""
    by_address = {function.address: function for function in tree.functions}
    for port, address in enumerate(sorted(card.functions), start=1):
        if address in by_address:
            yield port, by_address[address]


def offered_vfs(card: CardFacts) -> int | None:
    """How many VFs the firmware offers now, None where its settings do not say."""
    enabled, number = mstconfig.setting(card, "SRIOV_EN"), mstconfig.setting(card, "NUM_OF_VFS")
    if number is None or not number.isdigit():
        return None
    return 0 if enabled == "False(0)" else int(number)


def link_type(card: CardFacts, port: int) -> LinkType | None:
    """What the firmware has the port speak now, None where its settings do not say."""
    found = (mstconfig.setting(card, f"LINK_TYPE_P{port}") or "").partition("(")[0]
    return {"IB": LinkType.IB, "ETH": LinkType.ETH}.get(found)
