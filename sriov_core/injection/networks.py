"""The two annotations that name a pod's networks, as multus reads them, to values. Nothing here does I/O.

multus (pkg/k8sclient) takes a value for JSON when it holds a bracket, a brace or a quote, else for a comma list of
``[namespace/]name[@interface]`` with blanks around any part.
"""

import re
from collections.abc import Iterator
from typing import Any

import attrs

from sriov_core.api.fault import shown
from sriov_core.api.shape import described
from sriov_core.injection.element import mistake, oversight, spelled
from sriov_core.injection.fields import parsed, refusal

NETWORKS = "k8s.v1.cni.cncf.io/networks"
DEFAULT_NETWORK = "v1.multus-cni.io/default-network"

_PARTS = ("namespace", "name", "interface")
_FORM = "[namespace/]name[@interface]"
_JSON_MARKS = '[{"'
_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAME = 253
_LONGEST_INTERFACE = 15


@attrs.frozen(kw_only=True)
class Attachment:
    """One network a pod names. ``namespace`` is empty when the annotation leaves it out; ``path`` is where it stands.

    ``remark`` is a warning about how it is written, empty when there is none.
    """

    name: str
    path: str
    namespace: str = ""
    interface: str = ""
    remark: str = ""


def networks(value: str, path: str) -> tuple[Attachment, ...]:
    """Every network of an annotation's value, in its order; none for an empty value.

    Raises Refused that names the entry, counted from 1, what is wrong with it, and what to write.
    """
    if not value:
        return ()
    if any(mark in value for mark in _JSON_MARKS):
        return tuple(_from_json(value, path))
    words = value.split(",")
    return tuple(_from_word(word.strip(), _place(path, number)) for number, word in enumerate(words, 1))


def default_network(value: str, path: str) -> Attachment | None:
    """The one network that takes the place of the cluster's default; None for an empty value.

    Raises Refused as `networks`, and for any other number than one: multus would not start the pod.
    """
    found = networks(value, path)
    if value and len(found) != 1:
        names = ", ".join(shown(one.name) for one in found) or "none"
        remedy = f"Keep one, and name the others in {NETWORKS}"
        raise refusal(path, f"found {len(found)} networks ({names}), wanted exactly one", remedy)
    return found[0] if found else None


def _place(path: str, number: int) -> str:
    return f"{path}, entry {number}"


def _from_word(word: str, path: str) -> Attachment:
    if word.count("/") > 1 or word.count("@") > 1:
        raise refusal(path, f"found {shown(word)}, wanted {_FORM}", "Separate networks by commas")
    namespace, _, rest = word.rpartition("/")
    name, _, interface = rest.partition("@")
    parts = {"namespace": namespace.strip(), "name": name.strip(), "interface": interface.strip()}
    dotted = next((part for part in (parts["namespace"], parts["name"]) if "." in part), None)
    remark = f"multus reads {shown(dotted)}, with a dot, in the JSON form only" if dotted else ""
    return _checked(parts, path, remark)


def _from_json(value: str, path: str) -> Iterator[Attachment]:
    found = parsed(value, path)
    if not isinstance(found, list):
        remedy = "Put it in brackets: [ ]" if isinstance(found, dict) else f'Write [{{"name": "..."}}] or {_FORM}'
        raise refusal(path, f"found {described(found)}, wanted a JSON list", remedy)
    for number, entry in enumerate(found, 1):
        yield _from_mapping(entry, _place(path, number))


def _from_mapping(entry: Any, path: str) -> Attachment:
    if not isinstance(entry, dict):
        raise refusal(path, f"found {described(entry)}, wanted a mapping", 'Write {"name": "..."}')
    found = spelled(entry)
    wrong = mistake(found)
    if wrong:
        field, what, remedy = wrong
        raise refusal(f"{path}, {field}", what, remedy)
    return _checked({field: found.get(field, "") for field in _PARTS}, path, oversight(found))


def _checked(parts: dict[str, str], path: str, remark: str) -> Attachment:
    """The attachment of these parts, if Kubernetes can have such objects and Linux such an interface."""
    if not parts["name"]:
        raise refusal(path, "the name of the network is missing", "Name one, or remove the entry")
    for field in ("namespace", "name"):
        part = parts[field]
        if part and (len(part) > _LONGEST_NAME or not _SUBDOMAIN.fullmatch(part)):
            remedy = "Use lower-case letters, digits, - and ., with a letter or digit at both ends"
            raise refusal(path, f"{shown(part)} cannot be the {field} of a network", remedy)
    interface = parts["interface"]
    size = len(interface.encode(errors="surrogatepass"))
    if size > _LONGEST_INTERFACE or "/" in interface or any(letter.isspace() for letter in interface):
        remedy = f"Use at most {_LONGEST_INTERFACE} bytes, without / and blanks"
        raise refusal(path, f"{shown(interface)} cannot be the name of an interface", remedy)
    return Attachment(**parts, path=path, remark=remark)
