"""Takes identities out of texts: each is replaced by a keyed hash, so that equal ones stay equal. Pure.

The key is drawn anew for each bundle and kept nowhere: without it, a hash of one of the few possible MACs cannot be
found by trying all of them.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

_DIGITS = 10
_SHORTEST_WORD = 3
_HARMLESS = frozenset({"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1"})  # noqa: S104  # nothing is bound

_FIELDS = {"serial": "serial", "hostname": "host", "assigned": "pod"}
"""Fields of which the whole value is an identity, whatever it looks like."""

_HEX = "[0-9a-f]"
_PATTERNS = {
    # A MAC has 6 octets, a GUID or the serial number of a PCI device 8, an InfiniBand address 20.
    "mac": (
        rf"(?<![0-9a-z:-]){_HEX}{{2}}(?P<mark>[:-]){_HEX}{{2}}(?:(?P=mark){_HEX}{{2}}){{4,18}}"
        rf"(?![0-9a-z]|[:-]{_HEX})"
    ),
    "uuid": rf"(?<![0-9a-z]){_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}(?![0-9a-z])",
    # What sysfs tells of an RDMA device, and a MAC in the name of a netdev.
    "guid": rf"(?<![0-9a-z:])(?:{_HEX}{{4}}:){{3}}{_HEX}{{4}}(?![0-9a-z:])|(?<![0-9a-z])0x{_HEX}{{16}}(?![0-9a-z])",
    "named": rf"(?<=enx|ibx){_HEX}{{12}}(?![0-9a-z])",
    # As a report says who uses a VF (sriov_core/agent/decide.py).
    "pod": r"(?<=assigned to pod )[0-9a-z.-]+/[0-9a-z.-]*[0-9a-z]",
    # As a look at the machine says who uses a VF, where it knows the name.
    "netns": r"(?:(?<=^network namespace )|(?<=used by network namespace )|(?<=is in network namespace ))[^\s;,()]+",
    "ip": r"(?<![0-9a-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9a-z]|\.\d)",
    "ip6": rf"(?<![0-9a-z:.])(?:{_HEX}{{0,4}}:){{2,7}}(?:{_HEX}{{1,4}}|\d{{1,3}}(?:\.\d{{1,3}}){{3}})?(?![0-9a-z:])",
}
_ALL = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()), re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Redactor:
    """Replaces MACs, GUIDs, serial-like octets, UUIDs and IP addresses, and the given words wherever they stand.

    ``words`` maps a secret to what it is (``serial``, ``host``); those shorter than three letters would hit half the
    text and are left to whoever gave them. ``keep`` are texts that look like an address and are none: versions.
    """

    key: bytes
    words: Mapping[str, str] = attrs.field(factory=dict)
    keep: frozenset[str] = frozenset()
    _kinds: Mapping[str, str] = attrs.field(init=False)
    _secret: re.Pattern[str] | None = attrs.field(init=False)

    @_kinds.default
    def _kinds_of_words(self) -> Mapping[str, str]:
        return {word.lower(): kind for word, kind in self.words.items() if len(word) >= _SHORTEST_WORD}

    @_secret.default
    def _any_word(self) -> re.Pattern[str] | None:
        words = "|".join(re.escape(word) for word in sorted(self._kinds, key=lambda word: (-len(word), word)))
        return re.compile(rf"(?<![0-9A-Za-z])(?:{words})(?![0-9A-Za-z])", re.IGNORECASE) if words else None

    def text(self, text: str) -> str:
        """The text without identities."""
        # Line by line, so that a deadline finds its moment: no other thread runs inside a search.
        return "".join(_ALL.sub(self._replaced, self._without_words(line)) for line in text.splitlines(keepends=True))

    def data(self, value: Any) -> Any:
        """Plain data with every text in it redacted; of keys only what no field is called."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {_ALL.sub(self._replaced, str(key)): self._field(key, one) for key, one in value.items()}
        if isinstance(value, Iterable):
            return [self.data(one) for one in value]
        return value

    def _field(self, key: object, value: Any) -> Any:
        kind = _FIELDS.get(str(key))
        return self._hashed(kind, value.lower()) if kind and value and isinstance(value, str) else self.data(value)

    def _without_words(self, text: str) -> str:
        if self._secret is None:
            return text
        return self._secret.sub(self._hidden, text)

    def _hidden(self, match: re.Match[str]) -> str:
        word = match[0].lower()
        return self._hashed(self._kinds.get(word, "word"), word)  # no dictionary ignores case quite as a pattern does

    def _replaced(self, match: re.Match[str]) -> str:
        found = match[0]
        kind = next(name for name in _PATTERNS if match[name] is not None)
        plain = found.lower().replace("-", ":") if kind == "mac" else found.lower()
        if found in self.keep:
            return found
        if kind in ("ip", "ip6"):
            return self._address(found)
        if not plain.strip("0:x") or not plain.strip("f:"):  # no address, and the broadcast's
            return found
        if kind == "named":
            return self._hashed("", ":".join(re.findall("..", plain)))[:12]
        return self._hashed(kind, plain)

    def _address(self, found: str) -> str:
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            return found  # 99.300.1.2 is a version, 12:34:56 the time
        return found if str(address) in _HARMLESS else self._hashed("ip", str(address))

    def _hashed(self, kind: str, found: str) -> str:
        digest = hmac.new(self.key, found.encode(errors="replace"), hashlib.sha256).hexdigest()[:_DIGITS]
        return f"{kind}-{digest}" if kind else digest
