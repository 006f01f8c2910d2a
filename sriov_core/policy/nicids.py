"""Which NICs are supported, and which device id their VFs have: the ConfigMap supported-nic-ids.

Vendor and device ids are four lower-case hex digits without 0x. Nothing here does I/O.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from sriov_core.api.fault import Fault, legible, shown

CONFIG_MAP = "supported-nic-ids"

_PCI_ID = re.compile(r"[0-9a-f]{4}")


@attrs.frozen(order=True)
class NicId:
    """One model: the PCI vendor, and the device ids of its PF and of its VFs."""

    vendor: str
    pf: str
    vf: str

    def __str__(self) -> str:
        return f"{self.vendor} {self.pf} {self.vf}"


def _in_order(models: Iterable[NicId]) -> tuple[NicId, ...]:
    return tuple(sorted(set(models)))


@attrs.frozen
class NicIds:
    """The table, sorted and without repetition; its order says nothing."""

    models: tuple[NicId, ...] = attrs.field(default=(), converter=_in_order)
    _vfs: Mapping[tuple[str, str], str | None] = attrs.field(init=False, eq=False, repr=False)

    @_vfs.default
    def _indexed(self) -> dict[tuple[str, str], str | None]:
        """The VF id for (vendor, PF id) and, under an empty vendor, for a PF id alone; None where there are several."""
        found: dict[tuple[str, str], str | None] = {}
        for model in self.models:
            for key in ((model.vendor, model.pf), ("", model.pf)):
                found[key] = model.vf if found.get(key, model.vf) == model.vf else None
        return found

    def has_vendor(self, vendor: str) -> bool:
        """True when some model is by that vendor."""
        return any(model.vendor == vendor for model in self.models)

    def has_device(self, pf: str) -> bool:
        """True when some model, by whatever vendor, has that PF id."""
        return ("", pf) in self._vfs

    def has_model(self, vendor: str, pf: str) -> bool:
        """True when that vendor has a model with that PF id."""
        return bool(vendor) and (vendor, pf) in self._vfs

    def has_vf(self, vendor: str, vf: str) -> bool:
        """True when that vendor has a model whose VFs have that id."""
        return any(model.vendor == vendor and model.vf == vf for model in self.models)

    def vf_id(self, vendor: str, pf: str) -> str | None:
        """The device id of the VFs of a PF; None when it is not known or not certain.

        An empty ``vendor`` stands for "not known": then the PF id alone decides, if all vendors that use it agree.
        """
        return self._vfs.get((vendor, pf))


def parse(data: Mapping[str, str]) -> tuple[NicIds, tuple[Fault, ...]]:
    """The table in the ConfigMap's data, ``vendor pf vf`` under keys of any name, and what is wrong with it.

    A value that cannot be read is left out. Hex of either case is read.
    """
    models: list[NicId] = []
    faults: list[Fault] = []
    for key, value in sorted(data.items()):
        words = value.lower().split()
        if len(words) == 3 and all(_PCI_ID.fullmatch(word) for word in words):
            models.append(NicId(*words))
        else:
            text = f"found {shown(value)}, wanted the ids of vendor, PF and VF, four hex digits each"
            faults.append(Fault(f"data[{legible(key)}]", text, "Write it as in 8086 158b 154c; `lspci -n` shows them"))
    table = NicIds(tuple(models))
    return table, (*faults, *_contradictions(table))


def _contradictions(table: NicIds) -> Iterator[Fault]:
    for vendor, pf in sorted({(model.vendor, model.pf) for model in table.models}):
        vfs = [model.vf for model in table.models if (model.vendor, model.pf) == (vendor, pf)]
        if len(vfs) > 1:
            text = f"the VFs of {vendor}:{pf} have several ids: {', '.join(vfs)}; none of them is used"
            yield Fault("data", text, "Keep the one that `lspci -n` shows")


def _listed(vendor: str, vf: str, pfs: str) -> tuple[NicId, ...]:
    return tuple(NicId(vendor, pf, vf) for pf in pfs.split())


DEFAULT = NicIds(
    (
        *_listed("1077", "1664", "1654"),
        *_listed("14e4", "16dc", "16d7"),
        *_listed("14e4", "1806", "1750"),
        *_listed("15b3", "1014", "1013"),
        *_listed("15b3", "1016", "1015"),
        *_listed("15b3", "1018", "1017"),
        *_listed("15b3", "101a", "1019"),
        *_listed("15b3", "101c", "101b"),
        *_listed("15b3", "101e", "101d 101f 1021 1023 1025 a2d6 a2dc"),
        *_listed("177d", "b103", "b100"),
        *_listed("177d", "b203", "b200"),
        *_listed("177d", "b603", "b600"),
        *_listed("177d", "b903", "b900"),
        *_listed("177d", "ba03", "ba00"),
        *_listed("1af4", "1000", "1000"),
        *_listed("1af4", "1041", "1041"),
        *_listed("1d0f", "ec20", "ec20"),
        *_listed("8086", "10ca", "10c9"),
        *_listed("8086", "154c", "0d58 1572 1581 1583 1589 158a 158b 15ff"),
        *_listed("8086", "1565", "1563"),
        *_listed("8086", "1889", "1249 124a 124c 124d 12d2 12d3 1591 1592 1593 1599 159b 188a 579c 579d 579e"),
    )
)
"""What the SR-IOV network operator ships."""
