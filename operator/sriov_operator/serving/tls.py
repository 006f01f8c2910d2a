"""How our servers speak TLS: what flags ask for, as contexts of Python's ssl module, and what it cannot do of that."""

import ssl
from collections.abc import Iterator

import attrs

from sriov_core.errors import HostError
from sriov_operator.tlsoptions import TlsSettings, curve_names, curves_by_number, openssl_names, tls_options

_VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}
_ALWAYS = "secp256r1"
"""The group that every implementation of TLS 1.3 has (RFC 8446, 9.1), and every API server."""
_GROUPS = {"X25519": "X25519", _ALWAYS: "prime256v1", "secp384r1": "secp384r1", "secp521r1": "secp521r1"}
"""What OpenSSL calls the groups that Python can set; it sets one, and ``ssl.SSLContext`` has no list before 3.15."""


@attrs.frozen(kw_only=True)
class Choices:
    """Settings of a server that are known to be valid.

    ``ciphers`` are OpenSSL's names for TLS 1.2 (those of 1.3 cannot be chosen), ``group`` OpenSSL's name of the one key
    exchange; empty ones leave the choice to OpenSSL. With ``client_cas``, PEM files, clients must show a certificate.
    """

    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    ciphers: tuple[str, ...] = ()
    group: str = ""
    client_cas: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def choices(
    cipher_suites: str = "", min_version: str = "", curves: str = "", client_cas: tuple[str, ...] = ()
) -> Choices:
    """The settings of the flags, as the manifests write them. SpecError names everything in them that is unknown."""
    options = tls_options(
        TlsSettings(
            cipher_suites=cipher_suites,
            min_version=min_version,
            cipher_suites_path="--tls-cipher-suites",
            min_version_path="--tls-min-version",
        )
    )
    ciphers = tuple(name for name in openssl_names(options.cipher_suites) if not name.startswith("TLS_"))
    oldest = _VERSIONS.get(options.min_version, ssl.TLSVersion.TLSv1_2)
    if options.cipher_suites and not ciphers:
        oldest = ssl.TLSVersion.TLSv1_3  # what is asked for has no suite of 1.2
    named = curve_names(curves_by_number(curves))
    group = _group(named)
    remarks = (*options.remarks, *_suite_remarks(options.cipher_suites, ciphers), *_group_remarks(named, group))
    return Choices(
        min_version=oldest, ciphers=ciphers, group=_GROUPS.get(group, ""), client_cas=client_cas, remarks=remarks
    )


def new_context(wanted: Choices) -> ssl.SSLContext:
    """A context for a server without its certificate. HostError for what this OpenSSL or the files do not allow."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = wanted.min_version
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        if wanted.ciphers:
            context.set_ciphers(":".join(wanted.ciphers))
        if wanted.group:
            context.set_ecdh_curve(wanted.group)
    except (ssl.SSLError, ValueError) as err:
        asked = ", ".join((*wanted.ciphers, wanted.group))
        raise HostError(f"{ssl.OPENSSL_VERSION} has nothing of {asked}: {err}. Ask for others") from err
    for file in wanted.client_cas:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as err:
            raise HostError(f"--client-ca {file}: no certificates can be read there: {err}. Correct the path") from err
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _group(named: tuple[str, ...]) -> str:
    """Of the groups that are asked for, the one to use: one that every client has, else the first that can be set."""
    known = [name for name in named if name in _GROUPS]
    return _ALWAYS if _ALWAYS in known else next(iter(known), "")


def _suite_remarks(asked: tuple[str, ...], ciphers: tuple[str, ...]) -> Iterator[str]:
    if len(ciphers) < len(asked):
        yield "--tls-cipher-suites: the suites of TLS 1.3 cannot be chosen: all of them are offered"


def _group_remarks(named: tuple[str, ...], group: str) -> Iterator[str]:
    left = [name for name in named if name != group]
    if named and not group:
        yield f"--tls-curve-preferences: none of {', '.join(left)} can be set here, so OpenSSL's own list is used"
    elif left:
        yield f"--tls-curve-preferences: only one can be set here, so {group} is used, and not {', '.join(left)}"
