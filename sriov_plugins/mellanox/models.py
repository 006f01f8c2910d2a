"""The cards that this driver is made for, by the ids in mlx5's own table (mlx5/core/main.c: mlx5_core_pci_table)."""

from sriov_core.plugin import Model, Tier

_KERNEL_DRIVER = "mlx5_core"
_OLD = "no flow steering by software, no vDPA"
_BLUEFIELD = "in NIC mode; in DPU mode its own system manages it, and changes of its firmware are refused"


def _model(name: str, device: str, notes: str = "", tier: Tier = Tier.PLAIN) -> Model:
    return Model(name=name, devices=(f"15b3:{device}",), kernel_driver=_KERNEL_DRIVER, tier=tier, notes=notes)


MODELS = (
    _model("ConnectX-4", "1013", _OLD),
    _model("ConnectX-4 Lx", "1015", _OLD),
    _model("ConnectX-5", "1017", "no vDPA", tier=Tier.SIMULATED),
    _model("ConnectX-5 Ex", "1019", "no vDPA"),
    _model("ConnectX-6", "101b", "simulated on InfiniBand", tier=Tier.SIMULATED),
    _model("ConnectX-6 Dx", "101d", tier=Tier.SIMULATED),
    _model("ConnectX-6 Lx", "101f"),
    _model("ConnectX-7", "1021"),
    _model("ConnectX-8", "1023"),
    _model("BlueField", "a2d2", _BLUEFIELD),
    _model("BlueField-2", "a2d6", f"{_BLUEFIELD}; simulated: SR-IOV off, and switched on", tier=Tier.SIMULATED),
    _model("BlueField-3", "a2dc", _BLUEFIELD),
)
