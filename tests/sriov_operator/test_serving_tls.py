"""What flags ask of TLS, and what clients then get: versions, cipher suites, key exchange, certificates of clients."""

import socket
import ssl
from pathlib import Path

import pytest
import trustme
from serving_world import DEADLINE_S, Issuer, Served, serving, webhooks

from sriov_core.errors import HostError, SpecError
from sriov_operator.serving.tls import Choices, choices, new_context

SHA256, SHA384 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
ECDSA = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    issuer = Issuer(tmp_path)
    issuer.write()
    return issuer


def client(issuer: Issuer, *, newest: ssl.TLSVersion = TLS13, ciphers: str = "", group: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=issuer.ca_file)
    context.maximum_version = newest
    if ciphers:
        context.set_ciphers(ciphers)
    if group:
        context.set_ecdh_curve(group)
    return context


def met(served: Served, context: ssl.SSLContext) -> tuple[str | None, str]:
    """The version and the cipher suite that both agree on."""
    plain = socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        if connection.recv(12) != b"HTTP/1.1 200":
            raise ConnectionError("the server ended it")
        cipher = connection.cipher()
        assert cipher
        return connection.version(), cipher[0]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param({}, Choices(), id="nothing"),
        pytest.param({"min_version": "VersionTLS13"}, Choices(min_version=TLS13), id="version"),
        pytest.param(
            {"cipher_suites": f"{SHA256},{ECDSA}"},
            Choices(ciphers=("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256")),
            id="suites-in-their-order",
        ),
        pytest.param({"curves": "23"}, Choices(group="prime256v1"), id="one-curve"),
        pytest.param({"curves": "29"}, Choices(group="X25519"), id="another-curve"),
    ],
)
def test_what_can_be_done_is_done_without_a_remark(flags: dict[str, str], expected: Choices) -> None:
    assert choices(**flags) == expected


@pytest.mark.parametrize(
    ("flags", "part", "remark"),
    [
        pytest.param(
            {"curves": "29,23,24"},
            {"group": "prime256v1"},
            "secp256r1 is used, and not X25519, secp384r1",
            id="several",
        ),
        pytest.param({"curves": "29,24"}, {"group": "X25519"}, "X25519 is used", id="several-without-the-common-one"),
        pytest.param({"curves": "4588"}, {"group": ""}, "none of X25519MLKEM768 can be set here", id="too-new"),
        pytest.param({"curves": "4711"}, {"group": ""}, "none of 4711", id="unheard-of"),
        pytest.param(
            {"cipher_suites": f"TLS_AES_128_GCM_SHA256,{SHA256}"},
            {"ciphers": ("ECDHE-RSA-AES128-GCM-SHA256",), "min_version": TLS12},
            "those of TLS 1.3 cannot be chosen",
            id="suites-of-both-versions",
        ),
        pytest.param(
            {"cipher_suites": "TLS_AES_128_GCM_SHA256"},
            {"ciphers": (), "min_version": TLS13},
            "TLS 1.3 cannot be chosen",
            id="suites-of-1.3-only",
        ),
        pytest.param(
            {"cipher_suites": f"TLS_RSA_WITH_RC4_128_SHA,{SHA256}"},
            {"ciphers": ("ECDHE-RSA-AES128-GCM-SHA256",)},
            "left out, because insecure",
            id="insecure",
        ),
    ],
)
def test_what_cannot_be_done_is_told(flags: dict[str, str], part: dict[str, object], remark: str) -> None:
    found = choices(**flags)
    assert {field: getattr(found, field) for field in part} == part
    assert remark.replace("those of", "the suites of") in "\n".join(found.remarks)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param({"min_version": "VersionTLS11"}, "--tls-min-version: found 'VersionTLS11'", id="old-version"),
        pytest.param({"cipher_suites": "AES"}, "--tls-cipher-suites: AES is no cipher suite", id="no-suite"),
        pytest.param({"curves": "P-256"}, "--tls-curve-preferences: P-256 is no number of a curve", id="no-number"),
    ],
)
def test_what_is_unknown_is_an_error_that_names_the_flag(flags: dict[str, str], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        choices(**flags)


def test_a_client_of_an_older_version_is_refused(issuer: Issuer) -> None:
    with serving(webhooks(), issuer, wanted=choices(min_version="VersionTLS13")) as served:
        assert met(served, client(issuer))[0] == "TLSv1.3"
        with pytest.raises(ssl.SSLError):
            met(served, client(issuer, newest=TLS12))


def test_tls_1_2_is_the_least(issuer: Issuer) -> None:
    context = client(issuer)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(webhooks(), issuer) as served:
        assert met(served, client(issuer, newest=TLS12))[0] == "TLSv1.2"
        with pytest.raises(ssl.SSLError):
            met(served, context)


def test_of_tls_1_2_only_the_suites_that_were_asked_for_are_used(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path, trustme.CA(key_type=trustme.KeyType.RSA))
    leaf = issuer.ca.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    issuer.write_certificate(leaf)
    issuer.write_key(leaf)
    with serving(webhooks(), issuer, wanted=choices(cipher_suites=SHA384)) as served:
        assert met(served, client(issuer, newest=TLS12))[1] == "ECDHE-RSA-AES256-GCM-SHA384"
        with pytest.raises(ssl.SSLError):
            met(served, client(issuer, newest=TLS12, ciphers="ECDHE-RSA-AES128-GCM-SHA256"))


def test_no_other_key_exchange_than_the_chosen_one_is_used(issuer: Issuer) -> None:
    with serving(webhooks(), issuer, wanted=choices(curves="24")) as served:
        assert met(served, client(issuer))[0] == "TLSv1.3"
        with pytest.raises(ssl.SSLError):
            met(served, client(issuer, group="X25519"))


def test_with_client_authorities_a_client_must_show_a_certificate_of_theirs(issuer: Issuer) -> None:
    with serving(webhooks(), issuer, wanted=choices(client_cas=(issuer.ca_file,))) as served:
        known = client(issuer)
        issuer.ca.issue_cert("somebody").configure_cert(known)
        assert met(served, known)[0] == "TLSv1.3"
        stranger = client(issuer)
        trustme.CA().issue_cert("somebody").configure_cert(stranger)
        for context in (client(issuer), stranger):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                met(served, context)


def test_client_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=f"--client-ca {tmp_path}/no.crt: no certificates can be read"):
        new_context(choices(client_cas=(f"{tmp_path}/no.crt",)))
