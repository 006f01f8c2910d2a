"""What the webhook adds to a policy before it is stored. Nothing here does I/O."""

from collections.abc import Mapping
from typing import Any

from sriov_core.policy.judging import DEPRECATED_NAME

PRIORITY = 99
"""The priority of a policy that gives none: the weakest."""

Operation = dict[str, Any]


def mutate(raw: Any) -> tuple[Operation, ...] | None:
    """The JSON patch (RFC 6902) for a policy as it was sent; None for one that is left as it is.

    An absent priority becomes 99, an absent isRdma false. On InfiniBand, VFs are RDMA devices, so that isRdma becomes
    true there unless the VFs are for vfio-pci. Values of wrong types are left for the schema to refuse.
    """
    spec = raw.get("spec") if isinstance(raw, Mapping) else None
    if not isinstance(spec, Mapping) or _is_deprecated(raw):
        return None
    patch: list[Operation] = []
    if "priority" not in spec:
        patch.append(_add("priority", PRIORITY))
    if "isRdma" not in spec:
        patch.append(_add("isRdma", _needs_rdma(spec)))
    elif spec["isRdma"] is not True and (needed := _needs_rdma(spec)):
        patch.append(_add("isRdma", needed))
    return tuple(patch)


def mutated(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The policy with the patch applied; the one that was given is not changed."""
    patch = mutate(raw)
    if not patch:
        return dict(raw)
    added = {operation["path"].removeprefix("/spec/"): operation["value"] for operation in patch}
    return {**raw, "spec": {**raw["spec"], **added}}


def overridden(raw: Any) -> str:
    """A warning when the patch replaces a value that was given; empty when it does not."""
    replaced = any(
        operation["path"] == "/spec/isRdma" and raw["spec"].get("isRdma") is False for operation in mutate(raw) or ()
    )
    if replaced:
        return "spec.isRdma: found false, and with linkType ib it is true. Leave it out, or use deviceType vfio-pci"
    return ""


def _is_deprecated(raw: Mapping[str, Any]) -> bool:
    metadata = raw.get("metadata")
    return isinstance(metadata, Mapping) and metadata.get("name") == DEPRECATED_NAME


def _needs_rdma(spec: Mapping[str, Any]) -> bool:
    return _folded(spec, "linkType") == "ib" and _folded(spec, "deviceType") != "vfio-pci"


def _folded(spec: Mapping[str, Any], field: str) -> str:
    value = spec.get(field)
    return value.lower() if isinstance(value, str) else ""


def _add(field: str, value: Any) -> Operation:
    return {"op": "add", "path": f"/spec/{field}", "value": value}
