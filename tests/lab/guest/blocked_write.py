"""Take the VFs of a PF away while somebody holds one, past the check for holders, as when they come in between.

Usage: blocked_write.py 0000:01:00.0 DEADLINE_S. Prints one JSON object with the error and how long it took.
"""

import json
import sys
import time

from sriov_core.errors import SriovError
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address


def main(pf: str, deadline_s: float) -> None:
    host = LinuxHost()
    began = time.monotonic()
    try:
        host._sysfs.write(Address.parse(pf), "sriov_numvfs", "0", timeout_s=deadline_s)
        error, text = "", ""
    except SriovError as err:
        error, text = type(err).__name__, str(err)
    print(json.dumps({"error": error, "text": text, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
