"""The operator with its deployment only, under its real roles, and what tests ask of the cluster around it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from operator_runs import ACCOUNT, Running, until
from servers import Server
from servers_admin import MERGE

from sriov_core.kube import resource
from sriov_operator.deployment import roles
from sriov_operator.deployment.manifests import Place
from sriov_operator.deployment.names import ADMISSION_POLICIES
from sriov_operator.process.settings import Settings, from_environment

GROUP = "sriovnetwork.openshift.io"
FINALIZER = f"operatorconfig.finalizers.{GROUP}"
IMAGES = {
    "SRIOV_NETWORK_CONFIG_DAEMON_IMAGE": "registry.example/agent:1",
    "SRIOV_DEVICE_PLUGIN_IMAGE": "registry.example/device-plugin:1",
    "SRIOV_CNI_IMAGE": "registry.example/sriov-cni:1",
    "SRIOV_INFINIBAND_CNI_IMAGE": "registry.example/ib-sriov-cni:1",
    "SRIOV_NETWORK_WEBHOOK_IMAGE": "registry.example/operator:1",
    "NETWORK_RESOURCES_INJECTOR_IMAGE": "registry.example/operator:1",
    "METRICS_EXPORTER_IMAGE": "registry.example/exporter:1",
    "METRICS_EXPORTER_KUBE_RBAC_PROXY_IMAGE": "registry.example/proxy:1",
}
EVERYTHING = {"enableInjector": True, "enableOperatorWebhook": True, "featureGates": {"metricsExporter": True}}
RESTRICTIONS = (resource.ADMISSION_POLICY_BINDINGS, resource.ADMISSION_POLICIES)
RBAC = "rbac.authorization.k8s.io"
Document = dict[str, Any]
Environment = Mapping[str, str]


def settings(namespace: str, environment: Environment | None = None) -> Settings:
    """As the operator in that namespace reads them."""
    least = {"NAMESPACE": namespace, "RESOURCE_PREFIX": "openshift.io"}
    return from_environment({**least, **IMAGES, **(environment or {})})


def account(server: Server, given: Settings) -> tuple[Path, list[str]]:
    """The kubeconfig of the operator's service account, with its roles and no more; and the paths of these."""
    name, paths, wanted = f"deployment-in-{given.namespace}", [], []
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": given.namespace}
    for kind, place, rules in (
        ("Role", {"namespace": given.namespace}, roles.operator(given)),
        ("ClusterRole", {}, roles.operator_cluster(given)),
    ):
        head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name, **place}}
        bound = {"apiGroup": RBAC, "kind": kind, "name": name}
        wanted += roles.as_objects(rules)
        for document in (
            {**head, "kind": kind, "rules": roles.as_objects(rules)},
            {**head, "kind": f"{kind}Binding", "subjects": [subject], "roleRef": bound},
        ):
            server.admin.apply(document)
            paths.append(server.admin.path(document))
    # The operator leaves restrictions behind. They go with the accounts, as with what `manifests` printed.
    paths += [one.path("", name) for one in RESTRICTIONS for name in ADMISSION_POLICIES]
    user = f"system:serviceaccount:{given.namespace}:{ACCOUNT}"
    path, token = server.folder / f"{name}.kubeconfig", server.token(given.namespace, ACCOUNT)
    _await_rights(server, token, given.namespace, wanted)
    return server.kubeconfig(user, credentials=token, path=path), paths


def _await_rights(server: Server, token: str, namespace: str, wanted: Sequence[Document]) -> None:
    """Wait until the API server, whose view of the roles lags behind what is stored, grants all of these."""
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    one = server.with_token(token)

    def granted() -> bool:
        path = f"/apis/{kind['apiVersion']}/selfsubjectrulesreviews"
        # 401 while the account is still seen that a namespace of this name had before.
        status, answer = one.request("POST", path, {**kind, "spec": {"namespace": namespace}})
        return status == 201 and all(rule in answer["status"]["resourceRules"] for rule in wanted)

    try:
        until(granted)
    finally:
        one.close()


