"""The configuration of the SR-IOV network device plugin, one JSON text for each node. Nothing here does I/O.

Keys, their order and what is left out are those that the SR-IOV network operator writes; reading is as tolerant as the
plugin, which takes keys in any case and selectors as an object or a list of objects.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import msgspec.inspect

from sriov_core.api import shape
from sriov_core.api.fault import Fault, join, legible
from sriov_core.api.wire import Wire
from sriov_core.errors import SpecError


class Selectors(Wire, frozen=True, kw_only=True):
    """Which devices: every given field must agree with one of its entries; a field left out takes everything.

    ``pf_names`` and ``root_devices`` may carry ranges, ``ens1f0#0-3,6-7``. ``is_rdma`` False is no filter;
    ``need_vhost_net`` never is. The last three fields are read, and never written for a policy.
    """

    vendors: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    pci_addresses: tuple[str, ...] = ()
    pf_names: tuple[str, ...] = ()
    root_devices: tuple[str, ...] = ()
    link_types: tuple[str, ...] = ()
    ddp_profiles: tuple[str, ...] = ()
    is_rdma: bool = msgspec.field(name="IsRdma", default_factory=bool)
    need_vhost_net: bool = msgspec.field(name="NeedVhostNet", default_factory=bool)
    vdpa_type: str = ""
    acpi_indexes: tuple[str, ...] = ()
    p_keys: tuple[str, ...] = ()
    aux_types: tuple[str, ...] = ()

    @property
    def takes_everything(self) -> bool:
        """True when no field filters."""
        return msgspec.structs.replace(self, need_vhost_net=False) == Selectors()


class Resource(Wire, frozen=True, kw_only=True):
    """One resource that pods can ask for; a list of selectors takes what any of them takes, an empty one is refused.

    ``resource_prefix`` and ``device_type`` are read, and never written for a policy.
    """

    resource_name: str
    resource_prefix: str = ""
    device_type: str = ""
    exclude_topology: bool = False
    selectors: Selectors | tuple[Selectors, ...]
    selector_obj: None = msgspec.field(name="SelectorObj", default_factory=type(None))

    @property
    def alternatives(self) -> tuple[Selectors, ...]:
        """The selectors as a list, however they are written."""
        return (self.selectors,) if isinstance(self.selectors, Selectors) else self.selectors


class PluginConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the plugin of one node is told; a device goes to the first resource of the list that takes it."""

    resource_list: tuple[Resource, ...] | None = None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources; none when the list is null."""
        return self.resource_list or ()


def encode(config: PluginConfig) -> str:
    """The compact JSON text; a config without resources is ``{"resourceList":null}``."""
    return msgspec.json.encode(PluginConfig(resource_list=config.resource_list or None)).decode()


def read(text: str) -> tuple[PluginConfig, tuple[Fault, ...]]:
    """The config in a JSON text, with a fault for whatever the plugin overlooks in it, which is never harmless.

    An unknown key is overlooked, so that its selector takes more than was meant. A resource that cannot be understood
    is left out, as the plugin does. Raises SpecError for a text that the plugin refuses as a whole.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise SpecError(f"device plugin config: no JSON: {err}. Write it as in {_EXAMPLE}") from None
    if not isinstance(value, dict):
        raise SpecError(f"device plugin config: found {shape.described(value)}, wanted an object like {_EXAMPLE}")
    faults: list[Fault] = []
    root = _spelled(value, _ROOT_KEYS, "", faults)
    entries = root.get("resourceList", [])
    if not isinstance(entries, list):
        found = shape.described(entries)
        raise SpecError(f"device plugin config: resourceList: found {found}, wanted a list like {_EXAMPLE}")
    resources = [_resource(entry, f"resourceList[{position}]", faults) for position, entry in enumerate(entries)]
    read_ones = tuple(resource for resource in resources if resource is not None)
    return PluginConfig(resource_list=read_ones or None), tuple(faults)


_EXAMPLE = '{"resourceList":[{"resourceName":"a","selectors":{"pfNames":["ens1f0#0-3"]}}]}'
_SELECTORS_SHAPE = msgspec.inspect.type_info(Selectors)
_SELECTOR_KEYS = {name.lower(): name for name in Selectors.__struct_encode_fields__}
_RESOURCE_KEYS = {name.lower(): name for name in (*Resource.__struct_encode_fields__, "additionalInfo")}
_ROOT_KEYS = {"resourcelist": "resourceList"}
_RESOURCE_SCALARS: tuple[tuple[str, type], ...] = (
    ("resourceName", str),
    ("resourcePrefix", str),
    ("deviceType", str),
    ("excludeTopology", bool),
)


def _spelled(value: dict[str, Any], keys: Mapping[str, str], path: str, faults: list[Fault]) -> dict[str, Any]:
    """The object with its keys as they are written here, without those that are null or unknown."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = keys.get(key.lower())
        if name is None:
            text = "the plugin overlooks this key, and takes what it was meant to keep out"
            faults.append(Fault(join(path, legible(key)), text, shape.meant(key, sorted(keys.values()))))
        elif item is not None:
            found[name] = item
    return found


def _resource(value: Any, path: str, faults: list[Fault]) -> Resource | None:
    if not isinstance(value, dict):
        faults.append(Fault(path, f"found {shape.described(value)}, wanted an object", f"Write it as in {_EXAMPLE}"))
        return None
    found = _spelled(value, _RESOURCE_KEYS, path, faults)
    wrong = list(_wrong_scalars(found, path))
    selectors = found.get("selectors")
    texts = selectors if isinstance(selectors, list) else [selectors]
    objects: list[Selectors] = []
    for position, item in enumerate(texts):
        place = f"{path}.selectors[{position}]" if texts is selectors else f"{path}.selectors"
        spelled = _spelled(item, _SELECTOR_KEYS, place, faults) if isinstance(item, dict) else item
        mistakes = list(shape.faults(spelled, _SELECTORS_SHAPE, place))
        wrong.extend(mistakes)
        if not mistakes:
            objects.append(msgspec.convert(spelled, Selectors))
    faults.extend(wrong)
    if wrong:
        return None
    return Resource(
        resource_name=found["resourceName"],
        resource_prefix=found.get("resourcePrefix", ""),
        device_type=found.get("deviceType", ""),
        exclude_topology=found.get("excludeTopology", False),
        selectors=tuple(objects) if texts is selectors else objects[0],
    )


def _wrong_scalars(found: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if "resourceName" not in found:
        yield Fault(f"{path}.resourceName", "the field is missing", "It is required: add it")
    for name, kind in _RESOURCE_SCALARS:
        if name in found and not isinstance(found[name], kind):
            wanted = "text" if kind is str else "true or false"
            text = f"found {shape.described(found[name])}, wanted {wanted}"
            yield Fault(f"{path}.{name}", text, f"Write {wanted}")
