"""``--host FILE``: a machine in memory from a capture, a support bundle or a node state, and saving it again."""

import sys

from sriov_core.cli import bundleread
from sriov_core.errors import HostError, SpecError
from sriov_core.host.ports import Host
from sriov_core.testing import trees
from sriov_core.testing.world import FakeWorld

LARGEST_BYTES = 50_000_000
_MARK = "SriovNetworkNodeState"
_STANDARD_INPUT = "standard input"
_WANTED = "--host takes a tree written by `capture`, a support bundle, or a SriovNetworkNodeState"


def simulated_host(path: str) -> FakeWorld:
    """The machine in a file. HostError when it cannot be read, SpecError when it describes no machine."""
    data, called = _read(path)
    if bundleread.is_compressed(data):
        return FakeWorld(trees.loads(bundleread.capture_in(data, called), name=f"{called} (capture.json)"))
    text = _decoded(data, called)
    if _MARK in text:
        return _from_node_state(text, path)
    try:
        return FakeWorld(trees.loads(text, name=path))
    except SpecError as err:
        raise SpecError(f"{err}. {_WANTED}") from err


def save(host: Host, path: str) -> None:
    """Write what has become of a simulated machine; ``.json`` gives JSON, anything else YAML."""
    if isinstance(host, FakeWorld):
        dump = trees.dump_json if path.endswith(".json") else trees.dump_yaml
        write_text(path, dump(host.tree()))


def must_be_simulated(simulated: str | None) -> None:
    """SpecError, before anything is done, when there is no simulated machine to save."""
    if simulated is None:
        raise SpecError("--save writes a simulated machine; use it together with --host")


def read_text(path: str) -> str:
    """The text of a file the user named, ``-`` for the standard input; HostError or SpecError says why not."""
    return _decoded(*_read(path))


def _read(path: str) -> tuple[bytes, str]:
    """The bytes of the file and how it is called."""
    called = _STANDARD_INPUT if path == "-" else path
    if path == "-" and sys.stdin is None:
        raise HostError("cannot read standard input: it is closed. Name a file")
    try:
        if path == "-":
            found = sys.stdin.buffer.read(LARGEST_BYTES + 1)
        else:
            with open(path, "rb") as file:
                found = file.read(LARGEST_BYTES + 1)
    except IsADirectoryError as err:
        raise HostError(f"{path} is a directory. Name the files in it one by one") from err
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else str(err)
        raise HostError(f"cannot read {called}: {reason}") from err
    if len(found) > LARGEST_BYTES:
        raise SpecError(f"{called} has more than {LARGEST_BYTES // 1_000_000} MB. Split it")
    return found, called


def _decoded(data: bytes, called: str) -> str:
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as err:
        remedy = "" if called == _STANDARD_INPUT else ". Save the file as UTF-8"
        raise SpecError(f"{called} is no text (byte {err.start} is not UTF-8){remedy}") from err


def write_text(path: str, text: str) -> None:
    """Write a file the user named; HostError says why not."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as err:
        raise HostError(f"cannot write {path}: {err.strerror}") from err


def _from_node_state(text: str, path: str) -> FakeWorld:
    from sriov_core.api import documents  # noqa: PLC0415  # a tree needs no wire types
    from sriov_core.api.nodestate import NodeState  # noqa: PLC0415
    from sriov_core.policy.nodereport import to_nics  # noqa: PLC0415
    from sriov_core.testing.simulated import simulated  # noqa: PLC0415

    states = [doc.body for doc in documents.read(text, path, strict=False) if isinstance(doc.body, NodeState)]
    if len(states) != 1:
        raise SpecError(f"{path} holds {len(states)} node states; --host takes the file of one machine")
    nics = to_nics(states[0])
    if not nics:
        raise SpecError(f"{path}: status.interfaces lists no NIC, so there is no machine to simulate")
    return simulated(nics, hostname=states[0].metadata.name)
