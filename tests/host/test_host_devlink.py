"""devlink: parameters by their own types, versions, reloads, and what the kernel says when it will not.

The kernel here is a fake that is spoken to in bytes. It answers as net/devlink/param.c, dev.c and netlink.c do: ENODEV
for a device without an instance, EINVAL for a parameter that is not there, a value only in the mode it was set in, an
acknowledgement only for an order. The real one is driven in the lab.
"""

import errno
import struct
from typing import Any

import attrs
import pytest
from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST
from pyroute2.netlink.devlink import DEVLINK_NAMES
from pyroute2.netlink.exceptions import NetlinkError

from sriov_core.errors import HostError
from sriov_core.host.devlink import Devlink
from sriov_core.host.devlinkmessages import DevlinkMessage
from sriov_core.host.devlinkvalues import Parameter, as_bytes, as_text
from sriov_core.host.netlink import attribute, attributes, nested, text
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode

NIC = Address("0000:3b:00.0")
OTHER = Address("0000:5e:00.0")
# include/uapi/linux/devlink.h
GET, ESWITCH_GET, ESWITCH_SET, RELOAD, PARAM_GET, PARAM_SET, INFO_GET = 1, 29, 30, 37, 38, 39, 51
BUS_NAME, DEV_NAME, ESWITCH_MODE = 1, 2, 25
PARAM, PARAM_NAME, PARAM_GENERIC, PARAM_TYPE, VALUES, VALUE, VALUE_DATA, VALUE_CMODE = range(80, 88)
FIXED, RUNNING, STORED, VERSION_NAME, VERSION_VALUE = range(100, 105)
U8, U16, U32, STRING, FLAG, U64, NESTED = 1, 2, 3, 5, 6, 4, 8
RUNTIME, DRIVERINIT, PERMANENT = 0, 1, 2

Values = dict[int, bytes | None]


@attrs.define
class Kernel:
    """One devlink instance, and what was ordered of it. ``params`` is name to type and value by configuration mode."""

    params: dict[str, tuple[int, Values]] = attrs.Factory(dict)
    info: bytes = b""
    mode: int | None = 0
    refuses: dict[int, tuple[int, str]] = attrs.Factory(dict)
    orders: list[tuple[int, dict[int, bytes]]] = attrs.Factory(list)
    prid: int = 21

    def close(self) -> None:
        """As a socket's."""

    def nlm_request(self, message: Any, *, msg_type: int, msg_flags: int) -> list[Any]:
        assert msg_type == self.prid
        message.encode()
        command, asked = message.data[16], dict(attributes(bytes(message.data[20:])))
        if command in self.refuses:
            raise NetlinkError(*self.refuses[command])
        if (asked[BUS_NAME], asked[DEV_NAME]) != (b"pci\0", NIC.name.encode() + b"\0"):
            raise NetlinkError(errno.ENODEV, "No such device")
        if msg_flags == NLM_F_REQUEST | NLM_F_ACK:
            self.orders.append((command, asked))
            self._obey(command, asked)
            return []
        assert msg_flags == NLM_F_REQUEST
        return [self._message(self._tell(command, asked))]

    def _obey(self, command: int, asked: dict[int, bytes]) -> None:
        if command == PARAM_SET:
            kind, values = self.params[asked[PARAM_NAME].rstrip(b"\0").decode()]
            assert asked[PARAM_TYPE] == bytes([kind])
            values[asked[VALUE_CMODE][0]] = asked.get(VALUE_DATA)
        elif command == ESWITCH_SET:
            self.mode = struct.unpack("=H", asked[ESWITCH_MODE])[0]

    def _tell(self, command: int, asked: dict[int, bytes]) -> bytes:
        if command == ESWITCH_GET:
            if self.mode is None:
                raise NetlinkError(errno.EOPNOTSUPP, "Operation not supported")
            return attribute(ESWITCH_MODE, struct.pack("=H", self.mode))
        if command == INFO_GET:
            return self.info
        if command == PARAM_GET:
            name = asked[PARAM_NAME].rstrip(b"\0").decode()
            if name not in self.params:
                raise NetlinkError(errno.EINVAL, "Invalid argument")
            return parameter(name, *self.params[name])
        return b""

    def _message(self, body: bytes) -> Any:
        size = struct.pack("=IHHII", 20 + len(body), self.prid, 0, 1, 0)
        message = DevlinkMessage(size + struct.pack("=BBH", 0, 1, 0) + body)
        message.decode()
        return message


def parameter(name: str, kind: int, values: Values) -> bytes:
    listed = (
        nested(VALUE, attribute(VALUE_CMODE, bytes([mode])), *([] if data is None else [attribute(VALUE_DATA, data)]))
        for mode, data in values.items()
    )
    told = (text(PARAM_NAME, name), attribute(PARAM_GENERIC, b""), attribute(PARAM_TYPE, bytes([kind])))
    return nested(PARAM, *told, nested(VALUES, *listed))


def version(group: int, name: str, value: str) -> bytes:
    return nested(group, text(VERSION_NAME, name), text(VERSION_VALUE, value))


