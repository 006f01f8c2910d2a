"""What others made or write: an incumbent's objects, certificates, switches, conditions, ConfigMaps in number."""

import base64
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from deployments import EVERYTHING, FINALIZER, Home, homes, settings
from kube_clients import Way
from operator_runs import until
from servers import Server
from servers_admin import APPLY

from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig, OperatorConfigSpec
from sriov_core.api.wire import API_VERSION, ObjectMeta
from sriov_core.kube.client import Answer, Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Conflict
from sriov_operator.deployment.applying import Applier
from sriov_operator.deployment.carrying import Done, carry_out
from sriov_operator.deployment.deployed import Deployed
from sriov_operator.deployment.failing import is_passing
from sriov_operator.deployment.manifests import Wanted, place_of, wanted
from sriov_operator.deployment.names import MANAGED_BY, MANAGER
from sriov_operator.deployment.trust import Trust, Trusts
from sriov_operator.objects import differs
from sriov_operator.tlsoptions import TlsOptions

AGENT, PLUGIN, WEBHOOK = "sriov-network-config-daemon", "sriov-device-plugin", "operator-webhook"
WEBHOOKS, INJECTIONS = "sriov-operator-webhook-config", "network-resources-injector-config"
SWITCHES = "nri-control-switches"
CERT_MANAGER = {"ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED": "true"}
SET = {"config.json": '{"features": {}}', "more": "theirs"}
FORMER = {"apiVersion": API_VERSION, "kind": "SriovOperatorConfig", "name": "default", "uid": "former"}
"""As in the owners of what a configuration had that was deleted; to take it off takes a replacement."""
AUTHORITY = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n").decode()
Document = dict[str, Any]


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


def wanted_in(home: Home) -> list[Document]:
    """Everything as it is asked for under cert-manager, owned by the configuration that is there."""
    given = settings(home.namespace, CERT_MANAGER)
    uid = home.config()["metadata"]["uid"]
    on = {"metricsExporter": True}
    secrets = given.certificates
    trusts = [
        Trust(secret=one, annotations={"cert-manager.io/inject-ca-from": f"{home.namespace}/{one}"})
        for one in (secrets.operator_secret, secrets.injector_secret)
    ]
    spec = OperatorConfigSpec(enable_injector=True, enable_operator_webhook=True, feature_gates=on)
    here = Deployed(
        settings=given,
        config=OperatorConfig(metadata=ObjectMeta(name="default", uid=uid), spec=spec),
        gates=gates(on),
        tls=TlsOptions(),
        certificates=Trusts(*trusts),
    )
    return list(wanted(here).objects)


