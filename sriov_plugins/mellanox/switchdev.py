"""Steering flows in software, which mlx5 offloads fastest, from the next change to switchdev on. Pure."""

from collections.abc import Iterable, Iterator

from sriov_core.plugin import EswitchMode, Nic, NicSpec, SetDevlinkParameter, SetEswitchMode, Step

STEERING = "flow_steering_mode"
BY_DEVICE = "dmfs"
BY_SOFTWARE = "smfs"
_ONLY_BY_DEVICE = frozenset({"1011", "1013", "1015"})
"""Connect-IB, ConnectX-4 and -4 Lx: the tables of their eswitch cannot be owned by software."""


def with_steering(nic: Nic, spec: NicSpec, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps with the steering mode set right before each change to switchdev, in which it cannot change any more.

    Documentation/networking/devlink/mlx5.rst; drivers/net/ethernet/mellanox/mlx5/core/fs_core.c: mlx5_fs_mode_validate.
    """
    found = nic.parameters.get(STEERING)
    for step in steps:
        if isinstance(step, SetEswitchMode) and step.mode is EswitchMode.SWITCHDEV:
            wanted = _wanted(nic, spec, found)
            if found is not None and wanted != found:
                # Firmware may know no other mode than the one it is in; switchdev works with either.
                yield SetDevlinkParameter(nic=nic.address, parameter=STEERING, was=found, value=wanted, needed=False)
                found = wanted
        yield step


def _wanted(nic: Nic, spec: NicSpec, found: str | None) -> str:
    if spec.restore:
        return spec.restore.parameters.get(STEERING, found or BY_DEVICE)
    # What else there is (hmfs, by hardware) somebody chose on purpose.
    by_software = found == BY_DEVICE and nic.device not in _ONLY_BY_DEVICE
    return BY_SOFTWARE if by_software else found or BY_DEVICE
