"""The networks of a guest of OpenStack: a folder of the image, a config drive, the metadata service."""

import json
import os
import shutil
import subprocess  # noqa: TID251  # makes a disk to read, with the system's own tools
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_servers import PATIENCE_S, dribbling, network_data, nova, rude, serving, silent

from sriov_core.errors import HostError
from sriov_core.host import configdrive, openstack, tools
from sriov_core.host.configdrive import ConfigDrive
from sriov_core.host.metadata import MOST_BYTES
from sriov_core.host.networkids import source

MAC, OTHER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
DATA = network_data(fa163e000001="net-a")
FOUND = {MAC: "openstack/NetworkID:net-a"}


def _nested(inner):
    """JSON around JSON, with the names that matter among the others."""
    names = st.sampled_from(("links", "networks", "id", "link", "ethernet_mac_address", "network_id", "type"))
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)


class Nowhere(ConfigDrive):
    """A machine without a config drive."""

    def __init__(self) -> None:
        super().__init__("", lambda argv: tools.run(argv, PATIENCE_S), labels=())


def networks(url="http://127.0.0.1:9", *, root="", drive=None, macs=(), deadline_s=60, live=True):
    ask = source("openstack", root, live=live, url=url, drive=drive or Nowhere(), deadline_s=deadline_s)
    return ask(macs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(DATA, FOUND, id="one-port"),
        pytest.param(network_data(FA163E000001="net-a"), FOUND, id="upper-case"),
        pytest.param(DATA.replace("fa:16:3e:00:00:01", "fa-16-3e-00-00-01"), FOUND, id="dashes"),
        pytest.param(network_data(fa163e000001=["net-a", "net-a"]), FOUND, id="two-families-on-one-network"),
        pytest.param(network_data(fa163e000001=["net-a", "net-b"]), {}, id="one-port-on-two-networks"),
        pytest.param(
            network_data(fa163e000001="net-a", fa163e000002="net-b"),
            {MAC: "openstack/NetworkID:net-a", OTHER: "openstack/NetworkID:net-b"},
            id="two-ports",
        ),
        pytest.param('{"links": [], "networks": []}', {}, id="no-port"),
        pytest.param(
            '{"links": [{"id": "b", "type": "bond", "bond_links": ["x"]}], "networks": [{"link": "b"}]}',
            {},
            id="a-bond-without-address-and-a-network-without-id",
        ),
        pytest.param(
            '{"links": [], "networks": [{"link": "elsewhere", "network_id": "net-a"}]}', {}, id="a-network-of-no-link"
        ),
        pytest.param(DATA.replace('"fa:16:3e:00:00:01"', "null"), {}, id="a-port-without-address"),
    ],
)
def test_a_network_is_found_by_the_link_that_it_names(text, expected):
    assert openstack.parse(text, "it") == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "truncated", id="empty"),
        pytest.param("<html>", "malformed", id="html"),
        pytest.param(DATA[:40], "truncated", id="cut-off"),
        pytest.param("[]", "Expected `object`, got `array`", id="a-list"),
        pytest.param("{}", "missing required field `links`", id="no-field"),
        pytest.param('{"links": {}, "networks": []}', "got `object` - at `$.links`", id="links-no-list"),
        pytest.param('{"links": [1], "networks": []}', "got `int` - at `$.links[0]`", id="a-link-that-is-a-number"),
        pytest.param(
            '{"links": [{"id": "a", "ethernet_mac_address": 7}], "networks": []}',
            "at `$.links[0].ethernet_mac_address`",
            id="a-number-for-an-address",
        ),
        pytest.param('{"links": [], "networks": [{"network_id": "a"}]}', "field `link`", id="a-network-without-link"),
        pytest.param('{"links": [], "networks": [], "services": ' + "[" * 100_000, "recursion", id="a-deep-nest"),
    ],
)
def test_another_form_is_refused_with_its_place(text, words):
    with pytest.raises(HostError) as caught:
        openstack.parse(text, "network_data.json of it")
    assert str(caught.value).startswith("network_data.json of it is not what Nova documents: ")
    assert words in str(caught.value)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), _nested, max_leaves=20).map(json.dumps))
def test_whatever_is_read_gives_networks_or_a_refusal_in_words(text):
    found: dict[str, str] = {}
    with suppress(HostError):
        found = openstack.parse(text, "it")
    assert all(network.startswith("openstack/NetworkID:") for network in found.values())


