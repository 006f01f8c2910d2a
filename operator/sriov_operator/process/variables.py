"""Reads environment variables one by one and collects what is wrong with them, so that all is told at once. No I/O."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping

from sriov_core.api.fault import Fault, shown
from sriov_core.errors import SpecError
from sriov_core.policy.names import is_namespace_name, is_prefix

_NUMBER = re.compile(r"[0-9]{1,9}")
_HOST = re.compile(r"[-A-Za-z0-9.]*|\[[0-9a-fA-F:.]+\]")
_MOST_PORT = 65535


class Variables:
    """Every reading answers a usable value, the default where there is none; `check` tells what could not be used.

    An empty variable counts as one that is not set: charts write those that nobody has given as empty ones. ``remarks``
    are about values that are taken, but hardly as they were meant.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[Fault] = []
        self.remarks: list[str] = []

    def check(self) -> None:
        """Raise SpecError with a line for each variable that cannot be used."""
        if self._faults:
            raise SpecError("\n".join(f"environment variable {fault}" for fault in self._faults))

    def text(self, name: str, default: str = "") -> str:
        """Any text."""
        return self._environment.get(name) or default

    def word(self, name: str, default: str, words: tuple[str, ...]) -> str:
        """One of several words."""
        found = self.text(name, default)
        return found if found in words else self._refuse(name, found, f"wanted {' or '.join(words)}", default)

    def names(self, name: str, words: tuple[str, ...]) -> frozenset[str]:
        """Some of several words, separated by commas."""
        found = self._list(name)
        for unknown in [one for one in found if one not in words]:
            self._refuse(name, unknown, f"wanted names out of {', '.join(words)}, separated by commas", "")
        return frozenset(found)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        found = self.text(name, str(default))
        number = int(found) if _NUMBER.fullmatch(found) else -1
        if least <= number <= most:
            return number
        self._refuse(name, found, f"wanted a whole number from {least} to {most}", "")
        return default

    def address(self, name: str) -> str:
        """Where to listen, as in ``:9111`` or ``127.0.0.1:9111``; empty for nowhere."""
        found = self.text(name)
        host, colon, port = found.rpartition(":")
        if not found or (colon and _HOST.fullmatch(host) and _NUMBER.fullmatch(port) and int(port) <= _MOST_PORT):
            return found
        return self._refuse(name, found, "wanted host:port, such as :9111", "")

    def port(self, name: str, default: int) -> int:
        """The number of a TCP port."""
        return self.number(name, default, 1, _MOST_PORT)

    def exactly(self, name: str, on: str) -> bool:
        """True for one word and no other, as the SR-IOV network operator reads some of its switches."""
        found = self.text(name)
        if found not in {on, ""} and found.lower() not in {"false", "no", "off", "0"}:
            self.remarks.append(f"{name}: found {shown(found)}, which counts as off. Only {on} switches it on")
        return found == on

    def switch(self, name: str, *, default: bool = False) -> bool:
        """``true`` or ``false`` in any spelling."""
        found = self.text(name, str(default)).lower()
        if found not in {"true", "false"}:
            self._refuse(name, self.text(name), "wanted true or false", "")
        return found == "true"

    def namespace(self, name: str, default: str = "", *, remedy: str = "") -> str:
        """The name of a namespace; with a remedy, it has to be there."""
        wanted = "wanted the name of a namespace"
        return self._checked(name, default, is_namespace_name, wanted, remedy)

    def prefix(self, name: str, *, remedy: str) -> str:
        """What stands before the '/' of resource names; it has to be there."""
        return self._checked(name, "", is_prefix, "wanted a domain such as openshift.io", remedy)

    def object_name(self, name: str, default: str) -> str:
        """The name of an object in the cluster."""
        return self._checked(name, default, is_prefix, "wanted the name of an object", "")

    def object_names(self, name: str) -> tuple[str, ...]:
        """Names of objects, separated by commas."""
        found = self._list(name)
        for wrong in [one for one in found if not is_prefix(one)]:
            self._refuse(name, wrong, "wanted names of objects, separated by commas", "")
        return found

    def image(self, name: str) -> str:
        """The image of a container."""
        return self._checked(name, "", _is_image, "wanted an image without blanks", "")

    def path(self, name: str, default: str) -> str:
        """The absolute path of a folder."""
        return self._checked(name, default, _is_absolute, "wanted an absolute path without '..'", "")

    def certificate(self, name: str) -> str:
        """A certificate in PEM, as base64."""
        return self._checked(name, "", _is_certificate, "wanted the base64 of a certificate in PEM", "")

    def _checked(self, name: str, default: str, is_fine: Callable[[str], bool], wanted: str, remedy: str) -> str:
        found = self.text(name, default)
        if not found and remedy:
            self._faults.append(Fault(name, f"not set, {wanted}", remedy))
        elif found and not is_fine(found):
            self._refuse(name, found, wanted, "")
        return found

    def _refuse(self, name: str, found: str, wanted: str, default: str) -> str:
        self._faults.append(Fault(name, f"found {shown(found)}, {wanted}", "Correct it in the operator's Deployment"))
        return default

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(_parts(self.text(name)))


def _parts(text: str) -> Iterator[str]:
    for part in text.split(","):
        if part.strip():
            yield part.strip()


def _is_image(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_absolute(text: str) -> bool:
    return text.startswith("/") and text.isprintable() and ".." not in text.split("/")


def _is_certificate(text: str) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
