"""The operator's own certificates over time: what servers have is always trusted, and OpenSSL agrees."""

import base64
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_operator.deployment.authorities import certificates_in, encoded, encoded_key, new_authority, new_pair
from sriov_operator.deployment.certificates import AUTHORITY_LIFE, OVERLAP, SERVING_LIFE, SOON, Outcome, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("hook.ns.svc", "hook.ns.svc.cluster.local")
DAY = timedelta(days=1)


def first(now: datetime = NOW) -> Outcome:
    return decide({}, now, NAMES)


def begin(found: Outcome) -> datetime:
    return certificates_in(found.data["tls.crt"])[0].not_valid_before_utc


def authorities(found: Outcome) -> list[datetime]:
    return [one.not_valid_before_utc for one in certificates_in(found.bundle)]


def handshake(folder: Path, data: Mapping[str, bytes], bundle: bytes, name: str) -> str:
    """What a client that trusts the bundle makes of a server with this data; the time is now."""
    (folder / "pair.pem").write_bytes(data["tls.crt"] + data["tls.key"])
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=bundle.decode())
    server.load_cert_chain(folder / "pair.pem")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(up, down, server_side=True), client.wrap_bio(down, up, server_hostname=name)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as err:
                return str(err)
    return ends[1].version() or ""


@pytest.mark.parametrize("name", NAMES)
def test_a_new_certificate_is_taken_by_openssl_for_both_names(tmp_path: Path, name: str) -> None:
    found = first(datetime.now(UTC))
    assert handshake(tmp_path, found.data, found.bundle, name) == "TLSv1.3"
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(tmp_path, found.data, found.bundle, "other.ns.svc")
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(tmp_path, found.data, first(datetime.now(UTC)).bundle, name)


def test_what_was_made_stays_for_two_thirds_of_its_time() -> None:
    made = first()
    for day in (0, 1, 30, 59):
        later = decide(made.data, NOW + day * DAY, NAMES, trusted=made.bundle)
        assert (later.data, later.bundle, later.remark) == (made.data, made.bundle, "")
    assert made.next_look == begin(made) + (made.expires - begin(made)) * 2 / 3
    assert NOW + 59 * DAY < made.next_look < NOW + 60 * DAY


def test_a_serving_certificate_is_renewed_in_time_by_the_same_authority() -> None:
    made = first()
    later = decide(made.data, made.next_look, NAMES, trusted=made.bundle)
    assert later.data["ca.crt"] == made.data["ca.crt"]
    assert later.data["tls.crt"] != made.data["tls.crt"]
    assert later.expires == made.next_look + SERVING_LIFE
    assert later.remark == ""


@pytest.mark.parametrize(
    ("left", "trusted"),
    [
        pytest.param({"tls.crt", "tls.key", "ca.crt"}, False, id="the-key-of-the-authority-is-lost"),
        pytest.param({"ca.crt", "ca.key", "tls.crt"}, False, id="the-key-of-the-server-is-lost"),
        pytest.param(set(), True, id="the-secret-was-deleted"),
    ],
)
def test_servers_that_have_not_heard_of_a_certificate_made_anew_are_trusted_for_another_day(
    tmp_path: Path, left: set[str], trusted: bool
) -> None:
    now = datetime.now(UTC)
    old = first(now)
    data = {key: value for key, value in old.data.items() if key in left and key != "tls.crt"}
    if "ca.crt" in left:
        data["tls.crt"] = b"garbage"
    found = decide(data, now, NAMES, trusted=old.bundle if trusted else b"")
    assert found.data["tls.crt"] != old.data["tls.crt"]
    for serving in (old.data, found.data):
        assert handshake(tmp_path, serving, found.bundle, NAMES[0]) == "TLSv1.3"
    later = decide(found.data, now + OVERLAP + SOON, NAMES, trusted=found.bundle)
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(tmp_path, old.data, later.bundle, NAMES[0]) or (
        certificates_in(old.bundle)[0] == certificates_in(later.bundle)[0]
    )
    assert handshake(tmp_path, found.data, later.bundle, NAMES[0]) == "TLSv1.3"


