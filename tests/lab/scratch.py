"""A guest's own folder, which does not outlive the process that made it, even one that was killed."""

import fcntl
import shutil
import tempfile
from pathlib import Path

PREFIX = "sriov-lab-"


class Folder:
    """A temporary folder that is locked while its process lives. Making one removes those whose process is gone."""

    def __init__(self) -> None:
        for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
            _remove_if_abandoned(other)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = (self.path / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _remove_if_abandoned(path: Path) -> None:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
    except OSError:
        return  # its process lives, or another removed it just now
