"""What Amazon EC2 says of a machine's networks, by its instance metadata service.

Source: Amazon EC2 User Guide, "Instance metadata and user data": version 2 hands out a token for a PUT and wants it
with every GET; version 1 wants none and is switched off for many instances.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import attrs

from sriov_core.errors import HostError
from sriov_core.host.metadata import Reply, Service

PREFIX = "aws/NetworkID:"

_TOKEN = "/latest/api/token"  # noqa: S105  # a path
_MACS = "/latest/meta-data/network/interfaces/macs/"
_WITHOUT_TOKEN = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)
# A PUT is what the hop limit of the instance drops on its way back into a container; nobody else may wait for that.
_TOKEN_LIMIT_S = 2.0
_TTL_S = "60"
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_WORD = re.compile(r"[!-~]{1,4096}")
_SUBNET = re.compile(r"[A-Za-z0-9-]{1,64}")
_SWITCH_ON = "Switch the instance's metadata on: aws ec2 modify-instance-metadata-options --http-endpoint enabled"
_RAISE = "raise its hop limit: aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2"
_LATER = "Try again later, and look at the instance's metadata options"


@attrs.frozen
class _Access:
    """How this machine may ask: with a token, or without one and why."""

    headers: Mapping[str, str]
    why_without: str = ""


def networks(service: Service) -> dict[str, str]:
    """MAC to the subnet it is on; empty for a machine without interfaces. HostError as `Service.ask`, and in words."""
    access = _access(service)
    lines = (line.strip().rstrip("/").lower() for line in _get(service, access, _MACS).text.splitlines())
    macs = [line for line in lines if line]
    if wrong := next((mac for mac in macs if not _MAC.fullmatch(mac)), None):
        raise _nonsense(f"GET {_MACS}", wrong, "MAC")
    found = {mac: _subnet(service, access, mac) for mac in macs}
    return {mac: f"{PREFIX}{subnet}" for mac, subnet in found.items() if subnet}


def _access(service: Service) -> _Access:
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": _TTL_S, "Content-Length": "0"}
    try:
        reply = service.ask(_TOKEN, method="PUT", headers=headers, limit_s=_TOKEN_LIMIT_S)
    except HostError as err:
        return _Access({}, str(err))
    if reply.status in _WITHOUT_TOKEN:
        return _Access({}, f"{reply.asked} was answered with {reply.status}")
    if reply.status != HTTPStatus.OK:
        raise reply.refused(_LATER)
    if not _WORD.fullmatch(reply.text):
        raise _nonsense(reply.asked, reply.text, "token")
    return _Access({"X-aws-ec2-metadata-token": reply.text})


def _subnet(service: Service, access: _Access, mac: str) -> str:
    """The subnet without its prefix; empty for an interface that was detached since it was listed."""
    reply = _asked(service, access, f"{_MACS}{mac}/subnet-id")
    if reply.status == HTTPStatus.NOT_FOUND:
        return ""
    text = _good(reply, access).text
    if not _SUBNET.fullmatch(text):
        raise _nonsense(reply.asked, text, "subnet")
    return text.removeprefix("subnet-")


def _get(service: Service, access: _Access, path: str) -> Reply:
    return _good(_asked(service, access, path), access)


def _asked(service: Service, access: _Access, path: str) -> Reply:
    try:
        return service.ask(path, headers=access.headers)
    except HostError as err:
        if access.why_without:
            raise HostError(f"{access.why_without} And without a token: {err}") from None
        raise


def _good(reply: Reply, access: _Access) -> Reply:
    if reply.status == HTTPStatus.OK:
        return reply
    if reply.status == HTTPStatus.UNAUTHORIZED and access.why_without:
        text = f"The instance demands IMDSv2, and there is no token: {access.why_without}. In a container, {_RAISE}"
        raise reply.refused(text)
    raise reply.refused(_SWITCH_ON if reply.status == HTTPStatus.FORBIDDEN else _LATER)


def _nonsense(asked: str, found: str, wanted: str) -> HostError:
    return HostError(f"{asked} was answered with {found[:40]!r}, which is no {wanted}. Look who answers there")