def devlink(kernel: Kernel) -> Devlink:
    return Devlink(10, 10, lambda: kernel)


KINDS = [
    pytest.param(U8, b"\x07", "7", id="eight-bits"),
    pytest.param(U16, struct.pack("=H", 1000), "1000", id="sixteen-bits"),
    pytest.param(U32, struct.pack("=I", 64), "64", id="thirty-two-bits"),
    pytest.param(U64, struct.pack("=Q", 1 << 40), "1099511627776", id="sixty-four-bits"),
    pytest.param(STRING, b"smfs\0", "smfs", id="string"),
    pytest.param(STRING, b"\0", "", id="empty-string"),
    pytest.param(FLAG, b"", "true", id="flag-that-is-on"),
    pytest.param(FLAG, None, "false", id="flag-that-is-off"),
]


@pytest.mark.parametrize(("kind", "data", "value"), KINDS)
def test_a_value_is_read_by_its_own_type(kind: int, data: bytes | None, value: str) -> None:
    assert devlink(Kernel({"it": (kind, {RUNTIME: data})})).parameter(NIC, "it") == value
    assert as_bytes(Parameter(name="it", kind=kind, mode=0, value=None), value) == data


@pytest.mark.parametrize(("kind", "data", "value"), KINDS)
def test_a_value_is_set_by_its_own_type_in_the_mode_that_was_found(kind: int, data: bytes | None, value: str) -> None:
    other = {FLAG: b"" if data is None else None, STRING: b"dmfs\0"}.get(kind, bytes(len(data or b"")))
    kernel = Kernel({"it": (kind, {DRIVERINIT: other, PERMANENT: other})})
    devlink(kernel).set_parameter(NIC, "it", value)
    assert kernel.params["it"] == (kind, {DRIVERINIT: data, PERMANENT: other})
    assert devlink(kernel).parameter(NIC, "it") == value


def test_the_order_to_set_a_parameter_holds_what_the_kernel_asks_for() -> None:
    kernel = Kernel({"max_macs": (U32, {DRIVERINIT: struct.pack("=I", 32)})})
    devlink(kernel).set_parameter(NIC, "max_macs", "64")
    asked = {
        BUS_NAME: b"pci\0",
        DEV_NAME: b"0000:3b:00.0\0",
        PARAM_NAME: b"max_macs\0",
        PARAM_TYPE: b"\x03",
        VALUE_CMODE: b"\x01",
        VALUE_DATA: struct.pack("=I", 64),
    }
    assert kernel.orders == [(PARAM_SET, asked)]


def test_a_value_that_is_there_already_is_not_set_again() -> None:
    kernel = Kernel({"max_macs": (U32, {DRIVERINIT: struct.pack("=I", 32)})})
    devlink(kernel).set_parameter(NIC, "max_macs", "32")
    assert kernel.orders == []


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        pytest.param(U32, "many", "the parameter takes a number from 0 to 4294967295", id="word-for-a-number"),
        pytest.param(U32, "4294967296", "the parameter takes a number from 0 to 4294967295", id="too-large"),
        pytest.param(U8, "256", "the parameter takes a number from 0 to 255", id="too-large-for-eight-bits"),
        pytest.param(U16, "-1", "the parameter takes a number from 0 to 65535", id="negative"),
        pytest.param(U32, "٣", "the parameter takes a number from 0 to 4294967295", id="digits-of-another-script"),
        pytest.param(U32, "", "the parameter takes a number from 0 to 4294967295", id="nothing"),
        pytest.param(FLAG, "1", "the parameter takes true or false", id="number-for-a-flag"),
        pytest.param(NESTED, "x", "the parameter takes values of a type that is not known here (8)", id="unknown-type"),
    ],
)
def test_a_value_that_does_not_fit_the_type_is_refused_with_what_would(kind: int, value: str, words: str) -> None:
    kernel = Kernel({"it": (kind, {RUNTIME: b"\0\0\0\0"})})
    with pytest.raises(OSError, match="the parameter takes") as caught:
        devlink(kernel).set_parameter(NIC, "it", value)
    assert (caught.value.errno, caught.value.strerror) == (errno.EINVAL, words)
    assert kernel.orders == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        pytest.param(U32, b"\0\0", id="number-of-another-size"),
        pytest.param(U32, None, id="number-without-a-value"),
        pytest.param(STRING, None, id="string-without-a-value"),
        pytest.param(NESTED, b"x", id="unknown-type"),
    ],
)
def test_a_value_that_cannot_be_told_is_none(kind: int, data: bytes | None) -> None:
    assert as_text(kind, data) is None
    assert devlink(Kernel({"it": (kind, {RUNTIME: data})})).parameter(NIC, "it") is None


