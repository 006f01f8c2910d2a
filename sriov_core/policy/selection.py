"""Which resource gets which device, by the device plugin's own rules, and what makes it refuse a config.

The rules are those of the SR-IOV network device plugin: a field takes a device when one of its entries agrees, all
fields must agree, and a device goes to the first resource that takes it. Nothing here does I/O.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from sriov_core.api.fault import Fault, shown
from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors
from sriov_core.model.observed import UNKNOWN, Unknown
from sriov_core.policy.pfitems import PfItem, parse_item
from sriov_core.policy.ranges import Malformed

Fact = str | Unknown

_RESOURCE_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_NET_DEVICE, _AUX_DEVICE = "netDevice", "auxNetDevice"
_DEVICE_TYPES = ("", _NET_DEVICE, "accelerator", _AUX_DEVICE)


@attrs.frozen(kw_only=True)
class PoolDevice:
    """A network function as the plugin sees it; an UNKNOWN fact agrees with every selector.

    ``index`` is that of a VF, -1 for a PF; ``pf_name`` and ``pf_address`` are a PF's own, and empty when there are
    none. ``link_type`` is ether or infiniband. An empty ``vdpa_type``, ``pkey``, ``ddp_profile`` or ``acpi_index``
    says that there is none.
    """

    address: Fact = UNKNOWN
    vendor: Fact = UNKNOWN
    device: Fact = UNKNOWN
    driver: Fact = UNKNOWN
    pf_name: str = ""
    pf_address: str = ""
    index: int = -1
    link_type: Fact = UNKNOWN
    ddp_profile: Fact = UNKNOWN
    acpi_index: Fact = UNKNOWN
    pkey: Fact = UNKNOWN
    is_rdma: bool | Unknown = UNKNOWN
    vdpa_type: Fact = UNKNOWN

    @property
    def function(self) -> tuple[str, int]:
        """What tells it from the node's other functions: its PF's address and its index."""
        return (self.pf_address, self.index)


_KIND = tuple(field.name for field in attrs.fields(PoolDevice) if field.name not in {"address", "index"})


@attrs.frozen
class Taken:
    """A device that a resource would get if the resource ``by`` did not come first."""

    device: PoolDevice
    by: str


@attrs.frozen(kw_only=True)
class Share:
    """What one resource gets, and what it would get too if it came first; both in the order of the devices."""

    resource: str
    devices: tuple[PoolDevice, ...] = ()
    taken: tuple[Taken, ...] = ()


@attrs.frozen
class Selection:
    """The share of every resource, in the order of the config."""

    shares: tuple[Share, ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """The resources that get nothing; the plugin does not offer them at all."""
        return tuple(share.resource for share in self.shares if not share.devices)

    def of(self, resource: str) -> Share:
        """The share of the resource of that name; LookupError when the config has none."""
        for share in self.shares:
            if share.resource == resource:
                return share
        raise LookupError(f"the config has no resource {resource}")


@attrs.frozen
class DevicePool:
    """The devices of a node, those alike but for address and index together, so that each kind is judged once."""

    devices: tuple[PoolDevice, ...]
    _alike: tuple[tuple[int, ...], ...] = attrs.field(init=False, eq=False, repr=False)

    @_alike.default
    def _by_kind(self) -> tuple[tuple[int, ...], ...]:
        found: dict[tuple[object, ...], list[int]] = {}
        for place, device in enumerate(self.devices):
            found.setdefault(tuple(getattr(device, fact) for fact in _KIND), []).append(place)
        return tuple(tuple(places) for places in found.values())

    @functools.cached_property
    def without_id(self) -> frozenset[tuple[str, int]]:
        """The functions whose device id is not known."""
        return frozenset(device.function for device in self.devices if device.device is UNKNOWN)

    def taken(self, resource: Resource) -> tuple[int, ...]:
        """The places of the devices that a resource takes if it is the only one, in their order."""
        if resource.device_type not in {"", _NET_DEVICE}:
            return ()
        filters = [_Filter.of(one) for one in resource.alternatives]
        found = {place for one in filters for places in self._alike for place in one.taken(self.devices, places)}
        return tuple(sorted(found))


def select(config: PluginConfig, devices: Iterable[PoolDevice]) -> Selection:
    """Hand out the devices as the plugin does, for a config in which `check` finds nothing.

    Only net devices are looked at: a resource of another deviceType gets nothing here.
    """
    pool = DevicePool(tuple(devices))
    owners: dict[int, str] = {}
    shares = []
    for resource in config.resources:
        wanted = pool.taken(resource)
        shares.append(
            Share(
                resource=resource.resource_name,
                devices=tuple(pool.devices[place] for place in wanted if place not in owners),
                taken=tuple(Taken(pool.devices[place], owners[place]) for place in wanted if place in owners),
            )
        )
        owners.update({place: resource.resource_name for place in wanted if place not in owners})
    return Selection(tuple(shares))


def check(config: PluginConfig) -> tuple[Fault, ...]:
    """Why the plugin would refuse the config or not do what is written in it; an empty tuple means that it is good."""
    faults: list[Fault] = []
    named: dict[tuple[str, str], int] = {}
    for position, resource in enumerate(config.resources):
        path = f"resourceList[{position}]"
        name = (resource.resource_prefix, resource.resource_name)
        if named.setdefault(name, position) != position:
            text = f"{shown(resource.resource_name)} is the name of resourceList[{named[name]}] too"
            faults.append(Fault(f"{path}.resourceName", text, "Merge the two, or rename one"))
        faults.extend(_resource_faults(resource, path))
    return tuple(faults)


def _resource_faults(resource: Resource, path: str) -> Iterator[Fault]:
    if not _RESOURCE_NAME.fullmatch(resource.resource_name):
        text = f"found {shown(resource.resource_name)}, which is no resource name"
        yield Fault(f"{path}.resourceName", text, "Use letters, digits, '-' and '_'")
    if resource.device_type not in _DEVICE_TYPES:
        text = f"found {shown(resource.device_type)}, wanted one of {', '.join(_DEVICE_TYPES[1:])}"
        yield Fault(f"{path}.deviceType", text, "Write one of them, or leave it out for net devices")
    if not resource.alternatives:
        yield Fault(f"{path}.selectors", "the list is empty", "Write one selector at least")
    for position, one in enumerate(resource.alternatives):
        place = f"{path}.selectors" if one is resource.selectors else f"{path}.selectors[{position}]"
        yield from _selectors_faults(one, place)
        if resource.device_type == _AUX_DEVICE and set(one.aux_types) != {"sf"}:
            found = ", ".join(map(shown, one.aux_types)) or "none"
            yield Fault(f"{place}.auxTypes", f"found {found}, wanted sf", 'Write auxTypes: ["sf"]')


def _selectors_faults(one: Selectors, path: str) -> Iterator[Fault]:
    if one.takes_everything:
        remedy = "Give vendors, pfNames, rootDevices or another field that filters"
        yield Fault(path, "it filters nothing, so every network device of the node is taken", remedy)
    if one.is_rdma and one.vdpa_type:
        text = "isRdma and vdpaType in one selector stop the plugin of the whole node"
        yield Fault(path, text, "Keep one of them, or write two selectors")
    if one.vdpa_type not in {"", "virtio", "vhost"}:
        text = f"found {shown(one.vdpa_type)}, wanted one of virtio, vhost"
        yield Fault(f"{path}.vdpaType", text, "Write one of them")
    yield from _item_faults(one.pf_names, f"{path}.pfNames")
    yield from _item_faults(one.root_devices, f"{path}.rootDevices")


def _item_faults(entries: Iterable[str], path: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for position, entry in enumerate(entries):
        try:
            pf = parse_item(entry).pf.casefold()
        except Malformed as err:
            yield Fault(f"{path}[{position}]", f"{err.text}, so it takes nothing", err.remedy)
            continue
        if first.setdefault(pf, position) != position:
            text = f"{shown(entry)} is never looked at, because {path}[{first[pf]}] has the same PF"
            yield Fault(f"{path}[{position}]", text, "Write one entry with all ranges, as in ens1f0#0-1,4-5")


@attrs.frozen
class _Filter:
    """Selectors made ready for many devices: per fact the values that agree, and per PF the entry that counts."""

    exact: tuple[tuple[str, frozenset[str]], ...]
    addresses: frozenset[str]
    by_pf: tuple[tuple[str, Mapping[str, PfItem]], ...]
    is_rdma: bool

    @classmethod
    def of(cls, one: Selectors) -> "_Filter":
        exact = (
            ("vendor", one.vendors),
            ("device", one.devices),
            ("driver", one.drivers),
            ("acpi_index", one.acpi_indexes),
            ("link_type", one.link_types),
            ("ddp_profile", one.ddp_profiles),
            ("pkey", one.p_keys),
            ("vdpa_type", (one.vdpa_type,) if one.vdpa_type else ()),
        )
        by_pf = (("pf_name", one.pf_names), ("pf_address", one.root_devices))
        return cls(
            exact=tuple((fact, frozenset(wanted)) for fact, wanted in exact if wanted),
            addresses=frozenset(one.pci_addresses),
            by_pf=tuple((fact, _items(wanted)) for fact, wanted in by_pf if wanted),
            is_rdma=one.is_rdma,
        )

    def taken(self, devices: Sequence[PoolDevice], places: Sequence[int]) -> Sequence[int]:
        """Which of some devices, all of one kind, agree with everything."""
        kind = devices[places[0]]
        items = [found.get(getattr(kind, fact).casefold()) for fact, found in self.by_pf]
        if not self._agrees(kind) or None in items:
            return ()
        ranges = [item for item in items if item is not None and item.vfs is not None]
        for item in ranges:
            places = [place for place in places if item.takes(devices[place].index)]
        if self.addresses:
            places = [place for place in places if devices[place].address in (UNKNOWN, *self.addresses)]
        return places

    def _agrees(self, kind: PoolDevice) -> bool:
        for fact, wanted in self.exact:
            value = getattr(kind, fact)
            if value is not UNKNOWN and value not in wanted:
                return False
        return kind.is_rdma is not False or not self.is_rdma


def _items(entries: Iterable[str]) -> dict[str, PfItem]:
    """The entry that counts for each PF, which is its first; one that cannot be read takes nothing."""
    found: dict[str, PfItem] = {}
    for entry in entries:
        try:
            item = parse_item(entry)
        except Malformed:
            continue
        found.setdefault(item.pf.casefold(), item)
    return found
