"""The series of VFs for Prometheus: what went through each, and who has it; read when somebody asks.

Names and labels are those of the SR-IOV network metrics exporter, so that dashboards and recording rules go on.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sriov_core.agent.podresources import Holding
from sriov_core.errors import SriovError
from sriov_core.host.vfstatistics import COUNTERS
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic

Statistics = Callable[[Address], Mapping[int, Mapping[str, int]]]
"""PF to VF index to counters, as `LinuxReader.vf_statistics`."""

_LABELS = ("pf", "vf", "pciAddr", "numa_node")

_log = logging.getLogger("sriov_core.agent")


class VfSeries(Collector):
    """``sriov_vf_*`` and ``sriov_kubepoddevice``.

    ``nics`` are the NICs of the last look, so a scrape costs one netlink request for each PF with VFs. A PF that does
    not answer is left out of this scrape.
    """

    def __init__(
        self,
        nics: Callable[[], Sequence[Nic]],
        statistics: Statistics,
        holdings: Callable[[], Sequence[Holding]],
    ) -> None:
        self._nics = nics
        self._statistics = statistics
        self._holdings = holdings

    def describe(self) -> Iterator[Metric]:
        """Nothing is read at registration."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All series as they are now."""
        families = {
            name: CounterMetricFamily(f"sriov_vf_{name}", f"{name.replace('_', ' ')} of a VF.", labels=_LABELS)
            for name in COUNTERS
        }
        for nic in self._nics():
            counted = self._counted(nic) if nic.vfs else {}
            for vf in nic.vfs:
                labels = (nic.name or "", str(vf.index), str(vf.address or ""), _numa(nic))
                for name, count in counted.get(vf.index, {}).items():
                    families[name].add_metric(labels, count)
        yield from (_without_suffix(family) for family in families.values())
        yield self._devices()

    def _counted(self, nic: Nic) -> Mapping[int, Mapping[str, int]]:
        try:
            return self._statistics(nic.address)
        except SriovError as err:
            _log.debug("the counters of the VFs of %s are not known: %s", nic.address, err)
            return {}

    def _devices(self) -> Metric:
        names = ("pciAddr", "dev_type", "namespace", "pod", "container")
        family = GaugeMetricFamily("sriov_kubepoddevice", "A device that a container was given.", labels=names)
        for one in self._holdings():
            if _is_pci(one.device):
                family.add_metric((one.device, one.resource, one.namespace, one.pod, one.container), 1)
        return family


def _numa(nic: Nic) -> str:
    return "" if nic.numa_node is None else str(nic.numa_node)


def _without_suffix(family: Metric) -> Metric:
    """The known series have no ``_total`` at their end, which the library puts there."""
    family.samples = [sample._replace(name=family.name) for sample in family.samples]
    return family


def _is_pci(device: str) -> bool:
    try:
        Address.parse(device)
    except ValueError:
        return False
    return True
