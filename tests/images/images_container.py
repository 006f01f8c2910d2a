"""Starts programs in an image as a cluster does: its user, its environment, a root that cannot be written to."""

import subprocess  # noqa: TID251  # programs of the images are what is tested
from collections.abc import Mapping, Sequence
from pathlib import Path

from images_build import Image

DEADLINE_S = 60

# In a mount namespace of its own, which ends with the program. A container has these devices, /proc and /tmp, too.
_SCRIPT = """
root=$1 user=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
while [ "$1" != -- ]; do
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  shift 2
done
shift
mount -o remount,ro,bind "$root"
exec chroot --userspec="$user" "$root" "$@"
"""


def run(
    image: Image,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    volumes: Mapping[Path, str] | None = None,
    user: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the image to its end. ``volumes``: folders of this machine, and where they are seen in /tmp."""
    given = dict(line.split("=", 1) for line in image.config["Env"]) | dict(environment or {})
    mounts = [part for source, target in (volumes or {}).items() for part in (str(source), target)]
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", _SCRIPT, "container"]
    return subprocess.run(
        [*own, str(image.root), user or image.config["User"], *mounts, "--", *argv],
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def said(image: Image, *argv: str, volumes: Mapping[Path, str] | None = None) -> str:
    """What a program prints that ends well."""
    done = run(image, argv, volumes=volumes)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout
