"""The operator's own certificates: what to do about a Secret, given what is in it and the time. Nothing here does I/O.

A Secret holds a serving certificate (``tls.crt``, ``tls.key``) and the authority that signed it (``ca.key``, and first
in ``ca.crt``). Both are renewed when two thirds of their time are over. An authority is renewed in steps, each of which
can be the last one for a while: the new one is added to ``ca.crt``; once the API server trusts both, it signs the
serving certificate; a day later, when all servers have that, the old one goes.

A Secret of somebody else, with a certificate that its ``ca.crt`` vouches for and without ``ca.key``, is used as it is
for as long as it is good. Anything else is made anew, and the remark says why. What was trusted before is trusted for
that day beside it: servers have what they had until the kubelet brings them the new certificate.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs
from cryptography.x509 import Certificate

from sriov_operator.deployment.authorities import (
    Authority,
    Pair,
    authority_in,
    certificates_in,
    encoded,
    encoded_key,
    is_issued_by,
    is_vouched,
    new_authority,
    new_pair,
    pair_in,
)

AUTHORITY_LIFE = timedelta(days=5 * 365)
SERVING_LIFE = timedelta(days=90)
OVERLAP = timedelta(days=1)
"""How long an old authority is trusted after its last certificate was replaced; kubelets take minutes."""
SOON = timedelta(minutes=1)
"""When to look again while it is not known whether the API server has the whole bundle."""
SKEW = timedelta(hours=1)
"""Certificates begin in the past by this, since clocks of nodes may be behind."""

_MOST_KEPT = 2
"""Of former authorities, when everything is made anew: the one that signed, and the one before it."""

CRT, KEY, CA, CA_KEY = "tls.crt", "tls.key", "ca.crt", "ca.key"

Data = Mapping[str, bytes]


@attrs.frozen(kw_only=True)
class Outcome:
    """What becomes of a Secret: ``data`` is written when it differs from what is there.

    ``bundle`` (PEM) is what the API server has to trust, ``expires`` when the serving certificate ends, ``next_look``
    when something is due. ``remark`` tells why something was made anew out of turn; empty when nothing was.
    """

    data: Data
    bundle: bytes
    expires: datetime
    next_look: datetime
    remark: str = ""


def decide(data: Data, now: datetime, names: Sequence[str], *, trusted: bytes = b"") -> Outcome:
    """What the Secret of a server with these DNS names shall hold.

    ``trusted`` is the bundle that the API server is known to have by now; empty when nothing is known.
    """
    if CRT in data and CA_KEY not in data:
        foreign, why = _foreign(data, now, names)
        return foreign or _anew(now, names, why, _trusted_before(data, trusted))
    authority, why = authority_in(data.get(CA, b""), data.get(CA_KEY, b""), now)
    if authority is None:
        return _anew(now, names, why if data else "", _trusted_before(data, trusted))
    if now >= _due(authority.current):
        fresh = _authority(now, names)
        authority = attrs.evolve(fresh, certificates=(fresh.current, *authority.certificates))
    return _served(data, authority, now, names, trusted=trusted)


def _served(data: Data, authority: Authority, now: datetime, names: Sequence[str], *, trusted: bytes) -> Outcome:
    """With an authority that is good: the serving certificate as it is, or signed anew."""
    pair, why = pair_in(data.get(CRT, b""), data.get(KEY, b""), now, names)
    if pair and not is_vouched(pair.chain, authority.certificates):
        pair, why = None, "another authority signed it"
    if pair is None or _is_over(pair, authority, now, is_known=trusted == encoded(authority.certificates)):
        pair = _pair(authority, now, names)
    if now >= _settled(pair, authority):
        authority = attrs.evolve(authority, certificates=authority.certificates[:1])
    return _outcome(authority, pair, now, why and f"the serving certificate was made anew, because {why}")


def _is_over(pair: Pair, authority: Authority, now: datetime, *, is_known: bool) -> bool:
    """True when a good certificate is to be signed anew: it is due, or its authority is on its way out.

    A new authority signs nothing before the API server is known to trust it.
    """
    if is_issued_by(pair.certificate, authority.current):
        return now >= _due(pair.certificate)
    return is_known


def _foreign(data: Data, now: datetime, names: Sequence[str]) -> tuple[Outcome | None, str]:
    """The Secret of somebody else as it is, or what is wrong with it."""
    pair, why = pair_in(data.get(CRT, b""), data.get(KEY, b""), now, names)
    roots = certificates_in(data.get(CA, b""))
    if pair is None or not is_vouched(pair.chain, roots):
        return None, why or f"its {CA} does not vouch for it"
    end = pair.certificate.not_valid_after_utc
    return Outcome(data=data, bundle=encoded(roots), expires=end, next_look=end), ""


def _trusted_before(data: Data, trusted: bytes) -> Sequence[Certificate]:
    return certificates_in(data.get(CA, b"")) or certificates_in(trusted)


def _anew(now: datetime, names: Sequence[str], why: str, before: Sequence[Certificate]) -> Outcome:
    fresh = _authority(now, names)
    still = [one for one in before if now < one.not_valid_after_utc]
    authority = attrs.evolve(fresh, certificates=(fresh.current, *still[:_MOST_KEPT]))
    remark = why and f"the certificate and its authority were made anew, because {why}"
    return _outcome(authority, _pair(authority, now, names), now, remark)


def _outcome(authority: Authority, pair: Pair, now: datetime, remark: str) -> Outcome:
    bundle = encoded(authority.certificates)
    due = [_due(authority.current), _due(pair.certificate)]
    if len(authority.certificates) > 1:
        moved = is_issued_by(pair.certificate, authority.current)
        due = [*due[:1], _settled(pair, authority) if moved else now + SOON]
    return Outcome(
        data={CRT: encoded(pair.chain), KEY: pair.key, CA: bundle, CA_KEY: encoded_key(authority.key)},
        bundle=bundle,
        expires=pair.certificate.not_valid_after_utc,
        next_look=max(min(due), now + SOON),
        remark=remark,
    )


def _settled(pair: Pair, authority: Authority) -> datetime:
    """From when on only the current authority is needed."""
    if not is_issued_by(pair.certificate, authority.current):
        return pair.certificate.not_valid_after_utc
    return pair.certificate.not_valid_before_utc + SKEW + OVERLAP


def _due(certificate: Certificate) -> datetime:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begin + (end - begin) * 2 / 3


def _authority(now: datetime, names: Sequence[str]) -> Authority:
    name = f"{names[0]} {now:%Y-%m-%dT%H:%M:%SZ}"
    return new_authority(name, now - SKEW, now + AUTHORITY_LIFE)


def _pair(authority: Authority, now: datetime, names: Sequence[str]) -> Pair:
    return new_pair(authority, names, now - SKEW, now + SERVING_LIFE)
