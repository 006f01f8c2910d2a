"""Intel's cards with SR-IOV; ids from the device tables of Linux 6.12, those of the E835 from a later ice_devids.h."""

from sriov_core.plugin import Model, Tier

_IGB = "at most 7 VFs a port; a VF's driver takes a random address unless the PF is up when it binds"
_IXGBE = "no VFs while an XDP program is attached to the PF; fewer than 63 with traffic classes or offloaded macvlans"
_ICE = "without a DDP package it runs in safe mode, which has no VFs; the eswitch mode changes only without VFs"


def _model(name: str, kernel_driver: str, devices: str, *, tier: Tier = Tier.PLAIN, notes: str = "") -> Model:
    ids = tuple(f"8086:{device}" for device in devices.split())
    return Model(name=f"Intel {name}", devices=ids, kernel_driver=kernel_driver, tier=tier, notes=notes)


MODELS = (
    _model("82576", "igb", "10c9 10e6 10e7 10e8 150a 150d 1518 1526", tier=Tier.REAL_KERNEL, notes=_IGB),
    _model("I350", "igb", "1521 1522 1523 1524", notes=_IGB),
    _model(
        "82599 and X520",
        "ixgbe",
        "10f7 10f8 10f9 10fb 10fc 1507 1514 1517 151c 1529 152a 154a 154d 154f 1557 1558",
        notes=_IXGBE,
    ),
    _model("X540", "ixgbe", "1528 1560", notes=_IXGBE),
    _model("X550", "ixgbe", "1563 15d1", tier=Tier.SIMULATED, notes=_IXGBE),
    _model(
        "X552 and X553",
        "ixgbe",
        "15aa 15ab 15ac 15ad 15ae 15b0 15c2 15c3 15c4 15c6 15c7 15c8 15ce 15e4 15e5",
        notes=_IXGBE,
    ),
    _model("X710", "i40e", "1572 1581 1585 1586 1589 15ff 104e 104f"),
    _model("XL710", "i40e", "1580 1583 1584 1587 1588", tier=Tier.SIMULATED),
    _model("XXV710", "i40e", "158a 158b 0d58"),
    _model("V710 and I710", "i40e", "101f 0dd2"),
    _model("X722", "i40e", "37ce 37cf 37d0 37d1 37d2 37d3 0dda"),
    _model("E810-C", "ice", "1591 1592 1593", tier=Tier.SIMULATED, notes=_ICE),
    _model("E810-XXV", "ice", "1599 159a 159b", notes=_ICE),
    _model("E822", "ice", "1890 1891 1892 1893 1894 1897 1898 1899 189a", notes=_ICE),
    _model("E823", "ice", "124c 124d 124e 124f 151d 188a 188b 188c 188d 188e", notes=_ICE),
    _model("E825-C", "ice", "579c 579d 579e 579f", notes=_ICE),
    _model("E830", "ice", "12d1 12d2 12d3 12d4 12d5 12d8 12da 12dc 12dd 12de", notes=_ICE),
    _model("E835", "ice", "1248 1249 124a", notes=_ICE),
)
