"""What the API server answers, and the failure with its text that is made of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.kube.failures import (
    Away,
    Conflict,
    Exists,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unavailable,
)
from sriov_core.kube.refusals import Asked, failure, failure_in_stream, shown
from sriov_core.kube.resource import NODE_STATES, NODES, POLICIES

ASKED = Asked("update", NODE_STATES, "sriov", "node-1", "status")


def status(code, message="", reason="", **details):
    return json.dumps(
        {"kind": "Status", "code": code, "message": message, "reason": reason, "details": details}
    ).encode()


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        pytest.param(400, "BadRequest", Invalid, id="bad-request"),
        pytest.param(401, "Unauthorized", Forbidden, id="unknown-caller"),
        pytest.param(403, "Forbidden", Forbidden, id="forbidden"),
        pytest.param(404, "NotFound", NotFound, id="not-found"),
        pytest.param(405, "MethodNotAllowed", Invalid, id="method"),
        pytest.param(408, "", Unavailable, id="request-timeout"),
        pytest.param(409, "AlreadyExists", Exists, id="exists"),
        pytest.param(409, "Conflict", Conflict, id="conflict"),
        pytest.param(410, "Expired", Gone, id="too-old"),
        pytest.param(413, "RequestEntityTooLarge", Invalid, id="too-large"),
        pytest.param(415, "UnsupportedMediaType", Invalid, id="media-type"),
        pytest.param(422, "Invalid", Invalid, id="invalid"),
        pytest.param(429, "TooManyRequests", Throttled, id="throttled"),
        pytest.param(500, "InternalError", Unavailable, id="internal-error"),
        pytest.param(503, "ServiceUnavailable", Unavailable, id="unavailable"),
        pytest.param(504, "Timeout", Unavailable, id="gateway-timeout"),
        pytest.param(302, "", Unavailable, id="redirected-by-somebody-between"),
    ],
)
def test_a_status_becomes_a_failure(code, reason, kind):
    made = failure(ASKED, code, {}, status(code, "the reason", reason))
    assert type(made) is kind
    assert (made.status, made.reason) == (code, reason)
    assert str(made).startswith(f"update SriovNetworkNodeState/status sriov/node-1: HTTP {code}: the reason")


@pytest.mark.parametrize(
    ("asked", "code", "message", "part"),
    [
        pytest.param(
            Asked("list", POLICIES),
            403,
            'policies is forbidden: User "x" cannot list resource',
            'must allow "list" on "sriovnetworknodepolicies" of API group "sriovnetwork.openshift.io"',
            id="which-right-is-missing",
        ),
        pytest.param(
            ASKED,
            403,
            'User "x" cannot update resource',
            'must allow "update" on "sriovnetworknodestates/status"',
            id="which-right-to-a-subresource",
        ),
        pytest.param(
            Asked("get", POLICIES, "ns", "a"),
            404,
            "the server could not find the requested resource",
            "has no SriovNetworkNodePolicy (sriovnetwork.openshift.io/v1): install its definition",
            id="the-kind-is-not-there",
        ),
        pytest.param(ASKED, 401, "Unauthorized", "renew it", id="expired-token"),
        pytest.param(ASKED, 409, "has been modified", "Read it again", id="conflict"),
        pytest.param(ASKED, 429, "too many", "Come back later", id="throttled"),
        pytest.param(
            Asked("patch", NODES, "", "n"),
            422,
            "the server rejected our request due to an error in our request",
            "A test of the patch did not hold",
            id="a-test-of-a-json-patch",
        ),
    ],
)
def test_the_text_says_what_to_do(asked, code, message, part):
    assert part in str(failure(asked, code, {}, status(code, message)))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("denied request: an agent may change its own Node only. Do that", id="an-admission-policy"),
        pytest.param(
            "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
            id="an-admission-plugin",
        ),
    ],
)
def test_nobody_is_sent_to_the_roles_for_what_no_role_forbids(message):
    assert "role" not in str(failure(Asked("patch", NODES, "", "n"), 403, {}, status(403, message, "Forbidden")))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(Asked("list", NODES), "list Node", id="all"),
        pytest.param(Asked("list", POLICIES, "ns"), "list SriovNetworkNodePolicy in namespace ns", id="of-a-namespace"),
        pytest.param(Asked("get", NODES, "", "n"), "get Node n", id="of-the-cluster"),
        pytest.param(Asked("get", POLICIES, "ns", "p"), "get SriovNetworkNodePolicy ns/p", id="of-a-namespace-by-name"),
    ],
)
def test_what_was_asked_is_named(asked, words):
    assert str(asked) == words


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        pytest.param({"retry-after": "7"}, status(429), 7.0, id="header"),
        pytest.param({}, status(429, retryAfterSeconds=3), 3.0, id="details"),
        pytest.param({"retry-after": "7"}, status(429, retryAfterSeconds=3), 7.0, id="both"),
        pytest.param({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, status(429), None, id="a-date"),
        pytest.param({"retry-after": "1e9"}, status(503), 300.0, id="for-ever"),
        pytest.param({"retry-after": "-5"}, status(503), None, id="in-the-past"),
        pytest.param({}, b"", None, id="nothing"),
    ],
)
def test_retry_after(headers, body, seconds):
    assert failure(ASKED, 429, headers, body).retry_after_s == seconds


def test_causes_that_the_message_does_not_have_are_said():
    causes = [{"message": "numVfs: too many"}, {"message": "already said"}]
    text = str(failure(ASKED, 422, {}, status(422, "it was already said", causes=causes)))
    assert "it was already said; numVfs: too many" in text
    assert text.count("already said") == 1


@pytest.mark.parametrize("end", [".", ". ", "...", ";"])
def test_sentences_are_joined_without_marks_on_marks(end):
    text = str(failure(ASKED, 422, {}, status(422, f"it is refused{end}", causes=[{"message": f"too many{end}"}])))
    assert "HTTP 422: it is refused; too many. Trying again" in text


@pytest.mark.parametrize(
    ("verb", "code", "kind"),
    [
        pytest.param("list", 502, Away, id="a-proxy-that-finds-nobody"),
        pytest.param("get", 503, Away, id="a-balancer-without-a-server"),
        pytest.param("watch", 504, Away, id="a-proxy-that-waited-in-vain"),
        pytest.param("list", 500, Unavailable, id="a-fault-of-one-kind"),
        pytest.param("patch", 503, Unavailable, id="a-webhook-that-is-away"),
    ],
)
def test_only_an_answer_to_a_read_says_that_the_server_is_away(verb, code, kind):
    assert type(failure(Asked(verb, NODES), code, {}, status(code, "no"))) is kind


def test_a_page_of_a_proxy_is_cut_to_a_line():
    text = str(failure(ASKED, 502, {}, b"<html>\n<body>\x1b[31m" + b"Bad gateway " * 500))
    assert "HTTP 502: <html> <body>[31mBad gateway" in text
    assert len(text) < 600
    assert "\n" not in text


def test_an_error_line_of_a_watch_has_its_own_code():
    assert type(failure_in_stream(ASKED, status(410, "too old resource version: 1 (2)", "Expired"))) is Gone
    assert type(failure_in_stream(ASKED, b'{"message": "who knows"}')) is Unavailable


@given(st.binary(max_size=200), st.integers(300, 599))
def test_whatever_is_answered_there_is_a_failure_of_one_line(body, code):
    assert str(failure(ASKED, code, {}, body)).isprintable()


@given(st.text())
def test_foreign_texts_are_short_and_steer_no_terminal(text):
    assert len(shown(text)) <= 300
    assert shown(text).isprintable()


def test_a_long_refusal_keeps_its_end_where_it_says_what_to_do():
    message = f"an admission policy denied it: {'because ' * 300}. Give each agent its own token"
    text = str(failure(ASKED, 403, {}, status(403, message)))
    assert text.endswith("Give each agent its own token")
    assert " ... " in text
    whole = f"it is denied: {'because ' * 80}. Give each agent its own token"
    assert whole in str(failure(ASKED, 403, {}, status(403, whole)))


@pytest.mark.parametrize(
    ("account", "is_told"),
    [
        pytest.param("system:serviceaccount:sriov-network-operator:operator", True, id="of-another-namespace"),
        pytest.param("system:serviceaccount:sriov:operator", False, id="of-this-namespace"),
        pytest.param("system:node:worker-1", False, id="no-service-account"),
    ],
)
def test_an_account_of_another_namespace_than_the_one_asked_hints_at_the_namespace(account, is_told):
    message = f'leases is forbidden: User "{account}" cannot get resource "leases" in the namespace "sriov"'
    text = str(failure(Asked("get", NODE_STATES, "sriov", "x"), 403, {}, status(403, message)))
    hint = (
        "The account is of namespace sriov-network-operator, and namespace sriov was asked: is that the right one "
        "(--namespace, or NAMESPACE in the environment)?"
    )
    assert (hint in text) is is_told
