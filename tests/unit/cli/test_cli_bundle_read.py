"""`--host` with a support bundle: the machine inside is looked at; any other archive is refused in words."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from cli_runs import Cli

from sriov_core.cli import bundlefile, bundleread
from sriov_core.cli.bundlefile import Bundle
from sriov_core.errors import SpecError
from sriov_core.testing import trees

CAPTURE, INDEX = f"{bundlefile.FOLDER}/capture.json", f"{bundlefile.FOLDER}/index.json"


def archive(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A .tar.gz as anybody may make one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def raw(name: str, size: bytes = b"00000000000\0", kind: bytes = b"0", data: bytes = b"") -> bytes:
    """A compressed archive of one member, whose header says any size at all, in the form ustar."""
    head = name.encode().ljust(100, b"\0") + b"0000644\0" * 3 + size + b"0" * 12
    tail = kind + b"\0" * 100 + b"ustar\x0000" + b"\0" * 247
    summed = f"{sum(head) + 8 * 32 + sum(tail):06o}\0 ".encode()
    return gzip.compress(head + summed + tail + data)


def entry(name: str, **facts: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(made, key, value)
    return made


def test_a_bundle_is_looked_at_as_the_machine_it_is_of(cli: Cli, igb: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "sriov-core-support.tar.gz"
    assert cli("support-bundle", "--host", igb, "--output", bundle).code == 0
    ran = cli("probe", "--host", bundle, "-o", "json")
    assert ran.code == 0
    assert [nic["name"] for nic in ran.data["nics"]] == [
        nic["name"] for nic in cli("probe", "--host", igb, "-o", "json").data["nics"]
    ]


def test_a_bundle_says_how_it_is_read() -> None:
    assert json.loads(Bundle().index)["read_with"] == "sriov-core probe --host sriov-core-support.tar.gz"


def test_a_bundle_without_a_capture_says_why() -> None:
    data = bundlefile.packed(Bundle(missing={"capture.json": "HostError: the card did not answer"}))
    with pytest.raises(SpecError, match="x is a support bundle without a capture: HostError: the card did not answer"):
        bundleread.capture_in(data, "x")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(archive(), id="empty"),
        pytest.param(archive((entry("etc/passwd"), b"root")), id="other-files"),
        pytest.param(archive((entry(f"../{CAPTURE}"), b"{}")), id="a-way-out-of-the-folder"),
        pytest.param(archive((entry(f"/{CAPTURE}"), b"{}")), id="a-path-from-the-root"),
        pytest.param(archive((entry(CAPTURE, type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")), id="a-link"),
        pytest.param(archive((entry(CAPTURE, type=tarfile.DIRTYPE), b"")), id="a-folder"),
        pytest.param(archive((entry(CAPTURE, type=tarfile.CHRTYPE), b"")), id="a-device"),
        pytest.param(archive((entry(INDEX), b'{"missing": ["capture.json"]}')), id="another-index"),
        pytest.param(raw("x", b"00002000000\0", kind=b"x", data=b"1" * 0o2000000), id="an-extended-header-of-digits"),
    ],
)
def test_a_foreign_archive_is_no_bundle(data: bytes) -> None:
    with pytest.raises(SpecError, match=f"x is an archive and no support bundle: {CAPTURE} is not in it"):
        bundleread.capture_in(data, "x")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(b"format: 1\n" * 100), id="a-compressed-text"),
        pytest.param(archive((entry(CAPTURE), b"{}" * 9000))[:40], id="cut-off"),
        pytest.param(b"\x1f\x8b and so on", id="no-gzip"),
        pytest.param(archive((entry(CAPTURE), b"\xff\xfe")), id="no-text"),
        pytest.param(archive((entry(INDEX), b"[" * 100_000)), id="an-index-without-end"),
        pytest.param(raw(CAPTURE, b"\x80" + b"\xff" * 11, data=b"{}"), id="a-size-beyond-all-numbers"),
        pytest.param(raw(CAPTURE, b"\xff" * 12, data=b"{}"), id="a-size-below-nothing"),
        pytest.param(raw(CAPTURE, b"77777777777\0", data=b"{}"), id="a-size-beyond-the-archive"),
        pytest.param(archive(*((entry(str(number)), b"") for number in range(2000))), id="files-without-end"),
    ],
)
def test_what_is_no_sound_archive_is_refused(data: bytes) -> None:
    with pytest.raises(SpecError, match=r"x is compressed and no sound archive: .+ `support-bundle` wrote, as it is"):
        bundleread.capture_in(data, "x")


def test_no_more_is_unpacked_than_a_bundle_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundleread, "LARGEST_BYTES", 1_000_000)
    with pytest.raises(SpecError, match="x is compressed and no sound archive: it unpacks to more than 1 MB"):
        bundleread.capture_in(gzip.compress(b"x" * 1_000_001), "x")


def test_a_capture_that_is_no_machine_is_named_with_its_archive(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(bundlefile.packed(Bundle(parts={"capture.json": "{}"})))
    ran = cli("probe", "--host", path)
    assert (ran.code, f"{path} (capture.json) has no format version" in ran.errors[0]) == (1, True)


def test_a_changed_machine_is_saved_as_a_tree(cli: Cli, igb: Path, tmp_path: Path) -> None:
    bundle, saved = tmp_path / "bundle.tar.gz", tmp_path / "saved.json"
    cli("support-bundle", "--host", igb, "--output", bundle)
    assert cli("reset", "--yes", "--all", "--host", bundle, "--save", saved).code == 0
    assert trees.loads(saved.read_text(), name="saved").functions
