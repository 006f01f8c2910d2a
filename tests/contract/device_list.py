"""docs/devices.md, made from what the drivers that come with the core say of themselves (`describe`).

`python tests/contract/device_list.py` writes it anew.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import sriov_plugins
from sriov_core.plugin import Match, Model, PluginInfo, Tier

DOCUMENT = Path(__file__).parents[2] / "docs" / "devices.md"

_HEAD = """\
# Devices

Made from what the drivers say of themselves; `python tests/contract/device_list.py` writes this page anew.

Any PCI network function with SR-IOV works whose kernel driver makes VFs through `sriov_numvfs`, listed here or not: the
driver `generic` serves it as [plain](#tiers). What a driver knows beyond that, it knows of the cards below. What is
installed on a machine, third parties' drivers included, is shown by `sriov-core plugins`.

A capability is what a driver can do where card and kernel offer it: a wish for switchdev mode on a card without an
eswitch is refused before anything is changed.
"""

_TIERS = {
    Tier.PRODUCTION: "Somebody runs the card in production; the driver names model, firmware, kernel and date.",
    Tier.REAL_KERNEL: "The conformance kit passed on a real kernel that drives the device, in silicon or emulated.",
    Tier.SIMULATED: "The kit passes on a machine written down from kernel sources and vendors' documents: every state "
    "is reached from every state, with all that the kernel driver is known to refuse. Nobody reported a real card.",
    Tier.PLAIN: "Known are its ids and what the kernel does for every SR-IOV device. The kit did not run on this card.",
}


def drivers() -> tuple[PluginInfo, ...]:
    """The drivers that come with the core, by name."""
    modules = (
        importlib.import_module(f"sriov_plugins.{entry.name}") for entry in pkgutil.iter_modules(sriov_plugins.__path__)
    )
    return tuple(sorted((module.describe() for module in modules), key=lambda info: info.name))


def document(infos: Iterable[PluginInfo]) -> str:
    """The whole page. Models stand in the order in which their driver lists them."""
    listed = tuple(infos)
    return "\n".join((_HEAD, *_tiers(listed), *(line for info in listed for line in _driver(info))))


def _tiers(infos: Iterable[PluginInfo]) -> Iterator[str]:
    counts = Counter(model.tier for info in infos for model in info.models)
    yield "## Tiers\n"
    yield "How well a card is known to work; each tier includes those below it.\n"
    yield from _table(
        ("tier", "means", "entries"), ((f"**{tier}**", text, str(counts[tier])) for tier, text in _TIERS.items())
    )
    yield "How a card rises is told in [plugins.md](../plugins.md#tiers). Reports of real cards are welcome."
    yield ""


def _driver(info: PluginInfo) -> Iterator[str]:
    yield f"## {info.name}\n"
    yield f"- drives {'; '.join(map(_match, info.matches))}"
    yield f"- can do {', '.join(sorted(info.capabilities))}"
    if info.tested_on:
        yield f"- tested on {'; '.join(info.tested_on)}"
    yield ""
    columns = ("card", "PCI ids", "kernel driver", "plugin", "capabilities", "tier", "notes")
    yield from _table(columns, (_row(info, model) for model in info.models))


def _row(info: PluginInfo, model: Model) -> tuple[str, ...]:
    ids = " ".join(f"`{device}`" for device in model.devices)
    capabilities = ", ".join(sorted(info.capabilities))
    return (model.name, ids, f"`{model.kernel_driver}`", info.name, capabilities, model.tier, model.notes)


def _match(match: Match) -> str:
    fields = (
        ("vendor", match.vendor),
        ("device", match.device),
        ("subsystem", match.subsystem),
        ("kernel driver", match.kernel_driver),
        ("class", match.pci_class),
        ("platform", match.platform),
    )
    return ", ".join(f"{name} {value}" for name, value in fields if value is not None)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    DOCUMENT.write_text(document(drivers()))
