"""Asking the kubelet who has which VF, over a real gRPC socket with a server that speaks as the kubelet does."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from sriov_core.agent.podresources import Holding, PodResources
from sriov_core.model.address import Address

VF = "0000:3b:02.0"


def text(number: int, value: str) -> bytes:
    """A field of protobuf that is a text or a message: key, length, bytes (wire type 2)."""
    return part(number, value.encode())


def part(number: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([number << 3 | 2]) + size + value


def devices(resource: str, *ids: str) -> bytes:
    numa = part(3, part(1, b"\x08\x01"))  # topology { nodes { ID: 1 } }, which nobody here looks at
    return text(1, resource) + b"".join(text(2, one) for one in ids) + numa


def pod(namespace: str, name: str, container: str, *given: bytes) -> bytes:
    cpus = b"\x18\x02\x18\x03"  # cpu_ids: 2, 3
    return part(
        1, text(1, name) + text(2, namespace) + part(3, text(1, container) + b"".join(part(2, d) for d in given) + cpus)
    )


@contextmanager
def kubelet(socket: Path, answer: Callable[[Any], bytes]) -> Iterator[None]:
    """The kubelet's socket; ``answer`` gets the call's context and answers, or aborts."""
    handler = grpc.unary_unary_rpc_method_handler(lambda _, context: answer(context))
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler})])
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "kubelet.sock"


def test_every_device_of_every_container_is_told(socket: Path) -> None:
    answer = pod(
        "blue", "vnf-0", "app", devices("openshift.io/res", VF, "0000:3b:02.2"), devices("example.com/gpu", "GPU-1")
    )
    with kubelet(socket, lambda _: answer + pod("red", "idle", "app")):
        found = PodResources(str(socket))
        assert found.holdings() == tuple(
            Holding(namespace="blue", pod="vnf-0", container="app", resource=resource, device=device)
            for resource, device in (
                ("openshift.io/res", VF),
                ("openshift.io/res", "0000:3b:02.2"),
                ("example.com/gpu", "GPU-1"),
            )
        )
        assert found.assigned() == {
            Address.parse(VF): "blue/vnf-0",
            Address.parse("0000:3b:02.2"): "blue/vnf-0",
        }


def test_a_node_without_a_kubelet_knows_nobody(socket: Path) -> None:
    assert PodResources(str(socket)).holdings() == ()


def test_a_kubelet_that_does_not_answer_is_told_once(socket: Path, caplog: pytest.LogCaptureFixture) -> None:
    def starting(context: Any) -> bytes:
        context.abort(grpc.StatusCode.UNAVAILABLE, "the pod resources are not ready")
        return b""

    with kubelet(socket, starting), caplog.at_level(logging.WARNING):
        found = PodResources(str(socket))
        assert (found.assigned(), found.assigned()) == ({}, {})
    (told,) = caplog.messages
    assert str(socket) in told
    assert "the pod resources are not ready" in told


def test_a_socket_that_nobody_serves_is_told(socket: Path, caplog: pytest.LogCaptureFixture) -> None:
    socket.touch()
    with caplog.at_level(logging.WARNING):
        assert PodResources(str(socket)).assigned() == {}
    assert "does not answer" in caplog.text


def test_an_answer_that_is_none_knows_nobody(socket: Path) -> None:
    with kubelet(socket, lambda _: b"\xff\xff\xff"):
        assert PodResources(str(socket)).assigned() == {}
