"""Asking over HTTP: every server that is rude, slow or wrong ends in words, and in time."""

import socket

import pytest
from metadata_servers import PATIENCE_S, dribbling, endless, resetting, rude, saying, serving, silent

from sriov_core.errors import HostError
from sriov_core.host.metadata import MOST_BYTES, Deadline, Service

SHORT_S = 1
LONG_S = 60


def ask(url, path="/it", *, seconds=LONG_S, **how):
    return Service(url, Deadline.after(seconds)).ask(path, **how)


def test_an_answer_of_whatever_status_is_an_answer():
    with serving(lambda method, path, _: (418, f"{method} {path}")) as server:
        reply = ask(server.url, "/tea", method="PUT")
    assert (reply.status, reply.text) == (418, "PUT /tea")
    assert str(reply.refused("Drink coffee")) == (
        f"PUT {server.url}/tea was answered with 418 (I'm a Teapot). Drink coffee"
    )


def test_headers_are_sent_as_given():
    with serving(lambda _, __, headers: (200, f"{headers['x-test']} {headers['host']}")) as server:
        assert ask(server.url, headers={"X-Test": "yes"}).text == f"yes {server.url.removeprefix('http://')}"


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(silent, id="silent"),
        pytest.param(dribbling(b""), id="a-status-line-byte-by-byte"),
        pytest.param(dribbling(b"HTTP/1.1 200 OK\r\nA: "), id="headers-byte-by-byte"),
        pytest.param(dribbling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), id="a-body-byte-by-byte"),
        pytest.param(dribbling(b"HTTP/1.1 200 OK\r\n\r\n"), id="a-body-without-end-byte-by-byte"),
    ],
)
def test_whoever_takes_too_long_is_left_at_the_deadline(behave):
    with rude(behave) as server:
        with pytest.raises(HostError, match=r"was not answered within 1 s. Look whether this machine reaches"):
            ask(server.url, seconds=SHORT_S)
        assert server.left.wait(PATIENCE_S)
        assert server.connections == 1


def test_one_request_can_be_given_less_time_than_all():
    with rude(silent) as server:
        with pytest.raises(HostError, match=r"was not answered within 1 s"):
            ask(server.url, limit_s=SHORT_S)
        assert server.left.wait(PATIENCE_S)


def test_all_requests_share_one_deadline():
    moments = iter((0.0, 4.0, 4.1, 4.2, 5.1))
    deadline = Deadline.after(5, lambda: next(moments))
    assert deadline.left_s() == pytest.approx(1.0)
    assert deadline.within(2) is deadline
    with pytest.raises(TimeoutError):
        [deadline.left_s() for _ in range(2)]


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        pytest.param(resetting, "the connection was closed before the answer was complete", id="reset"),
        pytest.param(saying(b""), "the connection was closed before the answer was complete", id="closed"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            "before the answer was complete",
            id="truncated",
        ),
    ],
)
def test_a_broken_connection_is_tried_once_more(behave, words):
    with rude(behave) as server:
        with pytest.raises(HostError, match=words):
            ask(server.url)
        assert server.connections == 2


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        pytest.param(saying(b"220 mail.example ESMTP\r\n"), "something that is no HTTP", id="another-protocol"),
        pytest.param(saying(b"\x00" * 100_000), "something that is no HTTP", id="zeros"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500), "something that is no HTTP", id="many-headers"
        ),
        pytest.param(endless, f"more than {MOST_BYTES} bytes", id="an-endless-body"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n"), "more than", id="announced-as-huge"
        ),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFF\r\n" + b"x" * (MOST_BYTES + 1)),
            "more than",
            id="a-huge-chunk",
        ),
        *(
            pytest.param(
                saying(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n".encode()),
                "something that is no HTTP",
                id=name,
            )
            for name, size in (("a-chunk-below-nothing", -5), ("a-chunk-as-long-as-all", -1))
        ),
    ],
)
def test_nonsense_is_refused_in_words(behave, words):
    with rude(behave) as server:
        with pytest.raises(HostError) as caught:
            ask(server.url)
        assert str(caught.value).startswith(f"GET {server.url}/it was answered with ")
        assert words in str(caught.value)
        assert str(caught.value).endswith("Look who answers there")


def test_an_answer_in_chunks_is_put_together():
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with rude(saying(text)) as server:
        assert ask(server.url).text == "abcde"


def test_an_error_of_the_server_is_tried_once_more():
    answers = iter(((500, "oops"), (200, "here")))
    with serving(lambda *_: next(answers)) as server:
        assert ask(server.url).text == "here"
        assert server.asked == ["GET /it", "GET /it"]


def test_an_error_that_stays_is_the_answer():
    with serving(lambda *_: (503, "")) as server:
        assert ask(server.url).status == 503
        assert len(server.asked) == 2


def test_nobody_is_followed_elsewhere():
    with serving(lambda *_: (200, "secret")) as other, serving(lambda *_: (302, f"{other.url}/x")) as server:
        assert ask(server.url).status == 302
        assert other.asked == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with rude(saying(b"HTTP/1.1 200 OK\r\n\r\nproxied")) as proxy, serving(lambda *_: (200, "direct")) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert ask(server.url).text == "direct"
        assert proxy.connections == 0


def test_nobody_at_that_port_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(
        HostError, match=r"GET http://127.0.0.1:\d+/it is not possible: Connection refused. Look whether"
    ):
        ask(url)
