"""What is in the images, and what is not."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from images_build import ROOT, Image
from images_container import run

BUILD_TOOLS = {
    *("ar", "as", "c++", "cc", "cpp", "g++", "gcc", "ld", "make", "pip", "pip3", "python3-config"),
    *("apk", "apt", "apt-get", "curl", "dpkg", "git", "perl", "wget"),
}
MOST_MIB = {"operator": 150, "agent": 220}
UNCHECKED_HASH = 1
"""The flag in byte code that is taken as it is, whatever the time of its source (PEP 552)."""
ASK_LOADER = """
import subprocess, sys
loader = sys.argv[1:sys.argv.index("--")]
for file in sys.argv[sys.argv.index("--") + 1:]:
    done = subprocess.run([*loader, "--list", file], capture_output=True, text=True)
    if done.returncode or "not found" in done.stdout:
        print(file, done.stdout, done.stderr)
"""


def files(image: Image) -> Iterator[Path]:
    for folder, _, names in os.walk(image.root):
        yield from (path for path in (Path(folder, name) for name in names) if not path.is_symlink())


def beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def inside(image: Image, path: Path) -> str:
    return f"/{path.relative_to(image.root)}"


def test_nothing_builds_installs_or_downloads(image: Image) -> None:
    names = {path.name for folder in ("bin", "sbin") for path in (image.root / "usr" / folder).iterdir()}
    assert names & BUILD_TOOLS == set()
    assert not (image.root / "var/lib/apt").exists()
    assert not (image.root / "etc/apt").exists()
    assert {path.name for path in image.packages.iterdir()} & {"pip", "setuptools", "hatchling"} == set()


def test_the_operator_has_no_shell(operator: Image) -> None:
    assert {path.name for path in (operator.root / "usr/bin").iterdir()} & {"sh", "bash", "dash", "busybox"} == set()


def test_no_program_lends_the_rights_of_its_owner_and_nobody_else_may_write(image: Image) -> None:
    modes = {inside(image, path): path.lstat().st_mode for path in files(image)}
    assert [name for name, mode in modes.items() if mode & 0o6002] == []


def test_everything_belongs_to_root(image: Image) -> None:
    assert [inside(image, path) for path in files(image) if (path.lstat().st_uid, path.lstat().st_gid) != (0, 0)] == []


def test_every_script_finds_its_interpreter(image: Image) -> None:
    missing = {}
    for path in (image.root / "usr/bin").iterdir():
        first = beginning(path) if path.is_file() and not path.is_symlink() else b""
        interpreter = first[2:].split(maxsplit=1)[0].decode() if first.startswith(b"#!") else ""
        if interpreter and not os.path.lexists(f"{image.root}{interpreter}"):
            missing[path.name] = interpreter
    assert missing == {}


def test_every_library_finds_those_that_it_needs(image: Image) -> None:
    python = f"/{next((image.prefix / 'bin').glob('python3*')).relative_to(image.root)}"
    libraries = {path for path in files(image) if beginning(path).startswith(b"\x7fELF")}
    system = next((image.root / "usr/lib64").glob("ld-linux-*"), None) or next(
        (image.root / "usr/lib").glob("ld-linux-*")
    )
    bundled = {path for path in libraries if path.is_relative_to(image.root / "opt")}
    complaints = ""
    for loader, some in (
        ([inside(image, system)], libraries - bundled),
        (["/opt/sriov-core/lib/loader", "--library-path", "/opt/sriov-core/lib"], bundled),
    ):
        names = [inside(image, path) for path in sorted(some)]
        done = run(image, [python, "-I", "-c", ASK_LOADER, *loader, "--", *names]) if names else None
        complaints += done.stdout + done.stderr if done else ""
    assert complaints == ""


def test_byte_code_is_there_and_does_not_depend_on_times(image: Image) -> None:
    """Times change when files are copied to a node, and who may not write would compile again at each start."""
    sources = [path for path in files(image) if path.suffix == ".py" and path.is_relative_to(image.prefix / "lib")]
    mstflint = [path for path in sources if "mstflint" in path.parts]
    stale = []
    for path in set(sources) - set(mstflint):
        compiled = list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-3*.pyc"))
        if not compiled or compiled[0].read_bytes()[4] != UNCHECKED_HASH:
            stale.append(inside(image, path))
    assert len(sources) > 1000
    # Files that are no Python at all for this version: templates and those of other versions.
    assert [name for name in stale if "/sriov_" in name or "/kubernetes/" in name] == []
    assert len(stale) < 5


def test_the_bill_of_materials_lists_every_package_of_python(image: Image) -> None:
    bill = json.loads((image.root / "usr/share/sbom/python.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    listed = {(_same(part["name"]), part["version"]) for part in bill["components"]}
    there = {tuple(path.name.removesuffix(".dist-info").split("-")) for path in image.packages.glob("*.dist-info")}
    assert {(_same(name), version) for name, version in there} - listed == set()
    assert len(there) > 30


def test_the_bill_of_materials_is_what_was_pinned_and_names_no_place_of_the_build(image: Image) -> None:
    text = (image.root / "usr/share/sbom/python.cdx.json").read_text()
    assert "file:" not in text
    pinned = re.findall(
        r"^([\w.-]+)==(\S+)", (ROOT / f"images/{image.name}/requirements.txt").read_text(), re.MULTILINE
    )
    listed = {(_same(part["name"]), part["version"]) for part in json.loads(text)["components"]}
    assert {one for one in listed if one[0] != "sriov-core"} == {(_same(name), version) for name, version in pinned}
    assert [*image.packages.glob("*.dist-info/direct_url.json"), *image.packages.glob("bin")] == []


def _same(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_of_materials_lists_every_package_of_debian(image: Image) -> None:
    known = {path.name: path.read_text() for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    lists = [ROOT / f"images/{image.name}/packages.txt", ROOT / "images/python-packages.txt"]
    wanted = {line for one in lists for line in one.read_text().split()}
    assert wanted <= set(known)
    assert all(re.search(r"^Version: \S", text, re.MULTILINE) for text in known.values())


def test_the_licence_of_every_package_of_debian_is_there(operator: Image) -> None:
    assert list((operator.root / "usr/share/doc/libpython3.11-minimal").glob("copyright"))


def test_the_client_has_no_typed_interfaces(image: Image) -> None:
    """They are 126 MiB."""
    size = sum(path.stat().st_size for path in files(image) if "kubernetes" in path.parts)
    assert size < 4 << 20


def test_an_image_is_no_bigger_than_it_was(image: Image, record_property: Callable[[str, object], None]) -> None:
    size = sum(path.stat().st_size for path in files(image)) / (1 << 20)
    record_property("size_mib", round(size))
    print(f"{image.name}: {size:.0f} MiB")
    assert size < MOST_MIB[image.name]
