"""Facts around the functions of a machine: devlink parameters, firmware, Open vSwitch. Nothing here does I/O."""

import enum
from typing import Annotated, Literal

import msgspec

Guid = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}:){7}[0-9a-f]{2}$")]


class _Facts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


TableLayout = Literal["narrow", "wide"]
"""How wide mstconfig's columns are; its releases differ."""


class ParameterMode(enum.StrEnum):
    """When a devlink parameter takes effect: at once, with the next reload, or with the next boot."""

    RUNTIME = "runtime"
    DRIVERINIT = "driverinit"
    PERMANENT = "permanent"


class ParameterFacts(_Facts):
    """A devlink parameter. Reading tells ``pending`` where there is one, as the kernel does of driverinit values.

    ``default`` is what it has after a boot (None: the first ``value``). ``choices`` are the values that the kernel
    driver takes (empty: any).
    """

    value: str
    mode: ParameterMode = ParameterMode.RUNTIME
    pending: str | None = None
    default: str | None = None
    choices: list[str] = []


class CardFacts(_Facts):
    """The firmware that some functions share, as mstconfig shows it.

    ``default``, ``current`` and ``next`` map a setting to its value as the tool prints it (``True(1)``, ``ETH(2)``,
    ``8``). What ``current`` or ``next`` leave out is as in the place before it. ``max_vfs`` is the most that
    NUM_OF_VFS takes, ``read_only`` are settings that cannot be set. With ``failure`` every call fails with that text;
    ``reset_failure`` is what mstfwreset says instead of resetting.
    """

    functions: list[str]
    type: str
    name: str = "N/A"
    description: str = "N/A"
    psid: str = ""
    default: dict[str, str] = {}
    current: dict[str, str] = {}
    next: dict[str, str] = {}
    max_vfs: int = 127
    read_only: list[str] = []
    failure: str = ""
    reset_failure: str = ""


class UplinkFacts(_Facts):
    """A row of OVSDB's table Interface with its port; ``error`` is what ovs-vswitchd wrote into it."""

    name: str
    type: str = ""
    options: dict[str, str] = {}
    external_ids: dict[str, str] = {}
    other_config: dict[str, str] = {}
    mtu_request: int | None = None
    error: str = ""


class BridgeFacts(_Facts):
    """A row of OVSDB's table Bridge, with the one port beside its own that matters here."""

    name: str
    datapath_type: str = ""
    fail_mode: str = ""
    external_ids: dict[str, str] = {}
    other_config: dict[str, str] = {}
    uplink: UplinkFacts | None = None


class OvsFacts(_Facts):
    """Open vSwitch. ``other_config`` is the root row's; ``offloading`` what ovs-vswitchd made of it when it started.

    ``error`` is why the server does not answer. ``running`` says whether ovs-vswitchd runs under ``service``.
    """

    bridges: list[BridgeFacts] = []
    other_config: dict[str, str] = {}
    service: str | None = "ovs-vswitchd.service"
    running: bool = True
    offloading: bool = False
    error: str = ""
