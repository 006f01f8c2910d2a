"""Names that the API server and the kubelet take: of objects, namespaces and resources. Nothing here does I/O."""

import re
from collections.abc import Iterator

from sriov_core.api.fault import Fault, shown

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_RESOURCE_NAME = re.compile(r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_LONGEST = 253


def object_name_faults(name: str) -> Iterator[Fault]:
    """The fault of a text that can be no name of an object (RFC 1123 subdomain)."""
    if not is_prefix(name):
        use = f"Use up to {_LONGEST} lower-case letters, digits, '-' and '.'"
        remedy = f"{use}, with a letter or digit at both ends of each part"
        yield Fault("metadata.name", f"found {shown(name)}, which is no name of an object", remedy)


def is_namespace_name(name: str) -> bool:
    """True for what can be the name of a namespace (RFC 1123 label)."""
    return _LABEL.fullmatch(name) is not None


def namespace_faults(name: str, path: str) -> Iterator[Fault]:
    """The fault of a text that can be no name of a namespace."""
    if not is_namespace_name(name):
        remedy = "Use up to 63 lower-case letters, digits and '-', with a letter or digit at both ends"
        yield Fault(path, f"found {shown(name)}, which is no name of a namespace", remedy)


def is_prefix(text: str) -> bool:
    """True for what can stand before the '/' of a resource's name (RFC 1123 subdomain)."""
    return len(text) <= _LONGEST and _SUBDOMAIN.fullmatch(text) is not None


def resource_name_faults(name: str) -> Iterator[Fault]:
    """The fault of a text that can be no resource name without its prefix."""
    if not _RESOURCE_NAME.fullmatch(name):
        text = f"found {shown(name)}, which is no resource name"
        remedy = "Use 1 to 63 letters, digits, '-' and '_', with a letter or digit at both ends, and no prefix"
        yield Fault("spec.resourceName", text, remedy)
