"""Policies to the device plugin's selectors: the form that other tools know, and one that lists each VF.

The first form copies what the policies say, field by field, as the SR-IOV network operator does. It unites the fields
of several policies one by one, so it can take more devices than the policies do together. The precise form cannot.
Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from sriov_core.api.nodepolicy import NicSelector, NodePolicy, PolicySpec
from sriov_core.api.pluginconfig import Selectors
from sriov_core.model.observed import Nic
from sriov_core.policy.nicids import NicIds
from sriov_core.policy.pfitems import PfItem, joined_items, joined_ranges
from sriov_core.policy.ranges import Range
from sriov_core.policy.selector import is_called, refusals

_LINK_TYPES = {"ib": "infiniband", "eth": "ether"}
Function = tuple[str, int]
"""The address of a PF and the index of its VF, -1 for the PF itself."""


@attrs.frozen(order=True)
class Flags:
    """What pods get with a device, and which kind of vDPA device is asked for.

    ``is_rdma`` is False beside a ``vdpa_type``: the two in one selector stop the plugin.
    """

    is_rdma: bool
    need_vhost_net: bool
    vdpa_type: str

    @classmethod
    def of(cls, policy: NodePolicy) -> "Flags":
        """Those of a policy."""
        spec = policy.spec
        return cls(spec.is_rdma and not spec.vdpa_type, spec.need_vhost_net, spec.vdpa_type)


def known_form(policies: Sequence[NodePolicy], nics: Iterable[Nic], ids: NicIds) -> Selectors:
    """The selectors of one resource as other tools write them; the policies, one at least, come weakest first.

    Lists are united, sorted and without repetition; the flags are those of the weakest policy. Names of PFs are their
    primary ones, and the ranges of one PF stand in one entry.
    """
    specs = [policy.spec for policy in policies]
    ports = tuple(nics)
    flags = Flags.of(policies[0])
    return Selectors(
        vendors=_united(spec.nic_selector.vendor for spec in specs),
        devices=_united(_device(spec, ids) for spec in specs),
        pci_addresses=_united(address for spec in specs for address in _addresses(spec.nic_selector, ports)),
        pf_names=joined_items(primary(entry, ports) for spec in specs for entry in spec.nic_selector.pf_names),
        root_devices=joined_items(entry.strip().lower() for spec in specs for entry in spec.nic_selector.root_devices),
        link_types=_united(_LINK_TYPES.get(spec.link_type.lower(), "") for spec in specs if _has_netdev(spec)),
        is_rdma=flags.is_rdma,
        need_vhost_net=flags.need_vhost_net,
        vdpa_type=flags.vdpa_type,
    )


def precise_form(functions: Mapping[Function, Flags]) -> Selectors | tuple[Selectors, ...]:
    """Selectors that take exactly these functions, one at least; a list when their flags or their kinds differ."""
    objects = []
    for flags in sorted(set(functions.values())):
        mine = [function for function, own in functions.items() if own == flags]
        by_pf: dict[str, list[Range]] = {}
        for pf, index in mine:
            if index >= 0:
                by_pf.setdefault(pf, []).append(Range(index, index))
        items = sorted(str(PfItem(pf, joined_ranges(vfs))) for pf, vfs in by_pf.items())
        if items:
            objects.append(_flagged(Selectors(root_devices=tuple(items)), flags))
        pfs = sorted(pf for pf, index in mine if index < 0)
        if pfs:
            objects.append(_flagged(Selectors(pci_addresses=tuple(pfs)), flags))
    return objects[0] if len(objects) == 1 else tuple(objects)


def primary(entry: str, nics: Iterable[Nic]) -> str:
    """An entry of pfNames with the PF's primary name in place of an alternative one, its range kept.

    A name that no NIC has stays as it is.
    """
    name, hash_sign, rest = entry.partition("#")
    found = next((nic.name for nic in nics if is_called(nic, name)), None)
    return f"{found or name}{hash_sign}{rest}"


def _flagged(selectors: Selectors, flags: Flags) -> Selectors:
    return Selectors(
        root_devices=selectors.root_devices,
        pci_addresses=selectors.pci_addresses,
        is_rdma=flags.is_rdma,
        need_vhost_net=flags.need_vhost_net,
        vdpa_type=flags.vdpa_type,
    )


def _united(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({text for text in texts if text}))


def _device(spec: PolicySpec, ids: NicIds) -> str:
    """The device id of what pods get: the VFs, or the PF itself when no VFs are asked for; empty when not known."""
    selector = spec.nic_selector
    if not selector.device_id or not spec.num_vfs:
        return selector.device_id
    return ids.vf_id(selector.vendor, selector.device_id) or ""


def _has_netdev(spec: PolicySpec) -> bool:
    return spec.device_type != "vfio-pci"


def _addresses(selector: NicSelector, nics: Iterable[Nic]) -> tuple[str, ...]:
    """The NICs on the network of netFilter, which is how clouds tell NICs apart."""
    if not selector.net_filter:
        return ()
    network = NicSelector(net_filter=selector.net_filter)
    return tuple(str(nic.address) for nic in nics if not refusals(network, nic))
