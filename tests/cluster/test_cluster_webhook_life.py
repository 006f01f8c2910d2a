"""The life of the webhook's process beside a real API server: load, another certificate, outages, and its end."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers import Server
from servers_admin import MERGE
from servers_certificates import HOUR
from serving_processes import Process, User, applied, configurations, deployed, running, until
from webhook_cluster import (
    OPERATOR,
    asked,
    denied,
    in_effect,
    is_unasked,
    of_kind,
    one_worker,
    policy,
    webhook_process,
)

ACCOUNT = f"system:serviceaccount:{OPERATOR}:operator-webhook-sa"


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[User]:
    with one_worker(server) as user:
        yield user


@pytest.fixture(scope="module")
def webhook(server: Server, cluster: User, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with webhook_process(server, tmp_path_factory.mktemp("webhook")) as process:
        yield process


@pytest.fixture
def user(server: Server, cluster: User, webhook: Process) -> Iterator[User]:
    """The administrator of a cluster in which the webhook is in effect."""
    with in_effect(server, cluster, webhook.port) as user:
        yield user


def test_requests_at_the_same_time_get_their_own_answers(user: User) -> None:
    def ask(number: int) -> None:
        if number % 3 == 0:
            assert user.create(policy(f"p{number}", numVfs=2 + number % 60), dry_run=True).status == 201
        elif number % 3 == 1:
            given = policy(f"p{number}", numVfs=65 + number)
            assert f"policy p{number}: {65 + number} VFs of" in denied(user.create(given, dry_run=True))
        else:
            given = policy(f"p{number}", nodeSelector={f"label{number}": ""})
            assert f"label{number}=" in denied(user.create(given, dry_run=True))

    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(ask, number) for number in range(150)]:
            done.result()


def test_an_admission_costs_no_request_unless_a_network_is_objected_to(server: Server, user: User) -> None:
    def asked() -> list[str]:
        """What the webhook asked for, but for watches, which end and begin by themselves."""
        own = [one for one in server.audited() if one["user"]["username"] == ACCOUNT and one["verb"] != "watch"]
        return [f"{one['verb']} {one['requestURI']}" for one in own]

    before = asked()
    assert before, "its first lists are in the audit log"
    for number in range(30):
        user.create(policy(f"p{number}", numVfs=2 + number), dry_run=True)
    user.create(of_kind("SriovOperatorConfig", "default", {"disableDrain": True}), dry_run=True)
    assert asked() == before
    user.create(of_kind("SriovNetwork", "net", {"resourceName": "nobody-has-it"}), dry_run=True)
    until(lambda: len(asked()) > len(before))  # the audit log tells a moment later
    (policies,) = asked()[len(before) :]
    assert policies.startswith("list ")
    assert "sriovnetworknodepolicies" in policies


def test_while_nobody_answers_the_failure_policy_decides(
    server: Server, cluster: User, webhook: Process, tmp_path: Path
) -> None:
    with running(server, tmp_path, "webhook", OPERATOR) as process:
        found = configurations(deployed(server, OPERATOR), "webhook", process.ready().port)
        with asked(server, cluster, found):
            assert process.end() == 0
            reply = cluster.create(policy(), dry_run=True)
            assert (reply.status, "failed calling webhook" in reply.text) == (500, True)
    for hook in (hook for one in found for hook in one["webhooks"]):
        hook["failurePolicy"] = "Ignore"
    with applied(server, found):
        assert until(lambda: cluster.create(policy(numVfs=65), dry_run=True).status == 201)


def test_what_is_being_deleted_may_go_while_nobody_answers(
    server: Server, cluster: User, webhook: Process, tmp_path: Path, recent: object
) -> None:
    network = of_kind("SriovNetwork", "leaving", {"resourceName": "a"})
    network["metadata"]["finalizers"] = ["example.com/theirs"]
    path, free = server.admin.path(network), {"metadata": {"finalizers": None}}
    with running(server, tmp_path, "webhook", OPERATOR) as process:
        found = configurations(deployed(server, OPERATOR), "webhook", process.ready().port)
        server.admin.create(network)
        try:
            with asked(server, cluster, found):
                assert process.end() == 0
                status, said = server.admin.request("PATCH", path, free, content_type=MERGE)
                assert (status, "failed calling webhook" in said["message"]) == (500, True)
                server.admin.done("DELETE", path)
                server.admin.done("PATCH", path, free, content_type=MERGE)
                assert server.admin.find(path) is None
        finally:
            server.admin.remove(path)


def test_a_certificate_is_rotated_under_load_without_a_failed_request(user: User, webhook: Process) -> None:
    before, over = webhook.shown(), threading.Event()

    def load(worker: int) -> list[int]:
        statuses = []
        while not over.is_set():
            statuses.append(user.create(policy(f"p{worker}"), dry_run=True).status)
        return statuses

    with ThreadPoolExecutor(4) as threads:
        loads = [threads.submit(load, worker) for worker in range(4)]
        try:
            after = webhook.renew()
            shown = until(lambda: found if (found := webhook.shown()) != before else None)
        finally:
            over.set()
        statuses = [status for one in loads for status in one.result()]
    assert shown.strip() == after.strip()
    assert statuses
    assert set(statuses) == {201}
    assert user.create(policy(), dry_run=True).status == 201


def test_an_expired_certificate_is_refused_by_the_api_server_until_another_one_is_in_its_place(
    server: Server, cluster: User, webhook: Process, tmp_path: Path
) -> None:
    with ExitStack() as held:
        expired = {"lifetime": -HOUR}
        process = held.enter_context(running(server, tmp_path, "webhook", OPERATOR, certificate=expired))
        held.callback(until, lambda: is_unasked(cluster))
        held.enter_context(applied(server, configurations(deployed(server, OPERATOR), "webhook", process.port)))
        refused = until(lambda: found if (found := cluster.create(policy(), dry_run=True)).status != 201 else None)
        assert (refused.status, "certificate has expired" in refused.text) == (500, True)
        assert "cannot be used: it has expired at" in process.log
        process.renew()
        until(lambda: cluster.create(policy("probe", numVfs=65), dry_run=True).status == 403)
        assert cluster.create(policy(), dry_run=True).status == 201


def test_a_server_that_is_told_to_end_answers_who_is_on_the_way(
    server: Server, cluster: User, webhook: Process, tmp_path: Path
) -> None:
    """Two replicas behind one address, as kube-proxy has them: here the configuration is moved to the other first."""
    known = deployed(server, OPERATOR)
    with ExitStack() as held:
        longer_than_the_move = "--shutdown-pause=6"
        process = held.enter_context(running(server, tmp_path, "webhook", OPERATOR, longer_than_the_move)).ready()
        held.enter_context(asked(server, cluster, configurations(known, "webhook", process.port)))
        over, statuses = threading.Event(), list[int]()

        def load() -> None:
            while not over.is_set():
                statuses.append(cluster.create(policy(), dry_run=True).status)

        thread = threading.Thread(target=load)
        thread.start()
        try:
            process.running.send_signal(signal.SIGTERM)
            held.enter_context(applied(server, configurations(known, "webhook", webhook.port)))
            assert process.end() == 0
        finally:
            over.set()
            thread.join()
    assert statuses
    assert set(statuses) == {201}


def test_a_process_without_its_roles_is_not_ready_and_says_what_it_lacks(
    server: Server, cluster: User, tmp_path: Path
) -> None:
    """In a namespace of its own, in which it has no role."""
    server.admin.create_namespace("without-roles")
    try:
        with running(server, tmp_path, "webhook", "without-roles") as process:
            why = until(lambda: text if "forbidden" in (text := process.ask("/readyz")[1]) else "")
            assert "no list of nodes yet" in why
            assert process.ask("/healthz") == (200, "ok")
    finally:
        server.admin.remove_namespace("without-roles")


def test_an_api_server_that_was_away_is_followed_again(server: Server, user: User) -> None:
    server.kill()
    server.revive()
    assert user.create(policy("p1", nicSelector={"rootDevices": ["0000:86:00.0"]})).status == 201
    again = policy("p2", nicSelector={"rootDevices": ["0000:86:00.0"]})
    # Who was refused for long looks again after half a minute.
    reply = until(lambda: found if (found := user.create(again, dry_run=True)).status == 403 else None, 60.0)
    assert "root device 0000:86:00.0 is overlapped" in denied(reply)