def aged(now: datetime = NOW) -> Outcome:
    """As things stand when the authority is due: its last serving certificate was made a moment ago."""
    made = first(now - AUTHORITY_LIFE * 2 / 3)
    return decide(made.data, now - DAY / 2, NAMES, trusted=made.bundle)


def test_an_authority_is_renewed_step_by_step_and_both_are_trusted_meanwhile() -> None:
    old = aged()
    both = decide(old.data, NOW, NAMES, trusted=old.bundle)
    assert len(authorities(both)) == 2
    assert both.data["tls.crt"] == old.data["tls.crt"], "nobody trusts the new one yet"
    assert both.next_look == NOW + SOON
    assert decide(both.data, NOW + SOON, NAMES).data == both.data, "it is not known what the API server has"
    moved = decide(both.data, NOW + SOON, NAMES, trusted=both.bundle)
    assert moved.data["tls.crt"] != old.data["tls.crt"]
    assert moved.bundle == both.bundle
    settled = decide(moved.data, moved.next_look, NAMES, trusted=moved.bundle)
    assert moved.next_look == NOW + SOON + OVERLAP
    assert authorities(settled) == authorities(both)[:1]
    assert settled.data["tls.crt"] == moved.data["tls.crt"]
    assert {both.remark, moved.remark, settled.remark} == {""}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(min_value=0.01, max_value=50.0), min_size=5, max_size=30), st.booleans())
def test_whenever_it_is_looked_at_what_is_served_is_trusted(pauses: list[float], restarts: bool) -> None:
    """Servers have the data of this look or of the one before, and the API server has that bundle or the next."""
    now = NOW
    before = aged(now)
    for pause in pauses:
        now += timedelta(days=pause)
        found = decide(before.data, now, NAMES, trusted=b"" if restarts else before.bundle)
        for data in (found.data, before.data):
            (pair,) = certificates_in(data["tls.crt"])
            if pair.not_valid_after_utc > now:
                assert pair.issuer in {root.subject for root in certificates_in(found.bundle)}
        assert found.expires > now
        before = found


def other(key: str) -> bytes:
    return first(NOW).data[key]


GARBAGE = [
    pytest.param({"tls.crt": b"", "tls.key": b""}, "there was no certificate", id="empty-certificate"),
    pytest.param({"tls.crt": b"nonsense", "tls.key": b"x"}, "there was no certificate", id="no-pem"),
    pytest.param({"some": b"thing"}, "there was no authority that can be read", id="something-else"),
    pytest.param({"ca.key": b"x", "ca.crt": b"\xff\xfe"}, "there was no authority that can be read", id="bytes"),
]


@pytest.mark.parametrize(("data", "why"), GARBAGE)
def test_garbage_is_replaced_and_told_of(data: dict[str, bytes], why: str) -> None:
    found = decide(data, NOW, NAMES)
    assert why in found.remark
    assert set(found.data) == {"tls.crt", "tls.key", "ca.crt", "ca.key"}
    assert decide(found.data, NOW, NAMES).data == found.data


@pytest.mark.parametrize(
    ("key", "value", "why", "keeps_authority"),
    [
        pytest.param("tls.crt", b"-----BEGIN CERTIFICATE-----\n", "can be read", True, id="certificate-cut-off"),
        pytest.param("tls.key", b"", "can be read", True, id="key-gone"),
        pytest.param("tls.key", "tls.key", "its key belongs to another certificate", True, id="key-of-another"),
        pytest.param("ca.key", "ca.key", "does not belong to its certificate", False, id="authority-key-of-another"),
        pytest.param("ca.crt", b"x", "no authority that can be read", False, id="authority-gone"),
    ],
)
def test_a_part_that_was_damaged_is_mended(key: str, value: Any, why: str, keeps_authority: bool) -> None:
    made = first()
    spoilt = {**made.data, key: value if isinstance(value, bytes) else other(value)}
    found = decide(spoilt, NOW + DAY, NAMES, trusted=made.bundle)
    assert why in found.remark
    assert (found.bundle == made.bundle) is keeps_authority
    assert decide(found.data, NOW + DAY, NAMES, trusted=found.bundle).remark == ""


