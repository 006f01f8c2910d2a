"""Where the way to the API server is looked for, what is said when it is not there, and credentials that change."""

import json
import sys

import pytest
from api_servers import kubeconfig, serving, thing

from sriov_core.errors import HostError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Away, Forbidden, Unavailable
from sriov_core.kube.resource import CONFIG_MAPS


def of(transport):
    return Client(transport, manager="test")


@pytest.fixture
def echo():
    """A server that answers with the credentials it was asked with."""
    with serving(lambda request: request.answer(thing("a", 1, token=request.headers["Authorization"]))) as server:
        yield server


def credentials(client):
    return client.get(CONFIG_MAPS, "a", "ns")["data"]["token"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, ": there is no such file. Name a kubeconfig with", id="no-file"),
        pytest.param("", "file is empty", id="empty"),
        pytest.param("a: [", "while parsing", id="no-yaml"),
        pytest.param("just words", "no kubeconfig", id="words"),
        pytest.param("[1, 2]", "no kubeconfig", id="a-list"),
        pytest.param("{}", "Expected key current-context", id="nothing-in-it"),
        pytest.param(
            json.dumps({"current-context": "x", "contexts": [], "clusters": [], "users": []}),
            "Expected object with name x in",
            id="a-context-that-is-not-there",
        ),
    ],
)
def test_a_kubeconfig_that_is_no_use_is_named_with_what_to_do(tmp_path, text, words):
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(HostError, match="No way to the API server was found") as caught:
        connect(str(path), user_agent="t")
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ".." not in str(caught.value)


def test_the_environment_names_the_kubeconfig(echo, tmp_path):
    path = kubeconfig(tmp_path, echo.url, token="from-environ")
    assert credentials(of(connect(user_agent="t", environ={"KUBECONFIG": path}))) == "Bearer from-environ"


def test_a_kubeconfig_that_is_named_comes_before_the_pod(echo, tmp_path):
    environ = {"KUBECONFIG": kubeconfig(tmp_path, echo.url, token="x"), "KUBERNETES_SERVICE_HOST": "192.0.2.1"}
    assert credentials(of(connect(user_agent="t", environ=environ))) == "Bearer x"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({}, "token file does not exist", id="no-token"),
        pytest.param({"token": "t"}, "certification file does not exist", id="no-authority"),
        pytest.param({"token": "", "ca.crt": "c"}, "Token file exists but empty", id="empty-token"),
    ],
)
def test_a_pod_without_a_service_account_is_told_so(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environ = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(HostError, match=words):
        connect(user_agent="t", environ=environ, service_account=str(tmp_path))


PLUGIN = """
import json, sys
token, expires = open(sys.argv[1]).read().split()
status = {"token": token, "expirationTimestamp": expires}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


def test_an_exec_plugin_is_asked_again_when_its_token_expires(echo, tmp_path):
    plugin, token = tmp_path / "plugin.py", tmp_path / "token"
    plugin.write_text(PLUGIN)
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin), str(token)],
        "interactiveMode": "Never",
    }
    token.write_text("first 2020-01-01T00:00:00Z")
    client = of(connect(kubeconfig(tmp_path, echo.url, exec=program), user_agent="t"))
    token.write_text("second 2999-01-01T00:00:00Z")
    assert credentials(client) == "Bearer second"
    token.write_text("third 2999-01-01T00:00:00Z")
    assert credentials(client) == "Bearer second"


@pytest.fixture
def strict():
    """A server that knows the token ``new`` alone."""

    def behave(request):
        if request.headers["Authorization"].split()[-1] == "new":
            request.answer(thing("a"))
        else:
            request.refuse(401, "Unauthorized", "Unauthorized")

    with serving(behave) as server:
        yield server


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda folder, url, token: kubeconfig(folder, url, token=token), id="a-kubeconfig"),
        pytest.param(
            lambda folder, url, token: (
                (folder / "token").write_text(f"{token}\n") and kubeconfig(folder, url, tokenFile=str(folder / "token"))
            ),
            id="the-file-of-a-token",
        ),
    ],
)
def test_credentials_that_were_replaced_are_found_when_the_old_ones_are_refused(strict, tmp_path, stop, written):
    path = written(tmp_path, strict.url, "old")
    client = of(connect(path, user_agent="t"))
    watching = of(connect(path, user_agent="t"))
    written(tmp_path, strict.url, "new")
    for ask in (
        lambda: client.get(CONFIG_MAPS, "a", "ns"),
        lambda: list(watching.watch(CONFIG_MAPS, resource_version="1", stop=stop)),
    ):
        with pytest.raises(Forbidden, match="renew it"):
            ask()
    assert client.get(CONFIG_MAPS, "a", "ns")
    assert watching.get(CONFIG_MAPS, "a", "ns")


def test_a_kubeconfig_that_is_gone_leaves_the_refusal(strict, tmp_path):
    path = kubeconfig(tmp_path, strict.url, token="old")
    client = of(connect(path, user_agent="t"))
    (tmp_path / "kubeconfig").unlink()
    for _ in range(3):
        with pytest.raises(Forbidden, match="renew it"):
            client.get(CONFIG_MAPS, "a", "ns")


def test_an_authority_that_does_not_know_the_server_is_said(tmp_path):
    """The server here speaks no TLS at all, which is as little trust as there can be."""
    with serving(lambda request: request.answer(thing("a"))) as server:
        path = kubeconfig(tmp_path, server.url.replace("http:", "https:"), token="t")
        with pytest.raises(Unavailable, match=r"no trust between https://.* Is the authority that this client knows"):
            of(connect(path, user_agent="t")).get(CONFIG_MAPS, "a", "ns")


@pytest.mark.parametrize(
    ("url", "environ", "words"),
    [
        pytest.param("https://no-such.invalid:6443", {}, "cannot be resolved. Check the name and", id="name"),
        pytest.param(
            "https://192.0.2.1:6443",
            {"HTTPS_PROXY": "http://127.0.0.1:9"},
            "no way to https://192.0.2.1:6443 through its proxy: Connection refused",
            id="proxy",
        ),
    ],
)
def test_what_stands_between_is_said(tmp_path, monkeypatch, url, environ, words):
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Away, match=words):
        of(connect(kubeconfig(tmp_path, url), user_agent="t")).within(20).get(CONFIG_MAPS, "a", "ns")


def test_an_address_that_changes_in_the_kubeconfig_is_found_while_nobody_answers_at_the_old_one(tmp_path):
    transport = connect(kubeconfig(tmp_path, "http://127.0.0.1:9"), user_agent="t")
    client = of(transport)
    with serving(lambda request: request.answer(thing("a", 2))) as second:
        for _ in range(2):  # as long as the file is the same nobody looks at it
            with pytest.raises(Away):
                client.get(CONFIG_MAPS, "a", "ns")
        kubeconfig(tmp_path, second.url, token="new")
        with pytest.raises(Away):
            client.get(CONFIG_MAPS, "a", "ns")
        assert client.get(CONFIG_MAPS, "a", "ns")["metadata"]["resourceVersion"] == "2"
        assert transport.server == second.url


def test_a_file_that_is_no_kubeconfig_is_told_what_one_is(tmp_path):
    path = tmp_path / "config"
    path.write_text("hello")
    with pytest.raises(HostError, match=r"it is no kubeconfig\. A kubeconfig is YAML with kind: Config") as caught:
        connect(str(path), user_agent="t")
    assert "TypeError" not in str(caught.value)
