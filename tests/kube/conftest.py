"""A client at an API server on loopback that behaves as the test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from api_servers import Request, Server, kubeconfig, serving

from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect

Served = Callable[..., tuple[Client, Server]]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with ExitStack() as stack:

        def serve(behave: Callable[[Request], None], **options: object) -> tuple[Client, Server]:
            server = stack.enter_context(serving(behave))
            transport = connect(kubeconfig(tmp_path, server.url, token="t0ken"), user_agent="sriov-test/1")
            return Client(transport, manager="test", **options), server

        yield serve


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
