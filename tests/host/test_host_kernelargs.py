"""Kernel arguments for the next boot, through each boot manager that is known."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sriov_core.errors import StepFailed
from sriov_core.host import kernelargs
from sriov_core.host.tools import Result

GRUB_LINE = "linux /vmlinuz root=/dev/sda1"


class Programs:
    """The boot managers' programs, doing to files what the real ones do; everything they did is in those files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fails = False

    def __call__(self, argv: Sequence[str]) -> Result:
        if self.fails:
            return Result(code=1, out="", err="error: no space left\n")
        program, *options = argv
        state = self.root / "state"
        arguments = state.read_text().split() if state.exists() else []
        if program == "rpm-ostree":
            arguments += [option.removeprefix("--append=") for option in options if option.startswith("--append=")]
            out = " ".join(arguments)
        elif program == "grubby":
            arguments += [option.removeprefix("--args=") for option in options if option.startswith("--args=")]
            out = f'index=0\nkernel="/boot/vmlinuz"\nargs="{" ".join(arguments)}"\nroot="/dev/sda1"\n'
        elif program == "update-grub":
            drop_in = (self.root / "etc/default/grub.d/90-sriov-core.cfg").read_text()
            words = drop_in.partition("$GRUB_CMDLINE_LINUX ")[2].rstrip('"\n')
            put(self.root, "boot/grub/grub.cfg", f"menuentry x {{\n  {GRUB_LINE} {words}\n}}\n")
            out = ""
        else:
            put(self.root, "built", (self.root / "etc/kernel/cmdline").read_text())
            out = ""
        put(self.root, "state", " ".join(arguments))
        return Result(code=0, out=out, err="")


def put(root: Path, path: str, text: str = "") -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_without_a_boot_manager_the_argument_is_left_to_the_person(tmp_path: Path) -> None:
    assert kernelargs.manager(str(tmp_path)) is None
    with pytest.raises(StepFailed) as caught:
        kernelargs.add(str(tmp_path), "iommu=pt", Programs(tmp_path))
    assert str(caught.value) == (
        "node: kernel argument: iommu=pt is not possible: no known boot manager is in effect. "
        "Set it yourself in the boot manager's configuration and reboot"
    )


@pytest.mark.parametrize(
    ("files", "name"),
    [
        pytest.param(["run/ostree-booted", "usr/sbin/grubby"], "rpm-ostree", id="ostree-before-grubby"),
        pytest.param(
            ["usr/sbin/grubby", "boot/loader/loader.conf", "boot/loader/entries/a.conf"], "grubby", id="grubby"
        ),
        pytest.param(["usr/sbin/update-grub"], "update-grub", id="debian"),
        pytest.param(["boot/loader/loader.conf", "boot/loader/entries/a.conf"], "systemd-boot", id="entries"),
        pytest.param(["etc/kernel/cmdline", "usr/bin/kernel-install"], "systemd-boot", id="unified-image"),
        pytest.param(["boot/loader/entries/a.conf"], None, id="entries-of-something-else"),
        pytest.param(["etc/kernel/cmdline"], None, id="cmdline-alone"),
    ],
)
def test_the_boot_manager_is_told_by_what_is_installed(tmp_path: Path, files: list[str], name: str | None) -> None:
    for file in files:
        put(tmp_path, file)
    assert kernelargs.manager(str(tmp_path)) == name


@pytest.mark.parametrize(("marker"), ["run/ostree-booted", "usr/sbin/grubby"])
def test_a_tool_s_argument_is_added_once_and_compared_as_a_whole(tmp_path: Path, marker: str) -> None:
    put(tmp_path, marker)
    put(tmp_path, "state", "ro intel_iommu=pt xiommu=pt")
    programs = Programs(tmp_path)
    kernelargs.add(str(tmp_path), "iommu=pt", programs)
    kernelargs.add(str(tmp_path), "iommu=pt", programs)
    assert (tmp_path / "state").read_text() == "ro intel_iommu=pt xiommu=pt iommu=pt"


