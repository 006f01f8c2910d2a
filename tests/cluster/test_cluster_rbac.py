"""The roles are what the processes need: in one run of everything nothing is forbidden, and nothing granted is idle.

What was granted and not used stands in `IDLE`, with the reason.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import pytest
import servers_install
from deployments import settings as operator_settings
from operator_runs import ACCOUNT
from rbac_story import of, told
from servers import Binaries, Server
from whole import Cluster, cluster

from sriov_core.api.wire import GROUP
from sriov_operator.deployment import names, roles
from sriov_operator.deployment.roles import Rule

HOME, ELSEWHERE = "rbac-tests", "rbac-tests-users"
SETTINGS = operator_settings(HOME)
CHECKED = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
"""As on OpenShift: who names an owner that it holds up has to have a permission for that."""
HANDED_OUT = (
    *roles.DEVICE_PLUGIN_WAITS,
    *roles.WEBHOOK_CLUSTER,
    *roles.WEBHOOK,
    *roles.INJECTOR_CLUSTER,
    *roles.INJECTOR,
    *roles.EXPORTER_CLUSTER,
    *roles.PROMETHEUS,
    *roles.PRIVILEGED,
)
"""The operator has to have what it hands out (RBAC's guard against escalation)."""


@attrs.frozen(order=True)
class Grant:
    """One permission: of a ClusterRole when ``everywhere``, else of a Role in the operator's namespace."""

    everywhere: bool
    group: str
    resource: str
    verb: str
    name: str = ""

    def is_used_by(self, request: "Grant") -> bool:
        """True when the request takes this permission; what is in the operator's namespace takes none of a cluster."""
        named = not self.name or self.name == request.name
        return named and attrs.astuple(self)[:4] == attrs.astuple(request)[:4]

    def __str__(self) -> str:
        where = "everywhere" if self.everywhere else "at home"
        return f"{self.verb} {self.resource}.{self.group} {self.name} {where}"


@attrs.frozen
class Who:
    """A service account of the project and what it may do."""

    account: str
    home: tuple[Rule, ...]
    everywhere: tuple[Rule, ...] = ()

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{HOME}:{self.account}"

    def grants(self) -> Iterator[Grant]:
        """Each permission."""
        for everywhere, rules in ((False, self.home), (True, self.everywhere)):
            for rule in rules:
                if self.account == ACCOUNT and rule in HANDED_OUT:
                    continue
                yield from (
                    Grant(everywhere, rule.group, resource, verb, name)
                    for resource in rule.resources
                    for verb in rule.verbs
                    for name in rule.names or ("",)
                )


WHO = {
    "operator": Who(ACCOUNT, roles.operator(SETTINGS), roles.operator_cluster(SETTINGS)),
    "agent": Who(names.CONFIG_DAEMON, roles.AGENT, roles.AGENT_CLUSTER),
    "webhook": Who(names.OPERATOR_WEBHOOK_ACCOUNT, roles.WEBHOOK, roles.WEBHOOK_CLUSTER),
    "injector": Who(names.INJECTOR_ACCOUNT, roles.INJECTOR, roles.INJECTOR_CLUSTER),
    "device-plugin": Who(names.DEVICE_PLUGIN, (*roles.DEVICE_PLUGIN_WAITS, *roles.PRIVILEGED)),
}

Idle = tuple[str, str, str, str]
"""Process, group, resource, and the verbs that nobody used; after a colon, of which names only.

With the word ``everywhere`` beside the verbs, only what a ClusterRole grants.
"""
_RBAC, _MONITORING = "rbac.authorization.k8s.io", "monitoring.coreos.com"
IDLE: dict[str, tuple[Idle, ...]] = {
    "security context constraints are OpenShift's": (
        ("agent", "security.openshift.io", "securitycontextconstraints", "use"),
        ("device-plugin", "security.openshift.io", "securitycontextconstraints", "use"),
    ),
    "the API server asks for it by itself, when an owner is named": (
        ("operator", GROUP, "sriovoperatorconfigs/finalizers", "update"),
    ),
    "only where the Prometheus operator is, whose kinds nobody has here": (
        ("operator", _MONITORING, "prometheusrules", "list watch delete"),
        ("operator", _MONITORING, "servicemonitors", "list watch delete"),
        ("operator", _RBAC, "roles", f"delete: {names.PROMETHEUS}"),
        ("operator", _RBAC, "rolebindings", f"delete: {names.PROMETHEUS}"),
    ),
    "applying takes all of such an object; it is replaced where something changes on its way what is applied": (
        ("operator", _RBAC, "clusterrolebindings", "update"),
        ("operator", _RBAC, "clusterroles", "update"),
        ("operator", _RBAC, "rolebindings", "update"),
        ("operator", _RBAC, "roles", "update"),
        ("operator", "networking.k8s.io", "networkpolicies", "update"),
    ),
    "every configuration asks for it, so it goes with the configuration only, by the garbage collector": (
        ("operator", "", "serviceaccounts", f"delete: {names.DEVICE_PLUGIN}"),
        ("operator", _RBAC, "roles", f"delete: {names.DEVICE_PLUGIN_PRIVILEGED} {names.DEVICE_PLUGIN_PODS}"),
    ),
    "a further ConfigMap of plugin configs, which only a large cluster has, is not needed any more": (
        ("operator", "", "configmaps", "delete"),
    ),
}
"""By reason. A rule that is in here can go where the reason does not hold."""
BY_CHANCE: dict[str, tuple[Idle, ...]] = {
    "its cached version is behind, or was refused": (
        ("operator", "", "namespaces", "get"),
        ("operator", GROUP, "sriovnetworknodepolicies", "get"),
    ),
    "the same is told once more, of an object that is not the operator's": (
        ("operator", "events.k8s.io", "events", "patch everywhere"),
    ),
}
"""By reason; whether these are used depends on who is faster."""


@pytest.fixture(scope="module")
def own(binaries: Binaries, recent: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, with an audit log."""
    started = Server.start(tmp_path_factory.mktemp("rbac-server"), binaries, audit=True, options=[CHECKED])
    try:
        servers_install.definitions(started.admin)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def requests(own: Server, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What was asked of the API server while everything was at work once."""
    for name in (HOME, ELSEWHERE):
        own.admin.create_namespace(name)
    with cluster(own, HOME, tmp_path_factory.mktemp("rbac")) as whole:
        return told(whole, whole.folder, ELSEWHERE, lambda command: is_watched(whole, WHO[command]))


def is_watched(whole: Cluster, who: Who) -> bool:
    """Whether it watches everything that its roles speak of."""
    watched = {grant.resource for grant in who.grants() if grant.verb == "watch"}
    asked = of(whole.audited(), who.user)
    return watched <= {one["objectRef"]["resource"] for one in asked if one["verb"] == "watch"}


def called(one: Any) -> Grant:
    """The permission that a request takes."""
    about = one["objectRef"]
    subresource = f"/{about['subresource']}" if "subresource" in about else ""
    everywhere = about.get("namespace") != HOME
    return Grant(
        everywhere, about.get("apiGroup", ""), f"{about['resource']}{subresource}", one["verb"], about.get("name", "")
    )


def used(asked: Iterable[Any]) -> set[Grant]:
    """Who applies what is not there creates it, and is asked for both permissions."""
    found = [(called(one), one.get("responseStatus", {}).get("code")) for one in asked]
    created = {attrs.evolve(grant, verb="create") for grant, code in found if grant.verb == "patch" and code == 201}
    return {grant for grant, _ in found} | created


@pytest.mark.parametrize("who", WHO.values(), ids=WHO)
def test_nothing_was_forbidden(requests, who):
    asked = of(requests, who.user)
    assert asked
    refused = [one for one in asked if one.get("responseStatus", {}).get("code") in (401, 403)]
    assert [(str(called(one)), one["responseStatus"].get("message")) for one in refused] == []


@pytest.mark.parametrize("name", WHO)
def test_nothing_is_granted_that_nobody_uses(requests, name):
    asked = used(of(requests, WHO[name].user))
    idle = {grant for grant in WHO[name].grants() if not any(grant.is_used_by(one) for one in asked)}
    known = {grant for process, grant in excused(IDLE) if process == name}
    chance = {grant for process, grant in excused(BY_CHANCE) if process == name}
    assert sorted(map(str, idle - known - chance)) == []
    assert sorted(map(str, known - idle)) == [], "it is used, so it needs no excuse"


def excused(table: dict[str, tuple[Idle, ...]]) -> Iterator[tuple[str, Grant]]:
    """Each permission that may be idle, with the process that has it."""
    for process, group, resource, text in (entry for entries in table.values() for entry in entries):
        verbs, _, called_so = text.partition(":")
        for grant in WHO[process].grants():
            of_it = (grant.group, grant.resource) == (group, resource) and grant.verb in verbs.split()
            in_place = grant.everywhere or "everywhere" not in verbs
            if of_it and in_place and (not called_so or grant.name in called_so.split()):
                yield process, grant


def test_what_is_excused_is_granted() -> None:
    table = {**IDLE, **BY_CHANCE}
    known = {grant for _, grant in excused(table)}
    for process, group, resource, text in (entry for entries in table.values() for entry in entries):
        found = {grant.verb for grant in known if (grant.group, grant.resource) == (group, resource)}
        assert set(text.partition(":")[0].split()) - {"everywhere"} <= found, (process, resource)
