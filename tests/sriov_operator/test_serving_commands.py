"""The processes ``webhook`` and ``injector`` as a pod starts them, without an API server to talk to."""

import json
import re
import signal
import socket
import ssl
import subprocess  # noqa: TID251  # the process is what is tested
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import urllib3
from serving_world import DEADLINE_S, Issuer, policy, review

from sriov_core.errors import SpecError
from sriov_operator.serving.admission import MUTATING_PATH, VALIDATING_PATH
from sriov_operator.serving.commands import resource_keys

PROGRAM = (sys.executable, "-m", "sriov_operator")
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""
FLAGS = {
    "webhook": ("webhook", "start", "--namespace=operator", "--zap-log-level=3"),
    "injector": ("injector", "--insecure", "--health-check-port=0", "--logtostderr=true", "--alsologtostderr=true"),
}


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    issuer = Issuer(tmp_path)
    issuer.write()
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return issuer


def argv(issuer: Issuer, *more: str) -> list[str]:
    certificate, key = issuer.files
    files = (f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}")
    where = ("--bind-address=127.0.0.1", "--port=0", f"--kubeconfig={issuer.folder / 'kubeconfig'}")
    return [*PROGRAM, *more, *files, *where]


@attrs.frozen
class Process:
    """A process that serves."""

    running: "subprocess.Popen[str]"
    issuer: Issuer
    log: Path

    def port(self, pattern: str) -> int:
        """The port in the log's line of that pattern."""
        end = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.log.read_text())):
            assert self.running.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)
        return int(found[1])

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, str]:
        port = self.port(r"serving /.* on port ([0-9]+)")
        with urllib3.HTTPSConnectionPool("127.0.0.1", port, ca_certs=self.issuer.ca_file, timeout=DEADLINE_S) as pool:
            method = "GET" if body is None else "POST"
            reply = pool.request(method, path, body=body, headers={"Content-Type": "application/json"}, retries=False)
            return reply.status, reply.data.decode()


@contextmanager
def started(issuer: Issuer, *more: str) -> Iterator[Process]:
    log = issuer.folder / "log"
    with log.open("w") as file:
        running = subprocess.Popen(argv(issuer, *more), stdin=subprocess.DEVNULL, stderr=file, stdout=file, text=True)
    try:
        yield Process(running, issuer, log)
    finally:
        if running.poll() is None:
            running.kill()
        running.wait(DEADLINE_S)


def refused(words: Sequence[str]) -> str:
    """What a command that does not start says, in which there is no traceback."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", FLAGS)
def test_a_process_with_the_flags_of_existing_manifests_lives_and_tells_why_it_is_not_ready(
    issuer: Issuer, command: str
) -> None:
    with started(issuer, *FLAGS[command], "--shutdown-pause=0") as process:
        assert process.ask("/healthz") == (200, "ok")
        status, why = process.ask("/readyz")
        assert (status, "no list of" in why) == (503, True)
        process.running.send_signal(signal.SIGTERM)
        assert process.running.wait(DEADLINE_S) == 0
        assert "Traceback" not in process.log.read_text()


def test_without_a_cluster_nothing_is_judged_but_defaults_are_given(issuer: Issuer) -> None:
    body = json.dumps(review(policy())).encode()
    with started(issuer, *FLAGS["webhook"], "--shutdown-pause=0") as process:
        status, why = process.ask(VALIDATING_PATH, body)
        assert (status, "no review can be answered yet" in why) == (503, True)
        assert json.loads(process.ask(MUTATING_PATH, body)[1])["response"]["allowed"]


def test_metrics_and_probes_are_served_without_tls_where_asked(issuer: Issuer) -> None:
    with started(issuer, *FLAGS["webhook"], "--metrics-bind-address=127.0.0.1:0") as process:
        port = process.port(r"serving probes and metrics on port ([0-9]+)")
        with urllib3.HTTPConnectionPool("127.0.0.1", port, timeout=DEADLINE_S) as pool:
            assert pool.request("GET", "/healthz").data == b"ok\n"
            assert pool.request("GET", "/readyz", retries=False).status == 503
            text = pool.request("GET", "/metrics").data.decode()
    assert "sriov_webhook_certificate_expiry_timestamp_seconds" in text
    assert 'sriov_webhook_cache_silence_seconds{resource="nodes"} NaN' in text


def test_tls_flags_are_obeyed_and_what_cannot_be_done_is_told(issuer: Issuer) -> None:
    flags = ("--tls-min-version=VersionTLS13", "--tls-curve-preferences=29,23,24", "--enable-http2")
    with started(issuer, *FLAGS["webhook"], *flags) as process:
        port = process.port(r"serving /.* on port ([0-9]+)")
        context = ssl.create_default_context(cafile=issuer.ca_file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
        log = process.log.read_text()
    assert "--tls-curve-preferences: only one can be set here" in log
    assert "--enable-http2: only HTTP/1.1 is served" in log


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(("--tls-min-version=VersionTLS10",), "--tls-min-version: found 'VersionTLS10'", id="version"),
        pytest.param(("--tls-cert-file=/no/such.crt",), "/no/such.crt: there is no such file", id="certificate"),
        pytest.param(("--kubeconfig=/no/such.config",), "/no/such.config", id="kubeconfig"),
        pytest.param(("--metrics-bind-address=here",), "--metrics-bind-address: found 'here'", id="address"),
        pytest.param(("--bind-address=192.0.2.1",), "cannot listen on 192.0.2.1", id="foreign-address"),
        pytest.param(("--tsl-cert-file=x",), "No such option", id="misspelt"),
        pytest.param(("stop",), "stop", id="another-subcommand"),
    ],
)
def test_what_keeps_a_process_from_starting_is_one_line(issuer: Issuer, more: tuple[str, ...], said: str) -> None:
    assert said in refused([*argv(issuer, "webhook", "--namespace=operator"), *more])


def test_the_namespace_is_needed(issuer: Issuer) -> None:
    assert "--namespace" in refused(["env", "-u", "NAMESPACE", *argv(issuer, "webhook")])


def test_a_client_without_a_certificate_is_refused_unless_told_otherwise(issuer: Issuer) -> None:
    flags = ("injector", f"--client-ca={issuer.ca_file}", "--health-check-port=0")
    with started(issuer, *flags) as process, pytest.raises(urllib3.exceptions.HTTPError):
        process.ask("/healthz")


@pytest.mark.parametrize(
    ("text", "keys"), [("a", ("a",)), ("a, b", ("a", "b")), ("a,,b,", ("a", "b"))], ids=["one", "two", "empty-between"]
)
def test_keys_are_a_list_separated_by_commas(text: str, keys: tuple[str, ...]) -> None:
    assert resource_keys(text) == keys


def test_no_key_is_an_error() -> None:
    with pytest.raises(SpecError, match="found no key"):
        resource_keys(" , ")
