"""Cards of vendors without a driver of their own here; ids from the device tables of Linux 6.12."""

from sriov_core.plugin import Model, Tier

_BNXT = "switchdev mode needs VFs; the PF must be up for a change of their number"
_BNX2X = "the PF must be up for a change of the number of VFs"
_OCTEP = "PF of a DPU; its firmware sets how many VFs there can be, below sriov_totalvfs too"

MODELS = (
    Model(
        name="Broadcom BCM57414 NetXtreme-E 10/25GbE",
        devices=("14e4:16d7",),
        kernel_driver="bnxt_en",
        tier=Tier.SIMULATED,
        notes=_BNXT,
    ),
    Model(
        name="Broadcom BCM57508 NetXtreme-E 10/25/40/50/100/200GbE",
        devices=("14e4:1750",),
        kernel_driver="bnxt_en",
        tier=Tier.SIMULATED,
        notes=_BNXT,
    ),
    Model(
        name="Broadcom BCM57412, BCM57416, BCM57417 NetXtreme-E",
        devices=("14e4:16d6", "14e4:16d8", "14e4:16d9", "14e4:16e2", "14e4:16e3"),
        kernel_driver="bnxt_en",
        notes=_BNXT,
    ),
    Model(
        name="Broadcom BCM57504, BCM57502 NetXtreme-E",
        devices=("14e4:1751", "14e4:1752"),
        kernel_driver="bnxt_en",
        notes=_BNXT,
    ),
    Model(
        name="Broadcom BCM57608, BCM57604, BCM57602, BCM57601",
        devices=("14e4:1760", "14e4:1761", "14e4:1762", "14e4:1763"),
        kernel_driver="bnxt_en",
        notes=_BNXT,
    ),
    Model(
        name="Broadcom BCM57810, BCM57840 NetXtreme II 10GbE",
        devices=("14e4:168e", "14e4:16a1", "14e4:16a2"),
        kernel_driver="bnx2x",
        notes=_BNX2X,
    ),
    Model(
        name="Marvell FastLinQ QL41000 10/25/40/50GbE",
        devices=("1077:8070",),
        kernel_driver="qede",
        tier=Tier.SIMULATED,
    ),
    Model(
        name="Marvell FastLinQ QL45000 25/40/50/100GbE",
        devices=("1077:1634", "1077:1644", "1077:1654", "1077:1656"),
        kernel_driver="qede",
    ),
    Model(
        name="Marvell OCTEON TX2 and OCTEON 10, network port of the SoC",
        devices=("177d:a063",),
        kernel_driver="rvu_nicpf",
        notes="its eswitch belongs to the admin function of the SoC, not to the port",
    ),
    Model(
        name="Marvell (Cavium) OCTEON PCIe endpoint CN93XX, CN98XX, CNF95N, CN10K, CNF10K",
        devices=("177d:b100", "177d:b200", "177d:b400", "177d:b900", "177d:ba00", "177d:bc00", "177d:bd00"),
        kernel_driver="octeon_ep",
        notes=_OCTEP,
    ),
    Model(
        name="AMD Pensando DSC Ethernet",
        devices=("1dd8:1002",),
        kernel_driver="ionic",
        tier=Tier.SIMULATED,
        notes="sriov_numvfs answers EBUSY while its firmware resets",
    ),
    Model(
        name="Amazon Elastic Network Adapter",
        devices=("1d0f:0ec2", "1d0f:1ec2", "1d0f:ec20", "1d0f:ec21"),
        kernel_driver="ena",
        notes="in an EC2 guest it is a VF without its PF: plugin virtual",
    ),
    Model(
        name="Netronome and Corigine Agilio NFP-4000, NFP-5000, NFP-6000, NFP-3800",
        devices=("19ee:4000", "19ee:5000", "19ee:6000", "19ee:3800", "1da8:3800"),
        kernel_driver="nfp",
        notes="the firmware's app fixes the eswitch mode; flower is always in switchdev mode",
    ),
)
