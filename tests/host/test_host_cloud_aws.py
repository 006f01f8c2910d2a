"""The networks of an instance of Amazon EC2, by a server that behaves like its metadata service."""

import threading

import pytest
from metadata_servers import MACS, PATIENCE_S, Imds, rude, serving, silent

from sriov_core.errors import HostError
from sriov_core.host.networkids import source

ONE, TWO = "0e:49:61:0f:c3:11", "0e:49:61:0f:c3:12"
SUBNETS = {ONE: "subnet-0aa1", TWO: "subnet-0bb2"}
FOUND = {ONE: "aws/NetworkID:0aa1", TWO: "aws/NetworkID:0bb2"}


def networks(url, deadline_s=60):
    return source("aws", "", live=True, url=url, deadline_s=deadline_s)(())


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(Imds(SUBNETS, required=True), id="version-2-only"),
        pytest.param(Imds(SUBNETS), id="both-versions"),
        pytest.param(Imds(SUBNETS, put=401), id="no-token-401"),
        pytest.param(Imds(SUBNETS, put=403), id="no-token-403"),
        pytest.param(Imds(SUBNETS, put=404), id="version-1-only"),
        pytest.param(Imds(SUBNETS, put=405), id="no-put"),
    ],
)
def test_every_interface_has_the_subnet_it_is_in(service):
    with serving(service) as server:
        assert networks(server.url) == FOUND


def test_nothing_is_asked_for_an_empty_line():
    """The list ends with a line break, and what stands after it is no MAC."""
    with serving(Imds({ONE: "subnet-0aa1"})) as server:
        networks(server.url)
        assert server.asked == ["PUT /latest/api/token", f"GET {MACS}", f"GET {MACS}{ONE}/subnet-id"]


def test_a_machine_without_interfaces_has_no_networks():
    with serving(Imds({})) as server:
        assert networks(server.url) == {}


def test_macs_in_upper_case_are_the_same():
    def upper(method, path, headers):
        status, body = Imds({ONE.upper(): "subnet-0aa1"})(method, path.replace(ONE, ONE.upper()), headers)
        return status, body

    with serving(upper) as server:
        assert networks(server.url) == {ONE: "aws/NetworkID:0aa1"}


def test_an_interface_that_was_detached_meanwhile_is_left_out():
    service = Imds(SUBNETS)

    def leaving(method, path, headers):
        return (404, "Not Found") if path.endswith(f"{TWO}/subnet-id") else service(method, path, headers)

    with serving(leaving) as server:
        assert networks(server.url) == {ONE: "aws/NetworkID:0aa1"}


def only(path, status, body="", *, then=None):
    """Amazon's service, but for one path."""
    service = then or Imds(SUBNETS)
    return lambda method, asked, headers: (status, body) if asked == path else service(method, asked, headers)


SUBNET = f"{MACS}{ONE}/subnet-id"


@pytest.mark.parametrize(
    ("service", "words"),
    [
        pytest.param(
            Imds(SUBNETS, put=403, required=True),
            "401 (Unauthorized). The instance demands IMDSv2, and there is no token: PUT {url}/latest/api/token was "
            "answered with 403. In a container, raise its hop limit: aws ec2 modify-instance-metadata-options "
            "--http-put-response-hop-limit 2",
            id="version-2-demanded-and-no-token",
        ),
        pytest.param(
            lambda *_: (403, ""),
            "403 (Forbidden). Switch the instance's metadata on: aws ec2 modify-instance-metadata-options "
            "--http-endpoint enabled",
            id="switched-off",
        ),
        pytest.param(lambda *_: (404, ""), "404 (Not Found). Try again later", id="not-there"),
        pytest.param(lambda *_: (500, ""), "500 (Internal Server Error). Try again later", id="broken"),
        pytest.param(only(MACS, 302, "http://example.invalid/"), "302 (Found)", id="redirect"),
        pytest.param(only(MACS, 200, "<html>"), "'<html>', which is no MAC. Look who answers there", id="list-of-html"),
        pytest.param(only(MACS, 200, f"{ONE}/\n../../x/"), "'../../x', which is no MAC", id="a-path-for-a-mac"),
        pytest.param(only(SUBNET, 200), "'', which is no subnet", id="empty-subnet"),
        pytest.param(only(SUBNET, 200, "a b"), "'a b', which is no subnet", id="two-words-for-a-subnet"),
        pytest.param(only(SUBNET, 401), "401 (Unauthorized). Try again later", id="token-refused-later"),
        pytest.param(only("/latest/api/token", 200, "a\r\nb: c"), "which is no token", id="token-of-two-lines"),
        pytest.param(only("/latest/api/token", 200), "'', which is no token", id="empty-token"),
        pytest.param(only("/latest/api/token", 500), "500 (Internal Server Error)", id="no-token-500"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(service, words):
    with serving(service) as server:
        with pytest.raises(HostError) as caught:
            networks(server.url)
        assert words.format(url=server.url) in str(caught.value)


def test_a_token_that_never_comes_does_not_keep_version_1_from_answering():
    """The hop limit of the instance drops the answer to the PUT on its way into a container, and that answer only."""
    version_1, over = Imds(SUBNETS), threading.Event()

    def swallowing(method, path, headers):
        if method == "PUT":
            over.wait(PATIENCE_S)
        return version_1(method, path, headers)

    with serving(swallowing) as server:
        assert networks(server.url) == FOUND
        over.set()


def test_a_service_that_never_answers_is_left_at_the_deadline():
    with rude(silent) as server:
        with pytest.raises(HostError) as caught:
            networks(server.url, deadline_s=1)
        assert server.left.wait(PATIENCE_S)
    assert str(caught.value).startswith(f"PUT {server.url}/latest/api/token was not answered within 1 s")
    assert f"And without a token: GET {server.url}{MACS} was not answered within" in str(caught.value)


def test_nobody_is_asked_for_a_tree_of_files():
    with serving(Imds(SUBNETS)) as server:
        with pytest.raises(HostError, match="on the running machine only; this is a tree of files"):
            source("aws", "", live=False, url=server.url)(())
        assert server.asked == []
