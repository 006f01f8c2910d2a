"""Events at a real API server, which is strict about them: what is written, what is counted, what waits."""

import socket

import pytest
from kube_clients import PATIENCE_S, admin, client_at, until

from sriov_core.kube.recorder import Recorder, Reference, reference
from sriov_core.kube.resource import CONFIG_MAPS, EVENTS, NODES, Resource

CORE_EVENTS = Resource("", "v1", "events", "Event")


@pytest.fixture
def client(server):
    return admin(server)


@pytest.fixture
def recorder(client):
    made = Recorder(client, component="sriovnetwork.openshift.io/agent", instance="node-1")
    yield made
    made.close(PATIENCE_S)


@pytest.fixture
def about(client, namespace):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "some"}}
    return reference(client.create(CONFIG_MAPS, body, namespace))


def events(client, namespace):
    return sorted(client.list(EVENTS, namespace).items, key=lambda event: event["eventTime"])


def test_an_event_is_seen_as_kubectl_sees_it(client, recorder, about, namespace):
    recorder.tell(about, "Warning", "ApplyFailed", "Apply", "the kernel refused 9 VFs")
    (event,) = until(lambda: client.list(CORE_EVENTS, namespace, fields="reason=ApplyFailed").items)
    assert event["involvedObject"]["uid"] == about.uid
    assert (event["type"], event["message"]) == ("Warning", "the kernel refused 9 VFs")
    assert event["reportingComponent"] == "sriovnetwork.openshift.io/agent"
    assert event["reportingInstance"] == "node-1"


def test_a_new_warning_is_a_line_of_the_log(client, about, namespace, caplog):
    caplog.set_level("DEBUG", logger="sriov_core.kube.recorder")
    made = Recorder(client, component="sriovnetwork.openshift.io/operator", instance="one", logs=True)
    for _ in range(3):
        made.tell(about, "Warning", "ReadyAdded", "StatusChange", "no node matched")
    made.tell(about, "Normal", "ReadyChanged", "StatusChange", "in place")
    made.tell(about, "Warning", "DrainBlocked", "Drain", "told before", is_logged=True)
    made.close(PATIENCE_S)
    # Threads that other tests left may have something to say, too.
    said = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert [one for one in said if namespace in one[1]] == [
        ("WARNING", f"ConfigMap {namespace}/some: ReadyAdded: no node matched"),
        ("DEBUG", f"ConfigMap {namespace}/some: ReadyChanged: in place"),
    ]


def test_the_same_again_raises_a_count(client, recorder, about, namespace):
    for _ in range(7):
        recorder.tell(about, "Warning", "ApplyFailed", "Apply", "again")
    recorder.tell(about, "Normal", "Applied", "Apply", "well")
    recorder.close(PATIENCE_S)
    failed, applied = events(client, namespace)
    assert failed["series"]["count"] == 7
    assert failed["series"]["lastObservedTime"] > failed["eventTime"]
    assert "series" not in applied


def test_events_of_the_cluster_stand_in_default(client, recorder, namespace):
    node = Reference(api_version="v1", kind="Node", name=f"node-of-{namespace}", uid="1234")
    recorder.tell(node, "Normal", "Drained", "Drain", "done")
    recorder.close(PATIENCE_S)
    seen = [event for event in events(client, "default") if event["regarding"]["name"] == node.name]
    assert [event["regarding"]["kind"] for event in seen] == ["Node"]


def test_whatever_is_told_fits(client, recorder, about, namespace):
    recorder.tell(about, "Warning", "R" * 500, "", "ü" * 5000)
    recorder.tell(
        Reference(api_version="v1", kind="X", name="Odd:Name_/", namespace=namespace), "Normal", "R", "A", "n"
    )
    recorder.close(PATIENCE_S)
    assert len(events(client, namespace)) == 2


def test_what_is_told_while_the_server_is_away_is_written_when_it_is_back(server, client, recorder, about, namespace):
    server.kill()
    for note in ("first", "second", "first"):
        recorder.tell(about, "Warning", "ApplyFailed", "Apply", note)
    server.restart()
    until(lambda: len(events(client, namespace)) == 2)
    recorder.close(PATIENCE_S)
    assert [(event["note"], event.get("series", {}).get("count")) for event in events(client, namespace)] == [
        ("first", 2),
        ("second", None),
    ]


def test_an_event_that_is_refused_hinders_no_other(client, recorder, about, namespace, caplog):
    gone = Reference(api_version="v1", kind="ConfigMap", name="x", namespace="there-is-no-such-namespace")
    recorder.tell(gone, "Normal", "Lost", "Lose", "nobody will read this")
    recorder.tell(about, "Normal", "Found", "Find", "but this")
    recorder.close(PATIENCE_S)
    assert [event["reason"] for event in events(client, namespace)] == ["Found"]
    assert "an event was not written" in caplog.text


def test_one_that_expired_begins_anew(client, recorder, about, namespace):
    recorder.tell(about, "Warning", "ApplyFailed", "Apply", "again")
    (event,) = until(lambda: events(client, namespace))
    client.delete(EVENTS, event["metadata"]["name"], namespace)
    recorder.tell(about, "Warning", "ApplyFailed", "Apply", "again")

    def told_until_it_is_there():
        recorder.tell(about, "Warning", "ApplyFailed", "Apply", "again")
        return events(client, namespace)

    assert until(told_until_it_is_there)


def test_a_closed_server_is_given_up_in_time(server, recorder, about, caplog):
    server.kill()
    try:
        recorder.tell(about, "Normal", "Late", "End", "at the end")
        recorder.close(0.5)
        assert "1 events were not written before the end" in caplog.text
    finally:
        server.restart()


def test_what_is_under_way_at_the_end_counts_as_not_written(server, about, caplog):
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # takes connections, and says nothing
        hangs.settimeout(PATIENCE_S)
        url = f"https://127.0.0.1:{hangs.getsockname()[1]}"
        way = server.kubeconfig("recorder", ["system:masters"], url=url)
        made = Recorder(client_at(way), component="sriovnetwork.openshift.io/agent", instance="node-1")
        made.tell(about, "Normal", "Late", "End", "at the end")
        connection, _ = hangs.accept()  # by now the event waits no more, it is under way
        with connection:
            made.close(0.5)
            assert "1 events were not written before the end" in caplog.text


def test_nodes_have_references_too(client, made):
    made({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "reference"}})
    node = client.get(NODES, "reference")
    assert reference(node) == Reference(api_version="v1", kind="Node", name="reference", uid=node["metadata"]["uid"])
