"""The NICs that guests are mostly given, by the ids of what the guest sees. Data."""

from sriov_core.plugin import Model, Tier

_ON_PAPER = "by the kernel's sources and the vendor's documents only"

MODELS = (
    Model(
        # include/uapi/linux/virtio_ids.h; virtio 1.2, 4.1.2: transitional 1000, modern 1040 + device id
        name="virtio network device",
        devices=("1af4:1000", "1af4:1041"),
        kernel_driver="virtio-pci",
        tier=Tier.SIMULATED,
        notes=f"{_ON_PAPER}; with vDPA or vhost-user behind it as well",
    ),
    Model(
        # drivers/net/ethernet/amazon/ena/ena_pci_id_tbl.h
        name="Amazon Elastic Network Adapter",
        devices=("1d0f:0ec2", "1d0f:1ec2", "1d0f:ec20", "1d0f:ec21"),
        kernel_driver="ena",
        tier=Tier.SIMULATED,
        notes=_ON_PAPER,
    ),
    Model(
        # drivers/net/ethernet/intel/ixgbevf/defines.h; EC2's older instances have the first
        name="Intel VF of 82599, X540 and X550",
        devices=("8086:10ed", "8086:1515", "8086:1565"),
        kernel_driver="ixgbevf",
    ),
    Model(
        # drivers/net/ethernet/intel/igbvf/vf.h
        name="Intel VF of 82576 and I350",
        devices=("8086:10ca", "8086:1520"),
        kernel_driver="igbvf",
    ),
    Model(
        # include/linux/avf/virtchnl.h; drivers/net/ethernet/intel/iavf/iavf_main.c: iavf_pci_tbl
        name="Intel VF of X710, XL710, XXV710 and E810",
        devices=("8086:154c", "8086:1889"),
        kernel_driver="iavf",
        tier=Tier.SIMULATED,
        notes=_ON_PAPER,
    ),
    Model(
        # drivers/net/ethernet/mellanox/mlx5/core/main.c: mlx5_core_pci_table, entries marked MLX5_PCI_DEV_IS_VF
        name="NVIDIA ConnectX VF",
        devices=("15b3:1014", "15b3:1016", "15b3:1018", "15b3:101a", "15b3:101c", "15b3:101e"),
        kernel_driver="mlx5_core",
        tier=Tier.SIMULATED,
        notes=f"{_ON_PAPER}; Ethernet only",
    ),
)
