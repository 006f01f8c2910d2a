"""Hold the VFIO device of a VF open, as a virtual machine or a DPDK program does, until killed.

Usage: vfio_hold.py 0000:01:10.0. Prints "held" once the device is open (include/uapi/linux/vfio.h).
"""

import fcntl
import os
import signal
import struct
import sys

VFIO_SET_IOMMU = 0x3B66
VFIO_GROUP_SET_CONTAINER = 0x3B68
VFIO_GROUP_GET_DEVICE_FD = 0x3B6A
VFIO_TYPE1_IOMMU = 1


def hold(address: str) -> None:
    group = os.path.basename(os.readlink(f"/sys/bus/pci/devices/{address}/iommu_group"))
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    group_fd = os.open(f"/dev/vfio/{group}", os.O_RDWR)
    fcntl.ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, struct.pack("i", container))
    fcntl.ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU)
    fcntl.ioctl(group_fd, VFIO_GROUP_GET_DEVICE_FD, address.encode() + b"\0")
    print("held", flush=True)
    signal.pause()


if __name__ == "__main__":
    hold(sys.argv[1])
