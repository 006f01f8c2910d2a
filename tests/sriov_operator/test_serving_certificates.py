"""The certificate of a server over its life: rotated while connections are open, and never for a worse one."""

import datetime as dt
import http.client
import logging
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from serving_world import DEADLINE_S, HOUR, Issuer, Served, pair, serving, webhooks

from sriov_core.errors import HostError
from sriov_operator.serving.metrics import Metrics

REFUSED = "sriov_webhook_certificate_refused"
EXPIRY = "sriov_webhook_certificate_expiry_timestamp_seconds"
RELOADS = "sriov_webhook_certificate_reloads_total"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def served(issuer: Issuer) -> Iterator[Served]:
    issuer.write()
    with serving(webhooks(), issuer) as served:
        yield served


def connection(served: Served) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=served.issuer.ca_file)
    return http.client.HTTPSConnection("127.0.0.1", served.port, context=context, timeout=DEADLINE_S)


def asked(connected: http.client.HTTPSConnection) -> bytes | None:
    """Ask for something, and answer the certificate that the connection has."""
    connected.request("GET", "/healthz")
    assert connected.getresponse().read() == b"ok"
    assert isinstance(connected.sock, ssl.SSLSocket)
    return connected.sock.getpeercert(binary_form=True)


def shown(served: Served) -> bytes | None:
    """The certificate that a new client is shown."""
    connected = connection(served)
    try:
        return asked(connected)
    finally:
        connected.close()


def der(leaf: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


def checked(served: Served) -> None:
    served.inside(served.certificate.check)


def test_a_new_certificate_is_for_new_connections_and_open_ones_stay(served: Served) -> None:
    connected = connection(served)
    before = asked(connected)
    leaf = served.issuer.write()
    checked(served)
    assert asked(connected) == before
    connected.close()
    assert shown(served) == der(leaf) != before
    assert served.counted(RELOADS, outcome="served") == 1


def test_a_client_that_names_no_server_is_shown_the_new_one_too(served: Served) -> None:
    leaf = served.issuer.write()
    checked(served)
    assert ssl.get_server_certificate(("127.0.0.1", served.port), timeout=DEADLINE_S).strip() == (
        leaf.cert_chain_pems[0].bytes().decode().strip()
    )


def test_a_certificate_without_its_key_is_kept_out_until_the_key_comes(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    before = shown(served)
    leaf = served.issuer.ca.issue_cert("127.0.0.1")
    served.issuer.write_certificate(leaf)
    checked(served)
    checked(served)
    assert shown(served) == before
    assert served.counted(REFUSED) == 1
    assert served.counted(RELOADS, outcome="refused") == 1
    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "tls.key is not that of the certificate in" in record.getMessage()
    assert "the one before is kept" in record.getMessage()
    served.issuer.write_key(leaf)
    checked(served)
    assert shown(served) == der(leaf)
    assert served.counted(REFUSED) == 0
    assert not served.certificate.refused


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "no certificate with its key can be read", id="empty"),
        pytest.param(b"hello", "no certificate with its key can be read", id="garbage"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nMIIB", "no certificate with its key can be read", id="half-written"
        ),
        pytest.param(None, "there is no such file", id="gone"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_everything_as_it_was(
    served: Served, content: bytes | None, said: str
) -> None:
    before, file = shown(served), Path(served.issuer.files[0])
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    checked(served)
    assert shown(served) == before
    assert said in served.certificate.refused
    leaf = served.issuer.write()
    checked(served)
    assert shown(served) == der(leaf)


def test_an_expired_certificate_does_not_take_the_place_of_a_good_one(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    before = shown(served)
    served.issuer.write(lifetime=-HOUR)
    checked(served)
    assert shown(served) == before
    assert "is not served: it has expired at" in served.certificate.refused
    assert "is not served: it has expired at" in caplog.text
    assert served.counted(REFUSED) == 1


def test_a_certificate_of_tomorrow_is_served_as_soon_as_it_is_valid(issuer: Issuer) -> None:
    """trustme's begin in the year 2000, and so does the clock of this test."""
    issuer.write()
    clock = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]
    certificate = pair(issuer, now=lambda: clock[0])
    issuer.write()
    clock[0] = dt.datetime(1999, 1, 1, tzinfo=dt.UTC)
    certificate.check()
    assert "it is valid only from 2000-01-01 00:00:00 UTC on" in certificate.refused
    clock[0] = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate.check()
    assert certificate.refused == ""


def test_a_server_with_an_expired_certificate_says_so_until_it_has_another(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.write(lifetime=-HOUR)
    metrics = Metrics()
    certificate = pair(issuer, metrics=metrics)
    assert "cannot be used: it has expired at" in certificate.problem
    assert "Renew it" in caplog.text
    told = metrics.registry.get_sample_value(EXPIRY)
    assert told is not None
    assert told < dt.datetime.now(dt.UTC).timestamp()
    issuer.write()
    certificate.check()
    assert certificate.problem == ""
    assert metrics.registry.get_sample_value(EXPIRY) == certificate.not_after.timestamp()


def test_a_certificate_that_runs_out_while_it_is_served_is_told_once(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.write()
    clock = [dt.datetime.now(dt.UTC)]
    certificate = pair(issuer, now=lambda: clock[0])
    assert certificate.problem == ""
    clock[0] += 2 * HOUR
    certificate.check()
    certificate.check()
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert "it has expired at" in certificate.problem


def test_the_volume_of_a_secret_is_followed(tmp_path: Path) -> None:
    """As kubelet updates one: files are links into ..data, which is itself a link that is replaced."""
    issuer = Issuer(tmp_path / "volume")

    def put(name: str) -> trustme.LeafCert:
        version = Issuer(issuer.folder / name, issuer.ca)
        leaf = version.write()
        new = issuer.folder / "..data_tmp"
        new.symlink_to(name)
        new.replace(issuer.folder / "..data")
        return leaf

    put("..2026_01")
    for name in ("tls.crt", "tls.key"):
        (issuer.folder / name).symlink_to(f"..data/{name}")
    with serving(webhooks(), issuer) as served:
        leaf = put("..2026_02")
        checked(served)
        assert shown(served) == der(leaf)


def test_nothing_is_read_again_while_nothing_changes(served: Served) -> None:
    before = shown(served)
    for _ in range(3):
        checked(served)
    assert shown(served) == before
    assert served.counted(RELOADS, outcome="served") is None


def test_an_encrypted_key_is_refused_and_asks_nobody_for_a_password(issuer: Issuer) -> None:
    leaf = issuer.write()
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    Path(issuer.files[1]).write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(HostError, match="the key is encrypted"):
        pair(issuer)


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key"])
def test_without_its_files_a_server_does_not_start(issuer: Issuer, missing: str) -> None:
    issuer.write()
    (issuer.folder / missing).unlink()
    with pytest.raises(HostError, match=f"{missing}: there is no such file. Give --tls-cert-file"):
        pair(issuer)


def test_a_pair_that_does_not_fit_does_not_start(issuer: Issuer) -> None:
    issuer.write()
    issuer.write_key(issuer.ca.issue_cert("127.0.0.1"))
    with pytest.raises(HostError, match="is not that of the certificate in"):
        pair(issuer)


def test_a_key_that_may_not_be_read_is_told(issuer: Issuer) -> None:
    issuer.write()
    os.unlink(issuer.files[1])
    os.mkdir(issuer.files[1])
    with pytest.raises(HostError, match="no certificate with its key can be read from"):
        pair(issuer)
