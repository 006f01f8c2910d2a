"""A certificate authority for one test cluster, and the kubeconfigs that its users log in with."""

import base64
import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = dt.timedelta(hours=1)


@attrs.frozen
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Both as files: ``NAME.crt`` and ``NAME.key``."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.touch(mode=0o600)
        key.write_bytes(self.key)
        return certificate, key

    @classmethod
    def read(cls, folder: Path, name: str) -> "Pair":
        """What `write` wrote."""
        return cls((folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key").read_bytes())


@attrs.frozen
class Authority:
    """Issues certificates that the cluster, and who trusts its CA file, believes. Each lives a day unless told."""

    _key: ec.EllipticCurvePrivateKey = attrs.field(factory=lambda: ec.generate_private_key(ec.SECP256R1()), init=False)
    certificate: x509.Certificate = attrs.field(init=False)

    @certificate.default
    def _self_signed(self) -> x509.Certificate:
        name = _name("test cluster", ())
        usage = {"key_encipherment": False, "data_encipherment": False, "content_commitment": False}
        agreement = {"key_agreement": False, "encipher_only": False, "decipher_only": False}
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage, **agreement)
        return (
            _builder(name, name, self._key.public_key(), 24 * HOUR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The authority's own certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def for_server(self, *names: str, lifetime: dt.timedelta = 24 * HOUR) -> Pair:
        """For a TLS server that is reached by these host names and addresses; a negative lifetime: expired."""
        shown = [_general(name) for name in names]
        return self._issue(_name(names[0], ()), ExtendedKeyUsageOID.SERVER_AUTH, lifetime, shown)

    def for_user(self, user: str, groups: Sequence[str] = (), *, lifetime: dt.timedelta = 24 * HOUR) -> Pair:
        """For a user of the API server in these groups. A name of more than 64 bytes fits in no certificate."""
        return self._issue(_name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, lifetime, ())

    def _issue(
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        lifetime: dt.timedelta,
        names: Sequence[x509.GeneralName],
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(subject, self.certificate.subject, key.public_key(), lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Pair(signed.public_bytes(serialization.Encoding.PEM), _private_pem(key))


def signing_key() -> bytes:
    """A private key for the tokens of service accounts."""
    return _private_pem(ec.generate_private_key(ec.SECP256R1()))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in the form that the API server takes for the keys of service accounts as well."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def kubeconfig(url: str, ca: bytes, *, user: str, credentials: Pair | str, namespace: str = "default") -> str:
    """A kubeconfig that needs no other file; the credentials are a client certificate or a token."""
    if isinstance(credentials, Pair):
        login = {
            "client-certificate-data": _text(credentials.certificate),
            "client-key-data": _text(credentials.key),
        }
    else:
        login = {"token": credentials}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": _text(ca)}}],
            "users": [{"name": user, "user": login}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user, "namespace": namespace}}],
            "current-context": "test",
        }
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    began = min(now, now + lifetime) - HOUR  # an hour for clocks that differ
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(now + lifetime)
    )


def _name(common: str, organizations: Iterable[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
