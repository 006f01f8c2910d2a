"""How the agent is to work: the switches of the SriovOperatorConfig with the command line's on top. Pure."""

from typing import Any

import attrs
import msgspec

from sriov_core.agent.handshake import Terms
from sriov_core.api.featuregates import gates
from sriov_core.kube.lean import LeanMeta


class _Spec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    disable_drain: bool = False
    log_level: int = 0
    feature_gates: dict[str, Any] = msgspec.field(default_factory=dict)


class SeenConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent reads of the SriovOperatorConfig."""

    metadata: LeanMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)


@attrs.frozen(kw_only=True)
class Given:
    """What the command line and the environment say; None leaves a feature to its gate.

    ``log_level`` holds as long as no configuration says another.
    """

    external_drainer: bool = False
    parallel: bool | None = None
    bridges: bool | None = None
    log_level: int = 0


@attrs.frozen(kw_only=True)
class Switches:
    """What holds now.

    ``block_plugin``: the device plugin's pods wait until the node is configured. ``reset_firmware``: cards load their
    firmware anew before a reboot. ``bridges``: those of the wish are made. ``parallel``: several NICs at a time.
    """

    terms: Terms = attrs.field(factory=Terms)
    log_level: int = 0
    block_plugin: bool = True
    reset_firmware: bool = True
    bridges: bool = False
    parallel: bool = False


def switches(config: SeenConfig | None, given: Given) -> Switches:
    """The switches of a configuration; the defaults of every gate where there is none."""
    spec = config.spec if config else _Spec()
    on = gates(spec.feature_gates)
    return Switches(
        terms=Terms(disabled=spec.disable_drain, external=given.external_drainer),
        log_level=config.spec.log_level if config else given.log_level,
        block_plugin=on.is_on("blockDevicePluginUntilConfigured"),
        reset_firmware=on.is_on("mellanoxFirmwareReset"),
        bridges=on.is_on("manageSoftwareBridges") if given.bridges is None else given.bridges,
        parallel=on.is_on("parallelNicConfig") if given.parallel is None else given.parallel,
    )
