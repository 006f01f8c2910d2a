"""docs/metrics.md has every series that a process serves, with its type and labels, and no other."""

import re

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from sources import ROOT

from sriov_core.agent.metrics import AgentMetrics
from sriov_core.agent.podresources import Holding
from sriov_core.agent.vfstats import VfSeries
from sriov_core.host.vfstatistics import COUNTERS
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic, Vf
from sriov_operator.process.metrics import Metrics as OperatorMetrics
from sriov_operator.serving.metrics import Metrics as WebhookMetrics

DOCUMENT = ROOT / "docs" / "metrics.md"
_ROW = re.compile(r"\| `(?P<name>[a-z_]+)` \| (?P<type>gauge|counter|histogram) \|(?P<labels>[^|]*)\|")

Series = tuple[str, str, tuple[str, ...]]


def documented() -> set[Series]:
    rows = _ROW.finditer(DOCUMENT.read_text())
    return {(row["name"], row["type"], tuple(re.findall(r"`(\w+)`", row["labels"]))) for row in rows}


def served(registry: CollectorRegistry) -> set[Series]:
    """What is registered; a series with labels has no sample before it is first counted, so the registry is asked."""
    made = [one for one in registry._collector_to_names if isinstance(one, MetricWrapperBase)]
    return {(_exposed(one), one._type, tuple(one._labelnames)) for one in made}


def _exposed(metric: MetricWrapperBase) -> str:
    return f"{metric._name}_total" if metric._type == "counter" else metric._name


def of_vfs() -> set[Series]:
    """The series of VFs, made when they are read: names and labels of the samples of one VF that a pod has."""
    address, vf = Address("0000:01:00.0"), Address("0000:01:10.0")
    nic = Nic(address=address, vendor="8086", device="10c9", name="eth0", vfs=(Vf(index=0, address=vf),))
    holding = Holding(namespace="apps", pod="server", container="main", resource="example.com/fast", device=str(vf))
    counted = {0: dict.fromkeys(COUNTERS, 1)}
    found = VfSeries(lambda: [nic], lambda _: counted, lambda: [holding]).collect()
    return {(one.name, family.type, tuple(one.labels)) for family in found for one in family.samples}


def test_every_series_is_documented_as_it_is_served() -> None:
    processes = [OperatorMetrics()._registry, AgentMetrics().registry, WebhookMetrics().registry]
    every = {series for registry in processes for series in served(registry)} | of_vfs()
    assert len(every) > 50
    assert documented() - every == set()
    assert every - documented() == set()


def test_no_two_processes_share_a_name() -> None:
    names = [name for name, _, _ in documented()]
    assert len(names) == len(set(names))


def test_what_controllers_are_called_is_what_the_label_is_said_to_be() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "operator" / "sriov_operator").rglob("*.py"))
    called = set(re.findall(r"(?:Controller\(|Controller\[\w+\] = Controller\()\s*\"([a-z-]+)\"", text))
    (sentence,) = re.findall(r"The label `controller` is (.*?)\n\n", DOCUMENT.read_text(), re.DOTALL)
    assert set(re.findall("`([a-z-]+)`", sentence)) == called
