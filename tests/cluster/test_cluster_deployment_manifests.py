"""Every manifest as a real API server judges it, with unknown fields refused; and what it makes of small writes."""

from collections.abc import Iterator
from typing import Any

import pytest
from deployments import FINALIZER, Home, homes, settings
from servers import Server

from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.wire import ObjectMeta
from sriov_operator.deployment.deployed import Deployed
from sriov_operator.deployment.manifests import place_of, wanted
from sriov_operator.deployment.trust import Trust, Trusts
from sriov_operator.objects import differs
from sriov_operator.tlsoptions import TlsOptions


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


def all_manifests(home: Home) -> list[dict[str, Any]]:
    given = settings(home.namespace)
    config = OperatorConfig(metadata=ObjectMeta(name="default", uid="00000000-0000-0000-0000-000000000001"))
    spec = {"enable_injector": True, "enable_operator_webhook": True, "use_cdi": True}
    on = {"metricsExporter": True, "resourceInjectorMatchCondition": True}
    here = Deployed(
        settings=given,
        config=OperatorConfig(metadata=config.metadata, spec=type(config.spec)(**spec, feature_gates=on)),
        gates=gates(on),
        tls=TlsOptions(),
        certificates=Trusts(Trust(secret="a"), Trust(secret="b")),
        config_maps=("device-plugin-config", "device-plugin-config-1"),
        injection_labels=("example.com/inject",),
    )
    return list(wanted(here).objects)


def test_the_api_server_takes_every_manifest_and_knows_every_field(home: Home, recent: object) -> None:
    for document in all_manifests(home):
        place = place_of(document)
        path = place.resource.path(place.namespace)
        status, said = home.server.admin.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", document)
        assert status == 201, f"{place}: {said['message']}"
        assert not differs(said, document), str(place)


def test_a_finalizer_drops_no_value_that_was_written(home: Home) -> None:
    home.start()
    spec = {"enableInjector": False, "enableOperatorWebhook": False, "logLevel": 0, "disableDrain": False}
    home.create(**spec, configDaemonNodeSelector={})
    home.told("True")
    assert home.config()["metadata"]["finalizers"] == [FINALIZER]
    assert home.config()["spec"] == {**spec, "configDaemonNodeSelector": {}}
