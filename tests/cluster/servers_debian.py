"""What Debian 12 has of a control plane: etcd as a program, and Kubernetes 1.20.2 as sources that still build.

Debian packages no kube-apiserver and no Go that builds a supported one. Its source package `kubernetes` (for kubectl)
holds the whole tree, so an API server of 2021 can be had without anything from elsewhere: enough for most tests,
without CEL. It is past its end of life and has known flaws: for tests on loopback only. The Go that builds it is
Debian's too; nothing is installed on this machine.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "lab"))

from debian import SUITE, Apt, LabError, call, unpack

NAME = "debian-kubernetes-1.20.2"
ETCD_NAME = "etcd-3.4"
VERSION = "1.20.2"
PROGRAMS = ("kube-apiserver", "kube-controller-manager")
BUILD_S = 2400
GO = ("golang-1.19-go", "golang-1.19-src")
# The vendored 1.0.1 crashes when it was built with Go 1.18 or newer, this is 1.0.2.
REFLECT = "golang-github-modern-go-reflect2-dev"
TAG = re.compile(rb"^// \+k8s:openapi-gen=", re.MULTILINE)
SPECIFIED = ("pkg", "staging/src/k8s.io")
"""Where the types of the API are, but for two folders of examples."""
EXAMPLES = ("staging/src/k8s.io/code-generator/", "staging/src/k8s.io/sample-apiserver/")


class CannotRun(Exception):
    """There is no program to run, and why."""


def unpack_etcd(folder: Path, *, work: Path) -> None:
    """Debian's etcd-server below `folder`, as ``usr/bin/etcd``; nothing is installed on this machine."""
    try:
        _unpack(_apt(work), ("etcd-server",), folder)
    except (LabError, OSError, KeyError) as err:
        raise CannotRun(
            f"no etcd is on PATH, and Debian's package etcd-server cannot be had: {err}\n"
            "Put etcd on PATH, or name the folder of one with KUBEBUILDER_ASSETS"
        ) from err


def build(folder: Path, *, work: Path) -> None:
    """kube-apiserver and kube-controller-manager in `folder`; takes four minutes, and 2 GB until it is done."""
    draft = folder / "draft"
    try:
        apt = _apt(work)
        _unpack(apt, (*GO, REFLECT), draft / "debian")
        tree = draft / "gopath/src/k8s.io/kubernetes"
        _unpack_sources(apt, tree)
        vendored = tree / "vendor/github.com/modern-go/reflect2"
        shutil.rmtree(vendored)
        shutil.copytree(draft / "debian/usr/share/gocode/src/github.com/modern-go/reflect2", vendored)
        _compile(tree, draft, folder)
    except (LabError, OSError, KeyError) as err:
        raise CannotRun(f"Kubernetes {VERSION} cannot be built from Debian's sources: {err}") from err
    shutil.rmtree(draft)


def _apt(work: Path) -> Apt:
    apt = Apt(state=work / "apt", store=work / "debs")
    apt.update()
    return apt


def _unpack(apt: Apt, packages: tuple[str, ...], root: Path) -> None:
    """These packages and nothing that they depend on: the programs need no more than libc."""
    versions = apt.resolve(packages)
    unpack(apt.fetch({name: versions[name] for name in packages}), root)


def _unpack_sources(apt: Apt, tree: Path) -> None:
    """The upstream tree of the source package; Debian's patches change kubectl only."""
    state = tree.parent / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True)
    (state / "status").touch()
    binary = next(line for line in (apt.state / "sources.list").read_text().splitlines() if f" {SUITE} " in line)
    (state / "sources.list").write_text(f"deb-src{binary.removeprefix('deb')}\n")
    options = {
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Retries": "3",
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    call(["apt-get", "-q", *flags, "update"], timeout_s=300)
    call(["apt-get", "-q", *flags, "source", "--download-only", "kubernetes"], timeout_s=600, cwd=state)
    archives = [path for path in state.glob("kubernetes_*.orig.tar.*") if VERSION in path.name]
    if not archives:
        raise LabError(f"Debian's source package kubernetes is no longer {VERSION}: {sorted(state.glob('*.tar.*'))}")
    tree.mkdir()
    call(["tar", "-x", "--strip-components=1", "-C", str(tree), "-f", str(archives[0])], timeout_s=300)


def _compile(tree: Path, draft: Path, folder: Path) -> None:
    environment = {
        "PATH": f"{draft / 'debian/usr/lib/go-1.19/bin'}:{os.environ['PATH']}",
        "HOME": str(draft),
        "GOROOT": str(draft / "debian/usr/lib/go-1.19"),
        "GOPATH": str(draft / "gopath"),
        "GOCACHE": str(draft / "gocache"),
        "GO111MODULE": "off",
        "GOFLAGS": "-trimpath",
        "CGO_ENABLED": "0",
    }
    generator = str(draft / "openapi-gen")
    openapi = "k8s.io/kubernetes/pkg/generated/openapi"
    kept = "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"
    generate = ["-i", ",".join(_specified(tree)), "-p", openapi, "-O", "zz_generated.openapi", "-h", kept]
    report = ["-r", str(draft / "violations"), "--output-base", str(draft / "gopath/src")]
    stamp = f"-X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v{VERSION}"
    steps = [
        ["go", "build", "-o", generator, "./vendor/k8s.io/kube-openapi/cmd/openapi-gen"],
        [generator, *generate, *report],
        *(["go", "build", f"-ldflags=-s -w {stamp}", "-o", str(folder / name), f"./cmd/{name}"] for name in PROGRAMS),
    ]
    for argv in steps:
        call(argv, timeout_s=BUILD_S, cwd=tree, env=environment)


def _specified(tree: Path) -> list[str]:
    """The packages that ask for a description of their types, as Makefile.generated_files finds them."""
    return sorted(set(_asking(tree)))


def _asking(tree: Path) -> Iterator[str]:
    for start in SPECIFIED:
        for path in (tree / start).rglob("*.go"):
            name = str(path.parent.relative_to(tree))
            if not f"{name}/".startswith(EXAMPLES) and TAG.search(path.read_bytes()):
                yield f"k8s.io/kubernetes/{name.replace('staging/src/', 'vendor/')}"
