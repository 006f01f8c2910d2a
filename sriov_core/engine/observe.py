"""One look at the machine: list the functions, find each one's owner, let it discover the NIC. Reads only."""

from collections.abc import Mapping

import attrs

from sriov_core.errors import DriverFailed, HostError
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Function, Nic, Owner, Snapshot, Unmanaged
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.ownership import choose
from sriov_core.plugin.reader import HostReader
from sriov_core.plugin.registry import Driver


def observe(
    host: HostReader,
    catalogue: Catalogue,
    drivers: Mapping[str, Driver],
    pins: Mapping[Address, str] | None = None,
    served: Mapping[Address, str] | None = None,
) -> Snapshot:
    """Look at every NIC of the machine. A driver that raises costs its own NIC only, which is named in ``failures``.

    ``served`` tells which plugin served a NIC so far: no other takes the place of one that is gone.
    """
    nics: list[Nic] = []
    owners: dict[Address, Owner] = {}
    unmanaged: list[Unmanaged] = []
    failures: dict[Address, str] = {}
    for function in host.functions():
        choice = choose(function, catalogue.infos, pins=pins, refused=catalogue.refused, served=served)
        if choice.plugin is None:
            unmanaged.append(Unmanaged(function=function, reason=choice.reason))
            continue
        owners[function.address] = Owner(plugin=choice.plugin, reason=choice.reason, blocked=choice.blocked)
        outcome = _discover(drivers[choice.plugin], function, host)
        if isinstance(outcome, Nic):
            nics.append(outcome)
        else:
            failures[function.address] = outcome
    return Snapshot(node=host.node(), nics=tuple(nics), owners=owners, unmanaged=tuple(unmanaged), failures=failures)


def inspect(snapshot: Snapshot, spec: NodeSpec, host: HostReader, drivers: Mapping[str, Driver]) -> Snapshot:
    """The look with what the wishes make worth reading; a driver that fails here costs its own NIC as well."""
    closer: dict[Address, Nic] = {}
    failures: dict[Address, str] = {}
    for wish in spec.nics:
        nic, owner = snapshot.nic(wish.address), snapshot.owners.get(wish.address)
        if nic is None or owner is None or owner.plugin not in drivers:
            continue
        try:
            closer[nic.address] = drivers[owner.plugin].inspect(nic, wish, host)
        except (DriverFailed, HostError) as err:
            failures[nic.address] = str(err)
    left = (nic for nic in snapshot.nics if nic.address not in failures)
    nics = tuple(closer.get(nic.address, nic) for nic in left)
    return attrs.evolve(snapshot, nics=nics, failures={**snapshot.failures, **failures})


def _discover(driver: Driver, function: Function, host: HostReader) -> Nic | str:
    try:
        nic = driver.discover(function, host)
    except (DriverFailed, HostError) as err:
        return str(err)
    if nic.address != function.address:
        return f"plugin {driver.info.name} discovered {nic.address} where it was asked for {function.address}"
    return nic