@pytest.mark.parametrize(
    "versions", [pytest.param(("2018-08-27", "latest"), id="known"), pytest.param(("latest",), id="another-version")]
)
def test_the_service_tells_of_every_port(versions):
    with serving(nova(DATA, versions=versions)) as server:
        assert networks(server.url) == FOUND


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param((404, ""), "the metadata service has no network_data.json, so it is none of OpenStack", id="404"),
        pytest.param((401, ""), "was answered with 401 (Unauthorized). Try again later", id="401"),
        pytest.param((500, ""), "was answered with 500 (Internal Server Error)", id="500"),
        pytest.param((302, "http://example.invalid/"), "was answered with 302 (Found)", id="redirect"),
        pytest.param(
            (200, "no json"), "2018-08-27/network_data.json of the metadata service is not what", id="garbage"
        ),
        pytest.param((200, " " * (MOST_BYTES + 1)), f"was answered with more than {MOST_BYTES} bytes", id="huge"),
    ],
)
def test_a_service_that_answers_wrongly_is_named(answer, words):
    with serving(lambda *_: answer) as server:
        with pytest.raises(HostError) as caught:
            networks(server.url)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(silent, id="silent"),
        pytest.param(dribbling(b"HTTP/1.1 200 OK\r\n\r\n"), id="byte-by-byte"),
    ],
)
def test_a_service_that_takes_too_long_is_left_at_the_deadline(behave):
    with rude(behave) as server:
        with pytest.raises(HostError, match=r"2018-08-27/network_data.json was not answered within 1 s"):
            networks(server.url, deadline_s=1)
        assert server.left.wait(PATIENCE_S)


def test_the_folder_of_an_image_is_read_before_anybody_is_asked(tmp_path):
    folder = tmp_path / "var/config/openstack/2018-08-27"
    folder.mkdir(parents=True)
    (folder / "network_data.json").write_text(DATA)
    with serving(nova(network_data())) as server:
        assert networks(server.url, root=str(tmp_path)) == FOUND
        assert server.asked == []
    assert networks(root=str(tmp_path), live=False) == FOUND


def test_files_and_service_failing_are_both_told(tmp_path):
    folder = tmp_path / "var/config/openstack/latest"
    folder.mkdir(parents=True)
    (folder / "network_data.json").write_text("{")
    with serving(lambda *_: (503, "")) as server, pytest.raises(HostError) as caught:
        networks(server.url, root=str(tmp_path))
    assert f"latest/network_data.json of {tmp_path}/var/config/openstack is not what Nova documents" in str(
        caught.value
    )
    assert "was answered with 503 (Service Unavailable)" in str(caught.value)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    folder = tmp_path / "var/config/openstack/2018-08-27"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "network_data.json")
    with pytest.raises(HostError, match=r"network_data.json is no regular file, so it is not read"):
        networks(root=str(tmp_path), live=False)


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("openstack", id="the-first-folder"),
        pytest.param("openstack/latest", id="the-folder-of-the-version"),
        pytest.param("openstack/latest/network_data.json", id="the-file"),
    ],
)
def test_no_symbolic_link_is_followed_on_a_drive(tmp_path, link):
    path = "openstack/latest/network_data.json"
    for folder in ("secret", "drive"):
        (tmp_path / folder / path).parent.mkdir(parents=True)
        (tmp_path / folder / path).write_text(DATA)
    assert configdrive.text(f"{tmp_path}/drive", path) == DATA
    (tmp_path / "drive" / link).rename(tmp_path / "aside")
    (tmp_path / "drive" / link).symlink_to(tmp_path / "secret" / link)
    with pytest.raises(HostError, match=r"drive/openstack/latest/network_data\.json is, or lies behind, a symbolic"):
        configdrive.text(f"{tmp_path}/drive", path)


def test_what_is_absent_on_a_drive_is_none(tmp_path):
    (tmp_path / "openstack").write_text("no folder")
    assert configdrive.text(str(tmp_path), "openstack/latest/network_data.json") is None
    assert configdrive.text(str(tmp_path), "ec2/meta_data.json") is None


needs_disk = pytest.mark.skipif(
    (os.geteuid() != 0 or shutil.which("mkfs.ext4") is None) and os.environ.get("CI") != "true",
    reason="needs root to mount a disk, and mkfs.ext4 (Debian: e2fsprogs)",
)


@pytest.fixture
def disk(tmp_path: Path):
    """Makes a loop device with a file system on it from texts by path; everything is gone afterwards."""
    made: list[str] = []

    def make(files: dict[str, str], label: str = "config-2") -> str:
        content = tmp_path / f"content{len(made)}"
        for path, text in files.items():
            target = content / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        image = tmp_path / f"image{len(made)}"
        run("mkfs.ext4", "-q", "-L", label, "-d", str(content), str(image), "1M")
        made.append(run("losetup", "--find", "--show", "--read-only", str(image)).strip())
        return made[-1]

    yield make
    for device in made:
        run("losetup", "--detach", device)


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


@pytest.fixture
def drive(tmp_path: Path, disk):
    """A config drive of a machine below a folder, whose label leads to a disk with those files."""

    def make(files: dict[str, str], file_systems: str = "ext4") -> ConfigDrive:
        labels = tmp_path / "dev/disk/by-label"
        labels.mkdir(parents=True)
        (labels / "config-2").symlink_to(disk(files))
        (tmp_path / "scratch").mkdir()
        return ConfigDrive(str(tmp_path), rooted(tmp_path), file_systems=file_systems, scratch="/scratch")

    return make


def rooted(root: Path):
    """Runs this machine's programs with the paths that they would see below a root, as chroot does."""
    return lambda argv: tools.run([f"{root}{word}" if word.startswith("/") else word for word in argv], PATIENCE_S)


def nothing_is_left(root: Path) -> bool:
    return not os.listdir(root / "scratch") and str(root) not in Path("/proc/mounts").read_text()


