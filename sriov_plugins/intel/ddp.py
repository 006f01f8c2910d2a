"""What ice (E800) runs: firmware, boot image and the DDP package, which is its pipeline. Facts in, words out.

The names of the versions are those of Documentation/networking/devlink/ice.rst. Without a package that it can use, ice
runs in safe mode (ice_main.c, ice_init_ddp_config), where it makes no VFs (ice_sriov.c, ice_check_sriov_allowed:
EOPNOTSUPP); devlink then leaves out fw.app.name (devlink/devlink.c, ice_info_ddp_pkg_name).
"""

from collections.abc import Iterator, Mapping

from sriov_core.plugin import Finding, Nic, NicSpec, Problem, Severity

DRIVER = "ice"
_SHOWN = ("board.id", "fw.mgmt", "fw.bundle_id", "fw.undi", "fw.psid.api", "fw.netlist", "fw.app.name", "fw.app")
_SAFE_MODE = "safe mode"
_REMEDY = (
    "Put the package into /lib/firmware/intel/ice/ddp/ice.pkg (linux-firmware has it), update the firmware if dmesg "
    "asks for that, then load ice anew"
)


def facts(versions: Mapping[str, str]) -> dict[str, str]:
    """The versions worth knowing, and whether the card runs in safe mode; nothing where devlink told nothing."""
    shown = {name: versions[name] for name in _SHOWN if name in versions}
    if "fw.mgmt" in versions and "fw.app.name" not in versions:
        shown.pop("fw.app", None)  # ice prints 0.0.0.0 for a package that is not there
        shown[_SAFE_MODE] = "no DDP package is active"
    return shown


def problems(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """VFs cannot be made in safe mode."""
    if _SAFE_MODE in nic.facts and spec.num_vfs and not spec.externally_managed and nic.num_vfs != spec.num_vfs:
        yield Problem(
            code="ddp-package-missing",
            nic=nic.address,
            text=f"{spec.num_vfs} VFs are wanted, and ice makes none in safe mode: no DDP package is active",
            remedy=_REMEDY,
        )


def findings(nic: Nic) -> Iterator[Finding]:
    """What `probe` says of it."""
    if _SAFE_MODE in nic.facts:
        yield Finding(
            code="DDP-101",
            severity=Severity.FAIL,
            nic=nic.address,
            fact="ice runs in safe mode, without VFs and most offloads: no DDP package is active",
            evidence=(f"devlink dev info pci/{nic.address}", "dmesg"),
            remedy=_REMEDY,
        )