def incumbents(document: Document) -> Document:
    """The object as another operator made it: no label of ours, and more in it than we ask for."""
    metadata = {key: value for key, value in document["metadata"].items() if key != "labels"}
    labels = {key: value for key, value in document["metadata"]["labels"].items() if key != MANAGED_BY}
    found = {**document, "metadata": {**metadata, "labels": {**labels, "theirs": "1"}}}
    match document["kind"]:
        case "DaemonSet":
            template = document["spec"]["template"]
            pod, (first, *rest) = template["spec"], template["spec"]["containers"]
            first = {
                **first,
                "args": [*first["args"], "--use-cdi"],
                "command": ["theirs"],
                "ports": [{"containerPort": 1}],
            }
            more = {
                "volumes": [*pod["volumes"], {"name": "theirs", "emptyDir": {}}],
                "nodeSelector": {**pod["nodeSelector"], "theirs": ""},
                "containers": [first, *rest, {"name": "theirs", "image": "registry.example/theirs:1"}],
            }
            found["spec"] = {**document["spec"], "template": {**template, "spec": {**pod, **more}}}
        case "Role" | "ClusterRole":
            found["rules"] = [*document["rules"], {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
        case "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration":
            theirs = {**document["webhooks"][0], "name": "theirs.example.com", "failurePolicy": "Ignore"}
            found["webhooks"] = [{**document["webhooks"][0], "timeoutSeconds": 30}, theirs]
    return found


def test_a_cluster_of_the_incumbent_is_taken_over_in_place_with_one_rollout(home: Home, recent: object) -> None:
    home.create(**EVERYTHING)
    asked = wanted_in(home)
    for document in asked:
        place = place_of(document)
        path = f"{place.resource.path(place.namespace)}?fieldManager=sriov-network-operator"
        home.server.admin.done("POST", path, incumbents(document))
    before = {place_of(one): home.find(one["kind"], one["metadata"]["name"]) or {} for one in asked}
    assert [place for place, one in before.items() if not differs(one, dict(_of(asked, place)))] == []
    home.start(CERT_MANAGER)
    home.told("True")
    for document in asked:
        place = place_of(document)
        found = home.find(place.kind, place.name)
        assert found is not None
        assert not differs(found, document), str(place)
        assert found["metadata"]["uid"] == before[place]["metadata"]["uid"], "it is the same object"
        assert found["metadata"]["labels"]["theirs"] == "1"
        if place.kind == "DaemonSet":
            assert found["metadata"]["generation"] == 2, "one rollout"
            pod, ours = found["spec"]["template"]["spec"], document["spec"]["template"]["spec"]
            assert [one["name"] for one in pod["volumes"]] == [one["name"] for one in ours["volumes"]]
            assert [one["name"] for one in pod["containers"]] == [one["name"] for one in ours["containers"]]
            assert pod["nodeSelector"] == ours["nodeSelector"]
            assert "ports" not in pod["containers"][0] or ours["containers"][0].get("ports")
        if "webhooks" in found:
            assert [one["name"] for one in found["webhooks"]] == [one["name"] for one in document["webhooks"]]


def _of(documents: list[Document], place: Any) -> Document:
    return next(one for one in documents if place_of(one) == place)


def test_what_the_incumbent_left_of_a_feature_that_is_off_is_removed(home: Home, recent: object) -> None:
    home.create(**EVERYTHING)
    theirs = [incumbents(one) for one in wanted_in(home)]
    for document in theirs:
        place = place_of(document)
        home.server.admin.done("POST", place.resource.path(place.namespace), document)
    home.change(enableInjector=False, featureGates={"metricsExporter": False})
    home.start(CERT_MANAGER)
    home.told("True")
    for kind, name in (
        ("DaemonSet", "network-resources-injector"),
        ("MutatingWebhookConfiguration", INJECTIONS),
        ("ClusterRole", "network-resources-injector"),
        ("DaemonSet", "sriov-network-metrics-exporter"),
    ):
        assert home.find(kind, name) is None
    assert home.find("ConfigMap", SWITCHES), "it holds what people set"


def test_an_injector_that_is_installed_by_itself_is_left_alone(home: Home, made: Any) -> None:
    name, elsewhere = "network-resources-injector", "kube-system"
    rbac = "rbac.authorization.k8s.io"
    hook = {
        "name": "theirs.example.com",
        "clientConfig": {"service": {"name": name, "namespace": elsewhere, "path": "/mutate"}, "caBundle": AUTHORITY},
        "rules": [{"operations": ["CREATE"], "apiGroups": ["none.example"], "apiVersions": ["v1"], "resources": ["a"]}],
        "failurePolicy": "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    theirs = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": INJECTIONS},
            "webhooks": [hook],
        },
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": []},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{name}-role-binding"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": elsewhere}],
        },
    ]
    before = [made(one)["metadata"]["uid"] for one in theirs]

    def now() -> list[str]:
        found = [home.find(str(one["kind"]), one["metadata"]["name"]) for one in theirs]  # type: ignore[index]
        return [one["metadata"]["uid"] for one in found if one]

    home.start(CERT_MANAGER)
    home.create(enableInjector=False)
    home.told("True")
    assert now() == before
    home.delete()
    until(lambda: home.server.admin.find(home.path) is None)
    assert now() == before


def test_a_bundle_that_somebody_injects_stays_until_we_have_one(home: Home, recent: object) -> None:
    home.start(CERT_MANAGER)
    home.create(enableInjector=True)
    home.told("True")
    found = home.find("MutatingWebhookConfiguration", INJECTIONS)
    assert found is not None
    assert found["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": f"{home.namespace}/network-resources-injector-cert"
    }
    assert "caBundle" not in found["webhooks"][0]["clientConfig"]
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": AUTHORITY}]
    path = home.path_of("MutatingWebhookConfiguration", INJECTIONS)
    home.server.admin.done("PATCH", path, patch, content_type="application/json-patch+json")
    home.change(logLevel=1, featureGates={"resourceInjectorMatchCondition": True})
    home.told("True")
    found = home.until(
        "MutatingWebhookConfiguration", INJECTIONS, lambda one: one["webhooks"][0]["failurePolicy"] == "Fail"
    )
    assert found["webhooks"][0]["clientConfig"]["caBundle"] == AUTHORITY
    other = base64.b64encode(base64.b64decode(AUTHORITY) + b"\n").decode()
    home.start({"ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_CA_CRT": other})
    home.until(
        "MutatingWebhookConfiguration", INJECTIONS, lambda one: one["webhooks"][0]["clientConfig"]["caBundle"] == other
    )


def test_the_switches_of_people_stay_and_their_labels_reach_the_webhook(home: Home, recent: object) -> None:
    home.start(CERT_MANAGER)
    home.create(enableInjector=True, featureGates={"resourceInjectorMatchCondition": True})
    home.told("True")
    injection = '{"op": "add", "path": "/metadata/annotations", "value": {"k8s.v1.cni.cncf.io/networks": "a"}}'
    config = f'{{"user-defined-injections": {{"example.com/inject": {injection}}}}}'
    home.patch("ConfigMap", SWITCHES, {"data": {"config.json": config, "more": "theirs"}})

    def expression(one: Document) -> str:
        (condition,) = one["webhooks"][0]["matchConditions"]
        return str(condition["expression"])

    home.until("MutatingWebhookConfiguration", INJECTIONS, lambda one: "'example.com/inject' in" in expression(one))
    home.change(enableInjector=False)
    home.told("True")
    home.change(enableInjector=True)
    home.told("True")
    found = home.find("ConfigMap", SWITCHES)
    assert found is not None
    assert found["data"] == {"config.json": config, "more": "theirs"}