@pytest.mark.parametrize(
    ("kernel", "address"),
    [
        pytest.param(Kernel(), NIC, id="no-such-parameter"),
        pytest.param(Kernel({"it": (U32, {})}), NIC, id="no-value-in-any-mode"),
        pytest.param(Kernel({"it": (U32, {0: b"\0\0\0\0"})}), OTHER, id="no-such-device"),
        pytest.param(Kernel(refuses={PARAM_GET: (errno.EOPNOTSUPP, "x")}), NIC, id="driver-without-parameters"),
        pytest.param(Kernel(refuses={PARAM_GET: (errno.EPERM, "x")}), OTHER, id="not-allowed-and-no-such-device"),
    ],
)
def test_what_is_not_there_is_none_and_cannot_be_set(kernel: Kernel, address: Address) -> None:
    assert devlink(kernel).parameter(address, "it") is None
    with pytest.raises(OSError, match="the device has no such devlink parameter") as caught:
        devlink(kernel).set_parameter(address, "it", "1")
    assert caught.value.errno == errno.EOPNOTSUPP


def test_the_version_that_runs_counts_before_the_fixed_and_the_stored_one() -> None:
    info = [
        version(FIXED, "board.id", "K88148-000"),
        version(FIXED, "fw", "1.0"),
        version(RUNNING, "fw", "2.0"),
        version(STORED, "fw", "3.0"),
        version(STORED, "fw.undi", "1.3805.0"),
        version(RUNNING, "fw.mgmt", "7.4.13"),
    ]
    for told in (info, info[::-1]):
        assert devlink(Kernel(info=b"".join(told))).versions(NIC) == {
            "board.id": "K88148-000",
            "fw": "2.0",
            "fw.undi": "1.3805.0",
            "fw.mgmt": "7.4.13",
        }


def test_a_device_without_versions_has_none() -> None:
    assert devlink(Kernel()).versions(NIC) == {}
    assert devlink(Kernel()).versions(OTHER) == {}
    assert devlink(Kernel(refuses={INFO_GET: (errno.EOPNOTSUPP, "x")})).versions(NIC) == {}


def test_a_reload_names_the_device_and_no_action() -> None:
    kernel = Kernel()
    devlink(kernel).reload(NIC)
    assert kernel.orders == [(RELOAD, {BUS_NAME: b"pci\0", DEV_NAME: b"0000:3b:00.0\0"})]


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(lambda found: found.reload(NIC), id="reload"),
        pytest.param(lambda found: found.set_parameter(NIC, "it", "1"), id="parameter"),
        pytest.param(lambda found: found.set_eswitch_mode(NIC, EswitchMode.SWITCHDEV), id="eswitch-mode"),
    ],
)
def test_a_refused_order_carries_the_kernel_s_errno_and_sentence(order: Any) -> None:
    said = (errno.EBUSY, "netdevsim: it will not")
    kernel = Kernel({"it": (U8, {RUNTIME: b"\0"})}, refuses=dict.fromkeys((RELOAD, PARAM_SET, ESWITCH_SET), said))
    with pytest.raises(OSError, match="it will not") as caught:
        order(devlink(kernel))
    assert (caught.value.errno, caught.value.strerror) == said


def test_the_eswitch_mode_is_set_and_read() -> None:
    kernel = Kernel()
    found = devlink(kernel)
    assert found.eswitch_mode(NIC) is EswitchMode.LEGACY
    found.set_eswitch_mode(NIC, EswitchMode.SWITCHDEV)
    assert found.eswitch_mode(NIC) is EswitchMode.SWITCHDEV
    assert devlink(Kernel(mode=None)).eswitch_mode(NIC) is None


@pytest.mark.parametrize(
    ("command", "ask", "what"),
    [
        pytest.param(ESWITCH_GET, lambda found: found.eswitch_mode(NIC), "the eswitch mode", id="eswitch-mode"),
        pytest.param(PARAM_GET, lambda found: found.parameter(NIC, "x"), "the parameter x", id="parameter"),
        pytest.param(INFO_GET, lambda found: found.versions(NIC), "the versions", id="versions"),
    ],
)
def test_who_may_not_ask_is_told_what_and_why(command: int, ask: Any, what: str) -> None:
    with pytest.raises(HostError) as caught:
        ask(devlink(Kernel(refuses={command: (errno.EPERM, "Operation not permitted")})))
    told = f"{NIC}: devlink tells {what} to privileged users only: run as root (CAP_NET_ADMIN, CAP_SYS_ADMIN)"
    assert str(caught.value) == told
    with pytest.raises(HostError) as caught:
        ask(devlink(Kernel(refuses={command: (errno.EIO, "Input/output error")})))
    assert str(caught.value) == f"{NIC}: cannot read {what} through devlink: Input/output error"


def test_the_numbers_here_are_those_of_the_library() -> None:
    numbers = {name: DEVLINK_NAMES[f"DEVLINK_CMD_{name}"] for name in ("RELOAD", "PARAM_GET", "PARAM_SET", "INFO_GET")}
    assert numbers == {"RELOAD": RELOAD, "PARAM_GET": PARAM_GET, "PARAM_SET": PARAM_SET, "INFO_GET": INFO_GET}
    names = [name for name, _ in DevlinkMessage.nla_map]
    assert names.index("DEVLINK_ATTR_PARAM_VALUE_DATA") == VALUE_DATA
    assert names.index("DEVLINK_ATTR_INFO_VERSION_VALUE") == VERSION_VALUE
