"""The feature gates of the operator's configuration: their names, defaults and meaning. Nothing here does I/O."""

from collections.abc import Mapping

import attrs

from sriov_core.api.fault import Fault, join, legible
from sriov_core.api.shape import described, meant


@attrs.frozen(kw_only=True)
class Gate:
    """One feature that can be switched on or off by its name."""

    name: str
    default: bool
    about: str


GATES = (
    Gate(name="parallelNicConfig", default=False, about="The agent configures several NICs at a time."),
    Gate(
        name="resourceInjectorMatchCondition",
        default=False,
        about="The API server asks the injector for pods with networks only, and refuses these without its answer.",
    ),
    Gate(name="metricsExporter", default=False, about="The exporter of VF metrics is deployed."),
    Gate(name="manageSoftwareBridges", default=False, about="Policies may attach PFs to Open vSwitch bridges."),
    Gate(
        name="blockDevicePluginUntilConfigured",
        default=True,
        about="The device plugin of a node starts only once its NICs are configured.",
    ),
    Gate(name="mellanoxFirmwareReset", default=True, about="Firmware is reset before a reboot is asked for."),
)
_DEFAULTS = {gate.name: gate.default for gate in GATES}


@attrs.frozen
class FeatureGates:
    """Which features are on; ``faults`` are the entries that mean nothing."""

    states: Mapping[str, bool]
    faults: tuple[Fault, ...] = ()

    def is_on(self, name: str) -> bool:
        """Whether a feature is on; one that does not exist is off."""
        return self.states.get(name, False)


def gates(asked: Mapping[str, object], path: str = "spec.featureGates") -> FeatureGates:
    """The defaults with what is asked for laid over them; unknown names and values that are not bool are faults."""
    states = dict(_DEFAULTS)
    faults = []
    for name, value in asked.items():
        place = join(path, legible(name))
        if name not in _DEFAULTS:
            faults.append(Fault(place, "there is no such feature gate", meant(name, tuple(_DEFAULTS))))
        elif not isinstance(value, bool):
            faults.append(Fault(place, f"found {described(value)}, wanted true or false", "Write true or false"))
        else:
            states[name] = value
    return FeatureGates(states, tuple(faults))
