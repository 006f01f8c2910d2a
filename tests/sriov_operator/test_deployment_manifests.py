"""All manifests together: what is asked for, what shall be gone, and who owns it, whatever the configuration."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_deployments import NAMESPACE, OPENSHIFT, PROMETHEUS, SETTINGS, deployed, everything, named

from sriov_core.api.featuregates import GATES
from sriov_core.cli.agentsetup import UNIT_PROGRAM
from sriov_core.model import unittexts
from sriov_operator.deployment.manifests import Place, left_behind, place_of, wanted
from sriov_operator.deployment.names import CONFIG_DAEMON, MANAGED_BY, MANAGER
from sriov_operator.objects import differs
from sriov_operator.process.settings import Images

SWITCHES = Place("ConfigMap", NAMESPACE, "nri-control-switches")
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "enableInjector": st.booleans(),
        "enableOperatorWebhook": st.booleans(),
        "useCDI": st.booleans(),
        "configurationMode": st.sampled_from(["", "daemon", "systemd"]),
        "configDaemonNodeSelector": st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1"])),
        "disablePlugins": st.lists(st.sampled_from(["mellanox", "intel"]), unique=True),
        "featureGates": st.dictionaries(st.sampled_from([gate.name for gate in GATES]), st.booleans()),
        "configDaemonEnvVars": st.dictionaries(st.text(), st.text()),
    },
)
PLATFORMS = st.sampled_from([SETTINGS, OPENSHIFT, PROMETHEUS, attrs.evolve(SETTINGS, images=Images())])
FACTS = st.sampled_from([None, {"tls": None}, {"external_control_plane": True}])


def places(documents: Any) -> set[Place]:
    return {place_of(one) for one in documents}


@given(PLATFORMS, FACTS, SPECS)
def test_whatever_is_asked_for_is_well_formed_and_nothing_of_it_is_removed(
    settings: Any, facts: dict[str, Any] | None, spec: dict[str, Any]
) -> None:
    here = deployed(settings, facts, **spec)
    found = wanted(here)
    assert len(places(found.objects)) == len(found.objects)
    assert not places(found.objects) & set(found.absent)
    assert found == wanted(here)
    for document in found.objects:
        assert json.loads(json.dumps(document)) == document
        assert not differs(document, document)
        assert document["metadata"]["labels"][MANAGED_BY] == MANAGER


@given(PLATFORMS, SPECS)
def test_what_is_not_asked_for_is_removed_but_for_what_people_set(settings: Any, spec: dict[str, Any]) -> None:
    every = _all(settings)
    found = wanted(deployed(settings, **spec))
    kept = {SWITCHES} | ({Place("DaemonSet", NAMESPACE, CONFIG_DAEMON)} if not settings.images.config_daemon else set())
    assert every - places(found.objects) - set(found.absent) <= kept


def _all(settings: Any) -> set[Place]:
    images = attrs.evolve(SETTINGS, cluster_type=settings.cluster_type).images
    full = attrs.evolve(settings, images=images, metrics_exporter=PROMETHEUS.metrics_exporter)
    return places(wanted(everything(full, configurationMode="systemd")).objects)


def test_what_is_in_the_namespace_goes_with_the_configuration() -> None:
    for document in wanted(everything(PROMETHEUS)).objects:
        metadata = document["metadata"]
        owners = metadata.get("ownerReferences", [])
        assert [(one["kind"], one["uid"], one["controller"]) for one in owners] == (
            [("SriovOperatorConfig", "uid-1", True)] if "namespace" in metadata else []
        )


def test_what_nothing_owns_is_removed_by_hand_webhooks_first_and_without_the_restrictions() -> None:
    found = left_behind(everything(OPENSHIFT))
    kinds = [one.kind for one in found]
    of_the_cluster = {one for one in places(_wanted_in_all()) if not one.namespace}
    assert {one for one in of_the_cluster if "AdmissionPolicy" not in one.kind} == set(found)
    assert kinds[:3] == ["MutatingWebhookConfiguration"] * 2 + ["ValidatingWebhookConfiguration"]
    assert {"ClusterRole", "ClusterRoleBinding", "MachineConfig"} < set(kinds)
    assert "ValidatingAdmissionPolicy" in {one.kind for one in of_the_cluster}


def _wanted_in_all() -> tuple[dict[str, Any], ...]:
    return wanted(everything(OPENSHIFT, configurationMode="systemd")).objects


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        pytest.param(
            {"enableInjector": False},
            {
                Place("DaemonSet", NAMESPACE, "network-resources-injector"),
                Place("NetworkPolicy", NAMESPACE, "network-resources-injector-allow-traffic-api-server"),
                Place("MutatingWebhookConfiguration", "", "network-resources-injector-config"),
                Place("ClusterRole", "", "network-resources-injector"),
            },
            id="injector",
        ),
        pytest.param(
            {"enableOperatorWebhook": False},
            {
                Place("DaemonSet", NAMESPACE, "operator-webhook"),
                Place("NetworkPolicy", NAMESPACE, "operator-webhook-allow-traffic-api-server"),
                Place("MutatingWebhookConfiguration", "", "sriov-operator-webhook-config"),
                Place("ValidatingWebhookConfiguration", "", "sriov-operator-webhook-config"),
                Place("ClusterRole", "", "operator-webhook"),
            },
            id="webhook",
        ),
        pytest.param(
            {"featureGates": {"metricsExporter": False}},
            {
                Place("DaemonSet", NAMESPACE, "sriov-network-metrics-exporter"),
                Place("Service", NAMESPACE, "sriov-network-metrics-exporter-service"),
                Place("ServiceMonitor", NAMESPACE, "sriov-network-metrics-exporter"),
                Place("PrometheusRule", NAMESPACE, "sriov-vf-rules"),
                Place("Role", NAMESPACE, "prometheus-k8s"),
            },
            id="exporter",
        ),
    ],
)
def test_a_feature_that_is_switched_off_is_removed(off: dict[str, Any], gone: set[Place]) -> None:
    on = wanted(everything(PROMETHEUS))
    assert gone <= places(on.objects)
    assert gone <= set(wanted(everything(PROMETHEUS, **off)).absent)


def test_an_agent_whose_image_was_forgotten_runs_on() -> None:
    found = wanted(deployed(attrs.evolve(SETTINGS, images=attrs.evolve(SETTINGS.images, config_daemon=""))))
    agent = Place("DaemonSet", NAMESPACE, CONFIG_DAEMON)
    assert agent not in places(found.objects)
    assert agent not in found.absent


def test_without_its_image_the_device_plugin_is_somebody_elses() -> None:
    settings = attrs.evolve(SETTINGS, images=attrs.evolve(SETTINGS.images, device_plugin=""))
    assert Place("DaemonSet", NAMESPACE, "sriov-device-plugin") in wanted(deployed(settings)).absent


@pytest.mark.parametrize(
    ("settings", "facts", "mode", "is_there"),
    [
        pytest.param(OPENSHIFT, None, "systemd", True, id="openshift-systemd"),
        pytest.param(OPENSHIFT, None, "daemon", False, id="openshift-daemon"),
        pytest.param(SETTINGS, None, "systemd", False, id="kubernetes-systemd"),
        pytest.param(OPENSHIFT, {"external_control_plane": True}, "systemd", False, id="hosted"),
    ],
)
def test_units_come_by_machine_config_only_where_the_nodes_belong_to_openshift(
    settings: Any, facts: dict[str, Any] | None, mode: str, is_there: bool
) -> None:
    place = Place("MachineConfig", "", "sriov-config-service")
    found = wanted(deployed(settings, facts, configurationMode=mode, configDaemonNodeSelector={"a": "b"}))
    assert (place in places(found.objects)) is is_there


def test_the_units_are_those_that_the_agent_would_write_so_that_it_writes_none() -> None:
    here = deployed(OPENSHIFT, configurationMode="systemd", configDaemonNodeSelector={"mine": ""})
    document = named(here, "MachineConfig", "sriov-config-service")
    assert document["metadata"]["labels"]["machineconfiguration.openshift.io/role"] == "worker"
    assert "mine" not in document["metadata"]["labels"]
    found = document["spec"]["config"]["systemd"]["units"]
    assert {f"{unittexts.FOLDER}/{one['name']}": one["contents"] for one in found} == unittexts.texts((UNIT_PROGRAM,))
    assert all(one["enabled"] for one in found)
