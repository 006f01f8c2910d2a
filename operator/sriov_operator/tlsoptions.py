"""How the servers in the cluster speak TLS: the settings of the operator or the cluster, checked, as arguments.

The servers are the webhook, the injector and the proxy before the metrics. All of them take the names and numbers that
programs in Go take. Nothing here does I/O.
"""

import re
from collections.abc import Iterable, Iterator

import attrs

from sriov_core.api.fault import Fault, legible, shown
from sriov_core.api.shape import meant
from sriov_core.errors import SpecError

MIN_VERSIONS = ("VersionTLS12", "VersionTLS13")
"""The oldest version of TLS that may be set; anything older is refused."""

CURVES = {"X25519": 29, "secp256r1": 23, "secp384r1": 24, "secp521r1": 25, "X25519MLKEM768": 4588}
"""Key exchange groups and their numbers, from the IANA registry "TLS Supported Groups"."""

_SECURE = {
    "TLS_AES_128_GCM_SHA256": "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384": "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256": "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""IANA names to OpenSSL's, of what Go's crypto/tls lists in CipherSuites (Go 1.26)."""

_INSECURE = {
    "TLS_RSA_WITH_RC4_128_SHA": "RC4-SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "ECDHE-ECDSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "ECDHE-RSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "ECDHE-RSA-DES-CBC3-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
}
"""The same of InsecureCipherSuites."""

_NOT_IN_GO = {
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256": "DHE-RSA-AES128-GCM-SHA256",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384": "DHE-RSA-AES256-GCM-SHA384",
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "DHE-RSA-CHACHA20-POLY1305",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256": "DHE-RSA-AES128-SHA256",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256": "DHE-RSA-AES256-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": "ECDHE-ECDSA-AES256-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": "ECDHE-RSA-AES256-SHA384",
    "TLS_RSA_WITH_AES_256_CBC_SHA256": "AES256-SHA256",
}
"""Suites that the usual profiles for servers name, and that Go does not have."""

_NUMBER_REMEDY = f"Write numbers from 1 to 65535, as in {','.join(map(str, CURVES.values()))}"
_DIGITS = re.compile("[0-9]{1,5}")
_OPENSSL = {openssl: iana for table in (_SECURE, _INSECURE, _NOT_IN_GO) for iana, openssl in table.items()}
_NAMES = (*_SECURE, *_SECURE.values())


@attrs.frozen(kw_only=True)
class TlsSettings:
    """What somebody asks for, as texts; an empty one leaves the choice to the servers.

    Lists are separated by commas. ``*_path`` say where each text is from, for messages.
    """

    cipher_suites: str = ""
    min_version: str = ""
    curve_preferences: str = ""
    cipher_suites_path: str = "TLS_CIPHER_SUITES"
    min_version_path: str = "TLS_MIN_VERSION"
    curve_preferences_path: str = "TLS_CURVE_PREFERENCES"


@attrs.frozen(kw_only=True)
class TlsOptions:
    """What is rendered: IANA names of cipher suites, and numbers of curves, both in order of preference.

    ``remarks`` tell what was left out; an empty part leaves the choice to the servers.
    """

    cipher_suites: tuple[str, ...] = ()
    min_version: str = ""
    curves: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


def tls_options(env: TlsSettings, cluster: TlsSettings | None = None) -> TlsOptions:
    """The settings of the operator's environment, or those of the cluster when it has some: one never fills the other.

    Cipher suites that are insecure, or that no server here has, are left out with a remark. SpecError names every
    unknown cipher suite or curve, and a minimal version below TLS 1.2.
    """
    given = env if cluster is None else cluster
    mistakes = (*_cipher_faults(given), *_version_faults(given), *_curve_faults(given))
    if mistakes:
        raise SpecError("; ".join(map(str, mistakes)))
    asked = _unique(_OPENSSL.get(name, name) for name in _words(given.cipher_suites))
    suites = tuple(name for name in asked if name in _SECURE)
    return TlsOptions(
        cipher_suites=suites,
        min_version=given.min_version.strip(),
        curves=curve_numbers(given.curve_preferences, given.curve_preferences_path),
        remarks=tuple(_remarks(asked, suites, given.cipher_suites_path)),
    )


def curve_numbers(text: str, path: str = "TLS_CURVE_PREFERENCES") -> tuple[int, ...]:
    """The numbers of curves that are given by name. SpecError for a name that is not in `CURVES`."""
    names = _unique(_words(text))
    mistakes = tuple(_unknown_curves(names, path))
    if mistakes:
        raise SpecError("; ".join(map(str, mistakes)))
    return tuple(CURVES[name] for name in names)


def curves_by_number(text: str, path: str = "--tls-curve-preferences") -> tuple[int, ...]:
    """The numbers of curves that are given by number, as in the argument of the webhook; also ones without a name here.

    SpecError for what is no number from 1 to 65535.
    """
    words = _words(text)
    mistakes = [
        Fault(path, f"{legible(word)} is no number of a curve", _NUMBER_REMEDY) for word in words if not _number(word)
    ]
    if mistakes:
        raise SpecError("; ".join(map(str, mistakes)))
    return tuple(dict.fromkeys(map(_number, words)))


def curve_names(numbers: Iterable[int]) -> tuple[str, ...]:
    """The names of curves by number, for people; one that has no name here stays a number."""
    known = {number: name for name, number in CURVES.items()}
    return tuple(known.get(number, str(number)) for number in numbers)


def openssl_names(suites: Iterable[str]) -> tuple[str, ...]:
    """OpenSSL's names of the cipher suites of `TlsOptions`; those of TLS 1.3 are called the same."""
    return tuple(_SECURE[name] for name in suites)


def arguments(options: TlsOptions) -> tuple[str, ...]:
    """The arguments of the webhook and of the injector; what is empty has none."""
    if not options.curves:
        return proxy_arguments(options)
    numbers = ",".join(map(str, options.curves))
    return (*proxy_arguments(options), f"--tls-curve-preferences={numbers}")


def proxy_arguments(options: TlsOptions) -> tuple[str, ...]:
    """The arguments of kube-rbac-proxy, which has none for curves."""
    suites = (f"--tls-cipher-suites={','.join(options.cipher_suites)}",) if options.cipher_suites else ()
    version = (f"--tls-min-version={options.min_version}",) if options.min_version else ()
    return (*suites, *version)


def _number(word: str) -> int:
    """The number of a curve; 0 when it is none."""
    number = int(word) if _DIGITS.fullmatch(word) else 0
    return number if number <= 0xFFFF else 0


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _cipher_faults(given: TlsSettings) -> Iterator[Fault]:
    known = {*_OPENSSL, *_OPENSSL.values()}
    for word in _unique(_words(given.cipher_suites)):
        if word not in known:
            remedy = "Separate the names by commas" if ":" in word or " " in word else meant(word, _NAMES)
            yield Fault(given.cipher_suites_path, f"{legible(word)} is no cipher suite", remedy)


def _version_faults(given: TlsSettings) -> Iterator[Fault]:
    version = given.min_version.strip()
    if version and version not in MIN_VERSIONS:
        text = f"found {shown(version)}, wanted {' or '.join(MIN_VERSIONS)}"
        yield Fault(given.min_version_path, text, "Older versions are not served; write one of them, or nothing")


def _curve_faults(given: TlsSettings) -> Iterator[Fault]:
    return _unknown_curves(_unique(_words(given.curve_preferences)), given.curve_preferences_path)


def _unknown_curves(names: Iterable[str], path: str) -> Iterator[Fault]:
    for name in names:
        if name not in CURVES:
            yield Fault(path, f"{legible(name)} is no curve", meant(name, tuple(CURVES)))


def _remarks(asked: tuple[str, ...], suites: tuple[str, ...], path: str) -> Iterator[str]:
    """What was left out of the cipher suites, and that nothing is left when it is so."""
    for why, table in (("insecure", _INSECURE), ("unknown to the servers", _NOT_IN_GO)):
        out = ", ".join(name for name in asked if name in table)
        if out:
            yield f"{path}: left out, because {why}: {out}"
    if asked and not suites:
        yield f"{path}: no cipher suite is left, so the servers choose by themselves"
