"""Certificates and authorities (X.509, RFC 5280): read from PEM whatever it holds, and made. Nothing here does I/O."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)
_LONGEST_NAME = 64
"""Of a common name (RFC 5280, ub-common-name); the names that count are the alternative ones."""


@attrs.frozen
class Authority:
    """Who signs with ``key`` is the first of ``certificates``; the others are trusted beside it."""

    key: ec.EllipticCurvePrivateKey
    certificates: tuple[x509.Certificate, ...]

    @property
    def current(self) -> x509.Certificate:
        """The one that signs."""
        return self.certificates[0]


@attrs.frozen
class Pair:
    """A serving certificate, its intermediate authorities behind it, and its key in PEM."""

    chain: tuple[x509.Certificate, ...]
    key: bytes

    @property
    def certificate(self) -> x509.Certificate:
        """The server's own."""
        return self.chain[0]


def authority_in(certificates: bytes, key: bytes, now: datetime) -> tuple[Authority | None, str]:
    """The authority in PEM; None, and why, when it cannot sign now."""
    found, private = certificates_in(certificates), _key_in(key)
    if not found or private is None:
        return None, "there was no authority that can be read"
    if not isinstance(private, ec.EllipticCurvePrivateKey) or _public(private.public_key()) != _public_of(found[0]):
        return None, "the key of the authority does not belong to its certificate"
    return (None, _untimely("authority", found[0])) if not _is_valid(found[0], now) else (Authority(private, found), "")


def pair_in(certificates: bytes, key: bytes, now: datetime, names: Sequence[str]) -> tuple[Pair | None, str]:
    """The serving certificate in PEM; None, and why, when no server of these names can use it now."""
    found, private = certificates_in(certificates), _key_in(key)
    if not found or private is None:
        return None, "there was no certificate with a key that can be read"
    if _public(private.public_key()) != _public_of(found[0]):
        return None, "its key belongs to another certificate"
    if not _is_valid(found[0], now):
        return None, _untimely("certificate", found[0])
    lacking = [name for name in names if name not in _names_of(found[0])]
    return (None, f"it is not for {', '.join(lacking)}") if lacking else (Pair(found, key), "")


def certificates_in(text: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM, or in base64 of PEM as some charts write it; none when it is neither."""
    for reading in (text, _decoded(text)):
        try:
            return tuple(x509.load_pem_x509_certificates(reading))
        except _UNREADABLE:
            continue
    return ()


def encoded(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates in PEM, one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def encoded_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key in PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """True when the authority signed it."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def is_vouched(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bool:
    """True when each of the chain signed the one before it, and one of the roots the last, or is the last itself."""
    linked = all(is_issued_by(one, by) for one, by in pairwise(chain))
    return linked and any(chain[-1] == root or is_issued_by(chain[-1], root) for root in roots)


def new_authority(name: str, begin: datetime, end: datetime) -> Authority:
    """An authority of its own, which signs servers and nothing between."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = _called(name)
    signs = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(called, called, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(key, (builder.sign(key, hashes.SHA256()),))


def new_pair(authority: Authority, names: Sequence[str], begin: datetime, end: datetime) -> Pair:
    """A serving certificate for these DNS names, signed by the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(_called(names[0]), authority.current.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(signer, critical=False)
    )
    return Pair((builder.sign(authority.key, hashes.SHA256()),), encoded_key(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])


def _key_in(text: bytes) -> ec.EllipticCurvePrivateKey | None:
    """A private key; of other kinds than ours, all that is asked is the public one."""
    try:
        return serialization.load_pem_private_key(text, None)  # type: ignore[return-value]
    except _UNREADABLE:
        return None


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _public_of(certificate: x509.Certificate) -> bytes:
    try:
        return _public(certificate.public_key())
    except _UNREADABLE:
        return b""


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _untimely(what: str, certificate: x509.Certificate) -> str:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"the {what} is valid from {begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ} only"


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return ()
    return tuple(found.value.get_values_for_type(x509.DNSName))
