"""The agent's metrics: what a scrape shows after what the loop has told."""

from collections.abc import Mapping

from sriov_core.agent.metrics import AgentMetrics, pages
from sriov_core.agent.podresources import Holding
from sriov_core.agent.vfstats import VfSeries
from sriov_core.engine.execute import Event, Moment
from sriov_core.errors import HostError
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic, Owner, Snapshot, Vf
from sriov_core.model.steps import SetNumVfs

PF = Address.parse("0000:3b:00.0")
VFS = tuple(Vf(index=index, address=Address.parse(f"0000:3b:02.{index}")) for index in range(2))


def nic(**fields: object) -> Nic:
    return Nic(**{"address": PF, "vendor": "8086", "device": "158b", "name": "ens1f0", "numa_node": 1, **fields})  # type: ignore[arg-type]


def shown(metrics: AgentMetrics) -> list[str]:
    """The samples of a scrape that are ours; the process's own come and go with the platform."""
    text = pages(metrics)["/metrics"]().body.decode()
    return [line for line in text.splitlines() if line.startswith("sriov_") and "_created" not in line]


def test_a_scrape_shows_what_the_last_look_saw() -> None:
    metrics = AgentMetrics()
    busy = Vf(index=2, address=Address.parse("0000:3b:02.2"), kernel_driver="vfio-pci", used_by="process 7")
    snapshot = Snapshot(nics=(nic(vfs=(*VFS, busy)),), owners={PF: Owner(plugin="intel", reason="vendor")})
    metrics.standing(snapshot, "drain")
    lines = shown(metrics)
    assert 'sriov_agent_nics{plugin="intel"} 1.0' in lines
    assert 'sriov_agent_vfs{driver="none",used="no"} 2.0' in lines
    assert 'sriov_agent_vfs{driver="vfio-pci",used="yes"} 1.0' in lines
    assert 'sriov_agent_waiting{what="drain"} 1.0' in lines
    assert 'sriov_agent_waiting{what="reboot"} 0.0' in lines


def test_what_is_gone_is_not_shown_any_more() -> None:
    metrics = AgentMetrics()
    metrics.standing(Snapshot(nics=(nic(),), owners={PF: Owner(plugin="intel", reason="")}), "")
    metrics.standing(Snapshot(), "")
    assert not [line for line in shown(metrics) if line.startswith(("sriov_agent_nics{", "sriov_agent_vfs{"))]


def test_steps_are_counted_by_kind_and_outcome() -> None:
    metrics = AgentMetrics()
    step = SetNumVfs(nic=PF, was=0, count=2)
    for moment in (Moment.STARTED, Moment.DONE, Moment.STARTED, Moment.FAILED):
        metrics.stepped(Event(moment=moment, step=step, seconds=0.2))
    lines = shown(metrics)
    assert 'sriov_agent_steps_total{kind="set-num-vfs",outcome="done"} 1.0' in lines
    assert 'sriov_agent_steps_total{kind="set-num-vfs",outcome="failed"} 1.0' in lines


def test_requests_without_an_answer_have_a_code_of_their_own() -> None:
    metrics = AgentMetrics()
    metrics.requested("get", "nodes", 0, 5.0)
    assert 'sriov_agent_api_requests_total{code="none",resource="nodes",verb="get"} 1.0' in shown(metrics)


def series(counters: Mapping[int, Mapping[str, int]], *holdings: Holding) -> list[str]:
    metrics = AgentMetrics()
    metrics.standing(Snapshot(nics=(nic(vfs=VFS),)), "")
    metrics.register(VfSeries(lambda: metrics.nics, lambda _: counters, lambda: holdings))
    return shown(metrics)


def test_vfs_have_the_series_and_labels_of_the_known_exporter() -> None:
    lines = series({0: {"rx_bytes": 7, "tx_dropped": 0}, 1: {"rx_bytes": 9}})
    assert 'sriov_vf_rx_bytes{numa_node="1",pciAddr="0000:3b:02.0",pf="ens1f0",vf="0"} 7.0' in lines
    assert 'sriov_vf_rx_bytes{numa_node="1",pciAddr="0000:3b:02.1",pf="ens1f0",vf="1"} 9.0' in lines
    assert 'sriov_vf_tx_dropped{numa_node="1",pciAddr="0000:3b:02.0",pf="ens1f0",vf="0"} 0.0' in lines


def test_pods_that_have_a_device_are_told_and_other_devices_are_not() -> None:
    vf = Holding(namespace="blue", pod="vnf", container="app", resource="openshift.io/res", device="0000:3b:02.0")
    gpu = Holding(namespace="blue", pod="vnf", container="app", resource="example.com/gpu", device="GPU-1")
    lines = [line for line in series({}, vf, gpu) if line.startswith("sriov_kubepoddevice{")]
    labels = 'container="app",dev_type="openshift.io/res",namespace="blue",pciAddr="0000:3b:02.0",pod="vnf"'
    assert lines == [f"sriov_kubepoddevice{{{labels}}} 1.0"]


def test_a_pf_that_does_not_answer_costs_its_own_series_only() -> None:
    metrics = AgentMetrics()
    other = Address.parse("0000:5e:00.0")
    metrics.standing(Snapshot(nics=(nic(vfs=VFS), nic(address=other, name="ens2", vfs=VFS[:1]))), "")

    def statistics(pf: Address) -> Mapping[int, Mapping[str, int]]:
        if pf == PF:
            raise HostError("0000:3b:00.0: the kernel did not answer within 2 s")
        return {0: {"rx_bytes": 1}}

    metrics.register(VfSeries(lambda: metrics.nics, statistics, tuple))
    assert [line.partition("{")[0] for line in shown(metrics) if "sriov_vf_" in line] == ["sriov_vf_rx_bytes"]


def test_the_page_is_there() -> None:
    assert pages(AgentMetrics())["/metrics"]().status == 200