@attrs.define
class Interrupted(Way):
    """A transport on which somebody acts just before a write."""

    before: int
    """Before which one, from 1; dry runs count."""
    act: Callable[[], object]
    writes: int = 0

    def request(self, method: str, path: str, **asked: Any) -> Answer:
        self.writes += method != "GET"
        if method != "GET" and self.writes == self.before:
            self.act()
        return super().request(method, path, **asked)


@pytest.mark.parametrize(
    ("there", "before", "theirs"),
    [
        pytest.param(None, 1, SET, id="made-by-somebody-first"),
        pytest.param({}, 1, SET, id="set-since-they-were-read"),
        pytest.param({}, 2, SET, id="set-since-the-write-was-foreseen"),
        pytest.param({}, 2, None, id="deleted-since-the-write-was-foreseen"),
        pytest.param({"ownerReferences": [FORMER]}, 2, SET, id="set-before-they-are-replaced"),
        pytest.param({"ownerReferences": [FORMER]}, 3, SET, id="set-since-they-were-replaced"),
    ],
)
def test_what_somebody_does_to_switches_between_the_read_and_the_write_is_not_lost(
    home: Home, there: Document | None, before: int, theirs: dict[str, str] | None
) -> None:
    home.create()
    admin, path = home.server.admin, home.path_of("ConfigMap", SWITCHES)
    (ours,) = [one for one in wanted_in(home) if one["metadata"]["name"] == SWITCHES]
    metadata = {"name": SWITCHES, "namespace": home.namespace}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    if there is not None:
        admin.create({**made, "metadata": {**metadata, **there}, "data": {"more": "old"}})

    def act() -> None:
        admin.apply({**made, "data": theirs}) if theirs else admin.remove(path)

    client = Client(Interrupted(connect(str(home.kubeconfig), user_agent="test"), before, act), manager=MANAGER)
    applier = Applier(client, home.namespace, lambda _place: None, lambda _kind, _verb: None)
    with pytest.raises(Conflict) as met:
        carry_out(Wanted((ours,), ()), applier, threading.Event())
    assert is_passing(met.value)
    assert carry_out(Wanted((ours,), ()), applier, threading.Event()) == Done({})
    found = admin.done("GET", path)
    assert found["data"] == (theirs or ours["data"])
    assert not differs(found, {**ours, "data": found["data"]})


def test_more_config_maps_of_the_device_plugin_are_put_into_its_folder(home: Home, recent: object) -> None:
    home.start(CERT_MANAGER)
    home.create()
    home.told("True")

    def sources(one: Document) -> list[str]:
        (volume,) = [it for it in one["spec"]["template"]["spec"]["volumes"] if it["name"] == "config-volume"]
        found = volume.get("projected", {}).get("sources") or [volume]
        return [it["configMap"]["name"] for it in found]

    first = home.find("DaemonSet", PLUGIN)
    assert first is not None
    assert sources(first) == ["device-plugin-config"]
    for number in (1, 2, 3):
        head = {"apiVersion": "v1", "kind": "ConfigMap"}
        metadata = {"name": f"device-plugin-config-{number}", "namespace": home.namespace}
        home.server.admin.create({**head, "metadata": metadata})
    every = ["device-plugin-config", *(f"device-plugin-config-{number}" for number in (1, 2, 3))]
    home.until("DaemonSet", PLUGIN, lambda one: sources(one) == every)


def test_a_condition_of_somebody_else_and_other_finalizers_stay(home: Home) -> None:
    home.create()
    home.server.admin.done(
        "PATCH",
        home.path,
        {"metadata": {"finalizers": ["example.com/theirs"]}},
        content_type="application/merge-patch+json",
    )
    theirs = {
        "type": "Theirs",
        "status": "True",
        "reason": "So",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = {"apiVersion": API_VERSION, "kind": "SriovOperatorConfig", "status": {"conditions": [theirs]}}
    home.server.admin.done("PATCH", f"{home.path}/status?fieldManager=them", body, content_type=APPLY)
    home.start(CERT_MANAGER)
    home.told("True")
    found = home.config()
    assert found["metadata"]["finalizers"] == ["example.com/theirs", FINALIZER]
    assert [one["type"] for one in found["status"]["conditions"]] == ["Theirs", "Ready", "Progressing", "Degraded"]
    home.delete()
    until(lambda: home.config()["metadata"]["finalizers"] == ["example.com/theirs"])
    home.server.admin.done(
        "PATCH", home.path, {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json"
    )
