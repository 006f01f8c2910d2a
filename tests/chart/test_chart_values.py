"""Values that people have, and what can be asked for: a real API server takes every object, without a warning."""

from pathlib import Path

import pytest
import yaml
from helm import CHART, Failed, helm, kubectl, rendered
from incumbent_values import USERS, nested, pair
from release import ARGUMENTS, DEPLOYMENT, NAMESPACE, Document, until
from servers import Server

FOREIGN = {
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "Issuer": "cert-manager.io/v1",
    "Certificate": "cert-manager.io/v1",
    "NodeFeatureRule": "nfd.k8s-sigs.io/v1alpha1",
}
"""Kinds of others, of which no server here has a definition: nothing but their place and names is judged."""


def loose(kind: str, api_version: str) -> Document:
    """A definition that takes anything."""
    group, _, version = api_version.partition("/")
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": anything}
    scope = "Cluster" if kind == "NodeFeatureRule" else "Namespaced"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": scope, "names": names, "versions": [served]},
    }


EVERYTHING: Document = {
    "operator": {
        "metricsBindAddress": ":9090",
        "admissionControllers": {
            "enabled": True,
            "certificates": {"certManager": {"enabled": True, "generateSelfSigned": True}},
        },
    },
    "sriovOperatorConfig": {"deploy": True, "configDaemonNodeSelector": {"a": "b"}, "featureGates": {"a": True}},
    "monitoring": {"podMonitor": True, "alerts": True, "dashboard": True},
    "nodeFeatureRule": True,
    "imagePullSecrets": ["one"],
}
OWN_CERTIFICATES: Document = {
    "operator": {
        "clusterType": "openshift",
        "podEvictionPolicy": "delete",
        "nodeConfigMaps": True,
        "admissionControllers": {
            "enabled": True,
            "certificates": {"custom": {"enabled": True, "operator": pair("a"), "injector": pair("b")}},
        },
    }
}


ASKED: dict[str, Document] = {
    "defaults": {},
    "everything": EVERYTHING,
    "own-certificates": OWN_CERTIFICATES,
    **{name: nested(values) for name, values in USERS.items()},
}


@pytest.fixture(scope="module")
def known(bare: Server) -> Server:
    """The server with every definition, and the namespace."""
    definitions = [yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for path in (CHART / "crds").glob("*.yaml")]
    definitions += [loose(kind, version) for kind, version in FOREIGN.items()]
    for one in definitions:
        bare.admin.apply(one)
    for one in definitions:
        served = f"/apis/{one['spec']['group']}/{one['spec']['versions'][0]['name']}/{one['spec']['names']['plural']}"
        until(lambda served=served: bare.admin.request("GET", served)[0] == 200)
    if not bare.admin.find(f"/api/v1/namespaces/{NAMESPACE}"):
        bare.admin.create_namespace(NAMESPACE)
    return bare


def created(server: Server, documents: list[Document]) -> None:
    """As far as the API server would; Failed when it refuses, warns, or does not know a field."""
    asked = ("create", "--namespace", NAMESPACE, "--dry-run=server", "--validate=strict", "--filename", "-")
    told = kubectl(*asked, kubeconfig=server.admin_kubeconfig, given=yaml.dump_all(documents, Dumper=yaml.CSafeDumper))
    assert len(told.splitlines()) == len(documents)


def test_the_api_server_takes_every_object_and_knows_every_field(known: Server) -> None:
    """All at once, and one by one only to see which it is."""
    documents = {name: rendered(values) for name, values in ASKED.items()}
    try:
        created(known, [one for some in documents.values() for one in some])
    except Failed:
        for name, some in documents.items():
            try:
                created(known, some)
            except Failed as err:
                pytest.fail(f"{name}: {err}", pytrace=False)
        raise


def test_the_incumbents_whole_file_is_installed_without_a_warning(known: Server, tidy: Server, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(ASKED["the-whole-file"]))
    helm("install", *ARGUMENTS, "--values", str(tmp_path / "values.yaml"), kubeconfig=known.admin_kubeconfig)
    pod = tidy.admin.done("GET", DEPLOYMENT)["spec"]["template"]["spec"]
    assert "node-role.kubernetes.io/master" not in str(pod["affinity"])
    assert "node-role.kubernetes.io/control-plane" in str(pod["affinity"])