@attrs.define
class Home:
    """One namespace with one operator in it, as its administrator sees it."""

    server: Server
    namespace: str
    kubeconfig: Path
    operator: Running | None = None

    def start(self, environment: Environment | None = None, *parts: str) -> None:
        """Run the operator with these variables and these parts more, in the place of one that runs."""
        self.stop()
        given = {**IMAGES, **(environment or {})}
        self.operator = Running.start(
            self.kubeconfig, self.namespace, only=frozenset({"deployment", *parts}), environment=given
        )
        until(lambda: self.operator and self.operator.leads)

    def stop(self) -> None:
        """End the operator, if one runs."""
        if self.operator is not None:
            assert self.operator.stop() == 0
            self.operator = None

    @property
    def path(self) -> str:
        """Of the configuration."""
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sriovoperatorconfigs/default"

    def create(self, **spec: Any) -> Document:
        """The configuration, made."""
        head = {"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig"}
        return self.server.admin.create(
            {**head, "metadata": {"name": "default", "namespace": self.namespace}, "spec": spec}
        )

    def change(self, **spec: Any) -> Document:
        """Set fields of its spec; None removes one."""
        found: Document = self.server.admin.done("PATCH", self.path, {"spec": spec}, content_type=MERGE)
        return found

    def delete(self) -> None:
        """Delete the configuration."""
        self.server.admin.done("DELETE", self.path)

    def config(self) -> Document:
        """As it is now."""
        found = self.server.admin.find(self.path)
        assert found is not None
        return found

    def condition(self, kind: str = "Ready") -> Document:
        """A condition of it, when it tells of the spec as it is now; else empty."""
        found = self.config()
        conditions = (found.get("status") or {}).get("conditions") or []
        one = next((one for one in conditions if one["type"] == kind), {})
        return one if one.get("observedGeneration") == found["metadata"]["generation"] else {}

    def told(self, status: str, kind: str = "Ready", *, text: str = "") -> Document:
        """The condition, once it has that status of the spec as it is now, and the text in it."""

        def found() -> Document | None:
            one = self.condition(kind)
            return one if one.get("status") == status and text in one["message"] else None

        return until(found)

    def place(self, kind: str, name: str) -> Place:
        """Of something in this namespace, or of the cluster."""
        place = Place(kind, "", name)
        return attrs.evolve(place, namespace=self.namespace) if place.resource.namespaced else place

    def path_of(self, kind: str, name: str) -> str:
        """Where it is."""
        place = self.place(kind, name)
        return place.resource.path(place.namespace, place.name)

    def find(self, kind: str, name: str) -> Document | None:
        """What is there, or None."""
        return self.server.admin.find(self.path_of(kind, name))

    def patch(self, kind: str, name: str, patch: Document, subresource: str = "") -> Document:
        """As somebody else does."""
        path = f"{self.path_of(kind, name)}{subresource}?fieldManager=somebody"
        found: Document = self.server.admin.done("PATCH", path, patch, content_type=MERGE)
        return found

    def until(self, kind: str, name: str, holds: Callable[[Document], object]) -> Document:
        """The object, once that holds of it."""

        def found() -> Document | None:
            one = self.find(kind, name)
            return one if one is not None and holds(one) else None

        return until(found)

    def until_gone(self, kind: str, name: str) -> None:
        """Wait until nothing is there."""
        until(lambda: self.find(kind, name) is None)

    def pod(self, name: str) -> Document:
        """The pods of a DaemonSet."""
        found = self.find("DaemonSet", name)
        assert found is not None
        spec: Document = found["spec"]["template"]["spec"]
        return spec

    def requests(self) -> float:
        """Those of the operator so far, but for its Lease, its events and its watches."""
        assert self.operator is not None
        verbs = ("get", "create", "update", "patch", "delete")
        every = sum(self.operator.counted("api_requests_total", verb=verb) for verb in verbs)
        leases = self.operator.counted("api_requests_total", resource="leases")
        return every - leases - self.operator.counted("api_requests_total", resource="events")

    def events(self) -> list[tuple[str, str]]:
        """Type and reason of what was told about the configuration."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        return [(one["type"], one["reason"]) for one in self.server.admin.done("GET", path)["items"]]


def homes(server: Server, namespace: str, environment: Environment | None = None) -> Iterator[Home]:
    """One home in that namespace; afterwards nothing of it is left. For a fixture."""
    kubeconfig, paths = account(server, settings(namespace, environment))
    home = Home(server, namespace, kubeconfig)
    try:
        yield home
    finally:
        server.revive()
        if home.operator is None:
            home.start(environment)
        if server.admin.find(home.path):
            home.delete()
            until(lambda: server.admin.find(home.path) is None)
        home.stop()
        for path in paths:
            server.admin.remove(path)
