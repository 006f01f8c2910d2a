"""Whether udev has finished with a netdev: only then does the netdev have its lasting name."""

import os

_CONTROL = "run/udev/control"
_DATABASE = "run/udev/data"


def has_finished(root: str, ifindex: int) -> bool:
    """True when udev has been through with the netdev, and where no udev runs that could rename it.

    udevd keeps an entry ``n<ifindex>`` for each netdev once all its rules were done (systemd: src/libsystemd/sd-device,
    device_get_device_id). A netdev that is brought up before keeps the kernel's name on kernels before 6.2.
    """
    prefix = root.rstrip("/")
    if not os.path.exists(f"{prefix}/{_CONTROL}"):
        return True
    return os.path.exists(f"{prefix}/{_DATABASE}/n{ifindex}")