@needs_disk
@pytest.mark.root
@pytest.mark.parametrize(
    "version", [pytest.param("2018-08-27", id="known"), pytest.param("latest", id="another-version")]
)
def test_a_config_drive_is_read_and_left_as_it_was(drive, tmp_path, version):
    made = drive({f"openstack/{version}/network_data.json": DATA, f"openstack/{version}/meta_data.json": "{}"})
    assert networks(drive=made) == FOUND
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"openstack/latest/network_data.json": "{"}, id="garbage"),
        pytest.param({"ec2/latest/meta-data.json": "{}"}, id="another-cloud"),
    ],
)
def test_after_a_useless_config_drive_the_service_is_asked(drive, tmp_path, files):
    made = drive(files)
    with serving(nova(DATA)) as server:
        assert networks(server.url, drive=made) == FOUND
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
def test_a_config_drive_that_nobody_can_mount_is_named(drive, tmp_path):
    made = drive({"openstack/latest/network_data.json": DATA}, "iso9660,vfat")
    with pytest.raises(HostError) as caught:
        networks(drive=made)
    assert "the config drive /dev/disk/by-label/config-2 cannot be mounted: mount: " in str(caught.value)
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
def test_a_config_drive_that_somebody_still_reads_is_unmounted_all_the_same(drive, tmp_path):
    made = drive({"openstack/latest/network_data.json": DATA})
    with ExitStack() as reading:
        with made.mounted(made.find()) as folder:
            held = reading.enter_context(open(f"{folder}/openstack/latest/network_data.json", encoding="utf-8"))
        assert nothing_is_left(tmp_path)
        assert held.read() == DATA


@needs_disk
@pytest.mark.root
def test_what_an_earlier_run_was_kept_from_unmounting_goes_first(drive, tmp_path):
    made = drive({"openstack/latest/network_data.json": DATA})
    left = tmp_path / "scratch/sriov-core-config-drive-left"
    left.mkdir()
    run("mount", "-o", "ro", f"{tmp_path}{made.find()}", str(left))
    (tmp_path / "scratch/sriov-core-config-drive-bare").mkdir()
    assert networks(drive=made) == FOUND
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
def test_what_another_run_reads_at_the_moment_stays(drive, tmp_path):
    made = drive({"openstack/latest/network_data.json": DATA})
    with made.mounted(made.find()) as folder:
        assert networks(drive=made) == FOUND
        assert configdrive.text(folder, "openstack/latest/network_data.json") == DATA
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
def test_a_drive_that_is_mounted_is_read_where_it_is(drive, tmp_path):
    made = drive({"openstack/latest/network_data.json": DATA}, "no-file-system-that-could-be-mounted")
    place = tmp_path / "a place"
    place.mkdir()
    run("mount", "-o", "ro", f"{tmp_path}{made.find()}", str(place))
    try:
        with made.mounted(made.find()) as folder:
            assert folder == str(place)
        assert networks(drive=made) == FOUND
        assert str(place).replace(" ", "\\040") in Path("/proc/mounts").read_text(), "it is not ours to unmount"
    finally:
        run("umount", str(place))
    assert nothing_is_left(tmp_path)


@needs_disk
@pytest.mark.root
@pytest.mark.parametrize("knows", [True, False], ids=["nosymfollow", "an-older-mount"])
def test_links_are_not_followed_where_mount_knows_how_to_say_so(disk, tmp_path, knows):
    def old(argv):
        if "nosymfollow" in " ".join(argv) and not knows:
            return tools.Result(code=32, out="", err="mount: wrong fs type, bad option")
        return tools.run(argv, PATIENCE_S)

    device = disk({"openstack/latest/network_data.json": DATA})
    made = ConfigDrive("", old, file_systems="ext4", scratch=str(tmp_path))
    with made.mounted(device) as folder:
        (line,) = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if folder in line]
    options = set(line.split()[5].split(","))
    assert {"ro", "nosuid", "nodev", "noexec"} <= options
    assert ("nosymfollow" in options) is knows


@needs_disk
@pytest.mark.root
def test_a_nic_that_the_config_drive_does_not_know_is_asked_for(drive):
    """A drive is as it was when the machine was made; what was plugged in later only the service knows."""
    made = drive({"openstack/2018-08-27/network_data.json": DATA})
    with serving(nova(network_data(fa163e000002="net-b"))) as server:
        ask = source("openstack", "", live=True, url=server.url, drive=made)
        assert ask({MAC}) == FOUND
        assert server.asked == []
        assert ask({MAC, OTHER}) == {**FOUND, OTHER: "openstack/NetworkID:net-b"}
    assert ask({MAC, OTHER}) == FOUND  # the service is gone: what the drive says still holds


@needs_disk
@pytest.mark.root
def test_a_config_drive_is_found_by_its_label_where_udev_made_no_link(disk):
    label = f"sriov-{os.getpid()}"
    device = disk({"openstack/latest/network_data.json": json.dumps({})}, label)
    found = ConfigDrive("", lambda argv: tools.run(argv, PATIENCE_S), labels=("no-such-label", label)).find()
    assert found == device
