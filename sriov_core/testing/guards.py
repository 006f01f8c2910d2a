"""Hosts that let less through: one without verbs for code that only looks, one on which planned accidents happen."""

import inspect
from collections.abc import Callable
from typing import Any, cast

from sriov_core.host.ports import Host
from sriov_core.model.bridges import Bridge
from sriov_core.plugin.reader import HostReader
from sriov_core.testing.faults import Faults


def _methods(port: type) -> frozenset[str]:
    return frozenset(name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_"))


_READS = _methods(HostReader)
_VERBS = _methods(Host) - _READS - {"open_vswitch"}  # that one only looks


class Wrote(BaseException):
    """A hook that may only look tried to write. No ``except Exception`` may hide it."""


class _ReadOnly:
    def __init__(self, host: HostReader) -> None:
        self.__host = host

    def __getattr__(self, name: str) -> Any:
        if name not in _READS:
            raise Wrote(f"{name!r} was asked of a host that is there to be looked at; HostReader has no such method")
        return getattr(self.__host, name)


class _Struck:
    def __init__(self, host: Host, faults: Faults) -> None:
        self.__host = host
        self.__faults = faults

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self.__host, name)
        if name not in _VERBS:
            return method

        def verb(*args: Any, **kwargs: Any) -> None:
            target = args[0].name if isinstance(args[0], Bridge) else args[0]
            begun = self.__faults.before(name, target)
            method(*args, **kwargs)
            self.__faults.after(begun)

        return verb


def read_only(host: HostReader) -> HostReader:
    """The host without its verbs: touching one raises `Wrote`."""
    return cast(HostReader, _ReadOnly(host))


def struck(host: Host, faults: Faults) -> Host:
    """The host with planned accidents, whatever kind of host it is."""
    return cast(Host, _Struck(host, faults))