@pytest.mark.parametrize(
    ("days", "why"),
    [
        pytest.param(91, "the certificate is valid from", id="serving"),
        pytest.param(365 * 5 + 1, "the authority is valid from", id="authority"),
        pytest.param(-2, "the authority is valid from", id="not-yet"),
    ],
)
def test_what_has_expired_while_nobody_looked_is_made_anew_and_told_of(days: int, why: str) -> None:
    found = decide(first().data, NOW + days * DAY, NAMES)
    assert why in found.remark
    assert found.expires == NOW + days * DAY + SERVING_LIFE


def test_other_names_take_another_certificate() -> None:
    made = first()
    found = decide(made.data, NOW, ("hook.other.svc", NAMES[1]), trusted=made.bundle)
    assert "it is not for hook.other.svc" in found.remark
    assert found.bundle == made.bundle


def foreign(end: timedelta = 10 * DAY, *, chain: bool = False) -> dict[str, bytes]:
    """A Secret of somebody else, as cert-manager or a person makes it: no key of the authority in it."""
    root = new_authority("root", NOW - DAY, NOW + 100 * DAY)
    pair = new_pair(root, NAMES, NOW - DAY, NOW + end)
    text = encoded((*pair.chain, *root.certificates)) if chain else encoded(pair.chain)
    return {"tls.crt": text, "tls.key": pair.key, "ca.crt": encoded(root.certificates)}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(foreign(), id="as-pem"),
        pytest.param(foreign(chain=True), id="with-its-authority-behind-it"),
    ],
)
def test_the_certificate_of_somebody_else_is_used_and_left_alone(data: dict[str, bytes]) -> None:
    found = decide(data, NOW, NAMES)
    assert (found.data, found.remark) == (data, "")
    assert found.bundle == data["ca.crt"]
    assert found.next_look == found.expires == NOW + 10 * DAY


def test_an_authority_in_base64_once_more_as_charts_write_it_is_understood() -> None:
    data = foreign()
    found = decide({**data, "ca.crt": base64.b64encode(data["ca.crt"])}, NOW, NAMES)
    assert (found.bundle, found.remark) == (data["ca.crt"], "")


def test_the_certificate_of_somebody_else_is_replaced_once_it_is_over_or_not_vouched_for() -> None:
    assert "valid from" in decide(foreign(), NOW + 11 * DAY, NAMES).remark
    mixed = {**foreign(), "ca.crt": foreign()["ca.crt"]}
    assert "its ca.crt does not vouch for it" in decide(mixed, NOW, NAMES).remark
    assert "it is not for" in decide(foreign(), NOW, ("other.ns.svc",)).remark


def test_keys_of_other_kinds_are_no_authority_and_no_crash() -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = decide({**first().data, "ca.key": key}, NOW, NAMES)
    assert "does not belong to its certificate" in found.remark
    locked = new_authority("x", NOW, NOW + DAY).key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert "can be read" in decide({**first().data, "ca.key": locked}, NOW, NAMES).remark


@given(st.dictionaries(st.sampled_from(["tls.crt", "tls.key", "ca.crt", "ca.key", "x"]), st.binary(max_size=40)))
@settings(max_examples=30, deadline=None)
def test_whatever_is_in_the_secret_there_is_a_certificate_afterwards(data: dict[str, bytes]) -> None:
    found = decide(data, NOW, NAMES)
    assert found.expires == NOW + SERVING_LIFE
    assert bool(found.remark) is bool(data)


def test_one_secret_may_serve_both_webhooks(tmp_path: Path) -> None:
    both = (*NAMES, "injector.ns.svc")
    found = decide({}, datetime.now(UTC), both)
    for name in both:
        assert handshake(tmp_path, found.data, found.bundle, name) == "TLSv1.3"


def test_a_long_name_fits() -> None:
    name = f"{'a' * 60}.{'b' * 60}.svc"
    found = decide({}, NOW, (name,))
    (one,) = certificates_in(found.data["tls.crt"])
    names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [name]
    assert encoded_key(new_authority(name, NOW, NOW + DAY).key).startswith(b"-----BEGIN PRIVATE KEY-----")
