"""The wish in a ConfigMap of this node: NICs by name, what their VFs are for, and how many. Pure.

metadata:
  labels: {sriovnetwork.openshift.io/node-interfaces: worker-1}
data:
  interfaces: |
    - {name: ens1f0, type: vfio-pci, numVfs: 8}
    - {name: ens1f1, numVfs: 4, mtu: 9000, resourceName: fast}
"""

from collections.abc import Iterable, Mapping

import attrs
import msgspec

from sriov_core.agent.wish import Wish
from sriov_core.api import yamlvalues
from sriov_core.errors import SpecError
from sriov_core.kube.lean import LeanMeta
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.model.plan import Problem
from sriov_core.policy.wirevalues import word

KEY = "interfaces"
_EXAMPLE = f"data.{KEY} is a list as in - {{name: ens1f0, type: vfio-pci, numVfs: 8}}"


class SeenConfigMap(msgspec.Struct, frozen=True, kw_only=True):
    """A ConfigMap as the API server last showed it."""

    metadata: LeanMeta
    data: dict[str, str] = msgspec.field(default_factory=dict)


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    num_vfs: int
    type: str = DeviceType.NETDEVICE.value
    mtu: int = 0
    resource_name: str = ""


def of_config_maps(found: Iterable[SeenConfigMap], snapshot: Snapshot) -> Wish | None:
    """The wish in the node's ConfigMap, with names as the machine's NICs have them now; None when there is none.

    An alternative name and a PCI address are understood, too. While a NIC of the wish is not here, nothing is given
    back: it may be one that was configured under another name.
    """
    maps = tuple(found)
    if not maps:
        return None
    version = ", ".join(f"{one.metadata.uid}/{one.metadata.resource_version}" for one in maps)
    names = " and ".join(one.metadata.name for one in maps)
    whole = Wish(version=version, called=f"the wish of ConfigMap {names}")
    if len(maps) > 1:
        text = f"the ConfigMaps {names} are all labelled as the wish for this node"
        return attrs.evolve(whole, error=f"{text}. Leave the label on one of them")
    try:
        entries = _entries(maps[0])
    except SpecError as err:
        return attrs.evolve(whole, error=f"ConfigMap {names}: {err}")
    known = {name: nic for nic in snapshot.nics for name in (str(nic.address), nic.name, *nic.alt_names) if name}
    missing = tuple(_missing(entry.name, known) for entry in entries if entry.name not in known)
    nics = tuple(_nic(entry, known[entry.name]) for entry in entries if entry.name in known)
    twice = sorted({str(nic.address) for nic in nics if sum(nic.address == other.address for other in nics) > 1})
    if twice:
        return attrs.evolve(whole, error=f"ConfigMap {names}: {', '.join(twice)} is named twice. Leave one entry")
    return attrs.evolve(whole, spec=NodeSpec(nics=nics), release=not missing, problems=missing)


def _entries(found: SeenConfigMap) -> tuple[_Entry, ...]:
    text = found.data.get(KEY)
    if text is None:
        raise SpecError(f"it has no key {KEY}. {_EXAMPLE}")
    values = yamlvalues.load(text)
    if len(values) > 1:
        raise SpecError(f"data.{KEY} holds {len(values)} documents. Write one list. {_EXAMPLE}")
    try:
        entries = msgspec.convert(values[0] if values and values[0] is not None else [], tuple[_Entry, ...])
    except msgspec.ValidationError as err:
        raise SpecError(f"data.{KEY}: {err}. {_EXAMPLE}") from err
    for entry in entries:
        if word(entry.type, DeviceType) is None:
            raise SpecError(f"data.{KEY}: type {entry.type!r} of {entry.name} is none of {', '.join(DeviceType)}")
        if entry.num_vfs < 0 or entry.mtu < 0:
            raise SpecError(f"data.{KEY}: numVfs and mtu of {entry.name} cannot be below 0")
    return entries


def _nic(entry: _Entry, nic: Nic) -> NicSpec:
    group = VfGroup(
        first=0,
        last=entry.num_vfs - 1,
        device_type=word(entry.type, DeviceType) or DeviceType.NETDEVICE,
        mtu=entry.mtu or None,
        resource_name=entry.resource_name,
    )
    return NicSpec(
        address=nic.address,
        name=nic.name or entry.name,
        num_vfs=entry.num_vfs,
        mtu=entry.mtu or None,
        groups=(group,) if entry.num_vfs else (),
        named=True,
    )


def _missing(name: str, known: Mapping[str, Nic]) -> Problem:
    here = ", ".join(sorted({str(nic) for nic in known.values()})) or "none"
    text = f"this machine has no NIC {name}, and nothing is given back meanwhile"
    return Problem(code="no-such-nic", text=text, remedy=f"NICs here: {here}")
