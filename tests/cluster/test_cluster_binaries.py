"""Where the programs of the cluster tests come from: what somebody names, PATH, and a cache that is filled once."""

import multiprocessing
import os
from pathlib import Path

import pytest
import servers_build
from servers_build import Binaries, kept
from servers_debian import CannotRun

SAYS = "#!/bin/sh\necho Kubernetes v{version}\n"


@pytest.fixture
def folder(tmp_path):
    """A folder of programs that tell a version, as envtest lays them out."""

    def make(name: str, version: str, *programs: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        for program in programs:
            (made / program).write_text(SAYS.format(version=version))
            (made / program).chmod(0o755)
        return made

    return make


def test_the_folder_that_is_named_comes_before_path(folder):
    named = folder("named", "1.35.1", "kube-apiserver", "etcd")
    other = folder("other", "1.34.0", "kube-apiserver", "etcd", "kube-controller-manager")
    found = servers_build.binaries({"KUBEBUILDER_ASSETS": str(named), "PATH": str(other)})
    apiserver, etcd = named / "kube-apiserver", named / "etcd"
    assert found == Binaries(kube_apiserver=apiserver, etcd=etcd, kube_controller_manager=None, version="1.35.1")


def test_programs_on_path_are_taken_with_the_one_beside_them(folder):
    place = folder("bin", "1.34.0", "kube-apiserver", "etcd", "kube-controller-manager")
    found = servers_build.binaries({"PATH": str(place)})
    assert found.kube_controller_manager == place / "kube-controller-manager"
    assert (found.version, found.etcd) == ("1.34.0", place / "etcd")


def test_a_named_folder_without_the_program_is_no_reason_to_build_one(folder):
    empty = folder("empty", "")
    with pytest.raises(CannotRun, match=f"KUBEBUILDER_ASSETS names {empty}, which holds no kube-apiserver"):
        servers_build.binaries({"KUBEBUILDER_ASSETS": str(empty)})


def test_a_program_that_tells_no_version_is_refused(folder):
    place = folder("bin", "unknown", "kube-apiserver", "etcd")
    with pytest.raises(CannotRun, match="names no version of Kubernetes"):
        servers_build.binaries({"PATH": str(place)})


@pytest.mark.parametrize(
    ("version", "new_enough"),
    [
        pytest.param("1.20.2", False, id="debian"),
        pytest.param("1.33.9", False, id="just-too-old"),
        pytest.param("1.34.0", True, id="the-oldest"),
        pytest.param("1.100.0", True, id="three-digits"),
        pytest.param("2.0.0-alpha.1", True, id="another-major"),
    ],
)
def test_versions_are_compared_by_number(version, new_enough):
    program = Path("/usr/bin/none")
    found = Binaries(kube_apiserver=program, etcd=program, kube_controller_manager=None, version=version)
    assert found.at_least(1, 34) == new_enough


def count_a_build(folder: Path, builds: Path) -> None:
    """Ask for the folder; a build leaves a line in the other file."""

    def build(draft: Path) -> None:
        with builds.open("a") as file:
            file.write(f"{os.getpid()}\n")
        (draft / "program").write_text("whole")

    assert (kept(folder, build) / "program").read_text() == "whole"


def test_of_two_processes_one_builds_and_the_other_waits(tmp_path):
    start = multiprocessing.get_context("spawn").Process
    arguments = (tmp_path / "cache" / "some-1.0", tmp_path / "builds")
    both = [start(target=count_a_build, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert len((tmp_path / "builds").read_text().splitlines()) == 1


def leave_empty(_: Path) -> None:
    """A build that makes nothing."""


class Interrupted(BaseException):
    """As Ctrl-C would be."""


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def interrupted(draft: Path) -> None:
        (draft / "program").write_text("half")
        raise Interrupted

    with pytest.raises(Interrupted):
        kept(tmp_path / "some-1.0", interrupted)
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}


def test_what_a_killed_build_left_goes_with_the_next(tmp_path):
    (tmp_path / "building-x" / "part").mkdir(parents=True)
    kept(tmp_path / "some-1.0", leave_empty)
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "some-1.0"}


def test_programs_that_nobody_used_for_a_month_are_removed(tmp_path):
    for name, days in (("old-1.0", 31), ("new-1.0", 1), ("apt", 99)):
        (tmp_path / name).mkdir()
        used = os.stat(tmp_path).st_mtime - days * 86400
        os.utime(tmp_path / name, (used, used))
    kept(tmp_path / "some-1.0", leave_empty)
    assert {path.name for path in tmp_path.iterdir()} == {"apt", "lock", "new-1.0", "some-1.0"}