def test_update_grub_gets_a_file_of_our_own_with_every_argument_once(tmp_path: Path) -> None:
    put(tmp_path, "usr/sbin/update-grub")
    put(tmp_path, "etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="intel_iommu=off"\n')
    for argument in ("intel_iommu=on", "iommu=pt", "iommu=pt"):
        kernelargs.add(str(tmp_path), argument, Programs(tmp_path))
    assert (tmp_path / "etc/default/grub.d/90-sriov-core.cfg").read_text() == (
        "# Written by sriov-core. After a change by hand, run update-grub.\n"
        'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on iommu=pt"\n'
    )
    assert f"{GRUB_LINE} intel_iommu=on iommu=pt\n" in (tmp_path / "boot/grub/grub.cfg").read_text()


def test_update_grub_is_run_after_an_interruption_though_the_file_is_there(tmp_path: Path) -> None:
    put(tmp_path, "usr/sbin/update-grub")
    programs = Programs(tmp_path)
    programs.fails = True
    with pytest.raises(StepFailed, match="error: no space left"):
        kernelargs.add(str(tmp_path), "iommu=pt", programs)
    programs.fails = False
    kernelargs.add(str(tmp_path), "iommu=pt", programs)
    assert "iommu=pt" in (tmp_path / "boot/grub/grub.cfg").read_text()


def test_update_grub_adds_no_file_for_what_the_host_sets_itself(tmp_path: Path) -> None:
    put(tmp_path, "usr/sbin/update-grub")
    put(tmp_path, "etc/default/grub", 'GRUB_CMDLINE_LINUX="iommu=pt"\n')
    put(tmp_path, "boot/grub/grub.cfg", f"{GRUB_LINE} iommu=pt\n")
    kernelargs.add(str(tmp_path), "iommu=pt", Programs(tmp_path))
    assert not (tmp_path / "etc/default/grub.d").exists()


def test_systemd_boot_entries_get_the_argument_on_their_options_line(tmp_path: Path) -> None:
    put(tmp_path, "boot/loader/loader.conf", "timeout 3\n")
    put(tmp_path, "etc/kernel/cmdline", "root=/dev/sda2 ro\n")
    put(tmp_path, "boot/loader/entries/a.conf", "title A\nlinux /a\noptions root=/dev/sda2 ro intel_iommu=pt\n")
    put(tmp_path, "boot/loader/entries/b.conf", "title B\nlinux /b\n")
    for _ in range(2):
        kernelargs.add(str(tmp_path), "iommu=pt", Programs(tmp_path))
    entries = tmp_path / "boot/loader/entries"
    assert (entries / "a.conf").read_text() == "title A\nlinux /a\noptions root=/dev/sda2 ro intel_iommu=pt iommu=pt\n"
    assert (entries / "b.conf").read_text() == "title B\nlinux /b\noptions iommu=pt\n"
    assert (tmp_path / "etc/kernel/cmdline").read_text() == "root=/dev/sda2 ro iommu=pt\n"


def test_a_unified_kernel_image_is_built_again(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/kernel-install")
    put(tmp_path, "etc/kernel/cmdline", "root=/dev/sda2\n")
    kernelargs.add(str(tmp_path), "iommu=pt", Programs(tmp_path))
    assert (tmp_path / "built").read_text() == "root=/dev/sda2 iommu=pt\n"


@pytest.mark.parametrize("argument", ["", "a b", 'x"; reboot; "', "a=$(id)", "-x", "a\n", "iommu=pt\\"])
def test_what_is_no_kernel_argument_reaches_no_file(tmp_path: Path, argument: str) -> None:
    put(tmp_path, "usr/sbin/update-grub")
    with pytest.raises(StepFailed, match=r"that is no kernel argument\. One looks like intel_iommu=on"):
        kernelargs.add(str(tmp_path), argument, Programs(tmp_path))
    assert not (tmp_path / "etc").exists()
