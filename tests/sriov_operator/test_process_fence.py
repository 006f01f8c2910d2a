"""The way to the API server of a process that leads: reads always, writes only while it does."""

import pytest

from sriov_core.kube.client import Answer, Client, Stream
from sriov_core.kube.failures import Unavailable
from sriov_core.kube.resource import CONFIG_MAPS
from sriov_operator.process.fence import Fence


class Server:
    """Answers everything with an empty object and remembers what it was asked."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def request(self, method: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float) -> Answer:
        self.methods.append(method)
        return Answer(200, {}, b"{}")

    def stream(self, path: str, *, timeout_s: float) -> tuple[Answer, Stream]:
        raise NotImplementedError  # a fence is asked about writes, and a watch is none


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def fence(server: Server) -> Fence:
    return Fence(server)


def write_everything(client: Client) -> list[str]:
    """What became of each way to write."""
    writes = (
        lambda: client.create(CONFIG_MAPS, {}, "ns"),
        lambda: client.replace(CONFIG_MAPS, "a", {}, "ns"),
        lambda: client.merge_patch(CONFIG_MAPS, "a", {}, "ns"),
        lambda: client.delete(CONFIG_MAPS, "a", "ns"),
    )
    found = []
    for write in writes:
        try:
            write()
            found.append("written")
        except Unavailable as error:
            found.append(str(error).partition(": ")[2])
    return found


def test_while_it_is_open_everything_goes_through(fence: Fence, server: Server) -> None:
    assert write_everything(Client(fence, manager="test")) == ["written"] * 4
    assert server.methods == ["POST", "PUT", "PATCH", "DELETE"]


def test_when_it_is_shut_nothing_is_written_and_reads_go_on(fence: Fence, server: Server) -> None:
    client: Client = Client(fence, manager="test")
    fence.is_shut = lambda: True
    assert write_everything(client) == ["this process does not lead any more, so it writes nothing"] * 4
    assert client.get(CONFIG_MAPS, "a", "ns") == {}
    assert server.methods == ["GET"]
