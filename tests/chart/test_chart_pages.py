"""What the quick start and the page on installing have their readers type with Helm works, on a real API server."""

import subprocess  # noqa: TID251  # the hook's command, and what helm needs beside it
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from contract_modules import contract
from helm import CHART, environment
from release import DEPLOYMENT, HOOK, NAMESPACE, cleanup, ended, operators_kubeconfig, until
from servers import Server
from test_chart_values import known  # noqa: F401  # the definitions of what is made for Prometheus

ROOT = CHART.parent.parent
QUICKSTART, INSTALL = (ROOT / "docs" / name for name in ("quickstart-kubernetes.md", "install.md"))


walkthrough = contract("walkthrough")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The reader's folder."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "operator").symlink_to(ROOT / "operator")
    return folder


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("path", "least"), [(QUICKSTART, 4), (INSTALL, 8)], ids=["quick-start", "installing"])
def test_the_helm_way(tidy: Server, page: Path, tmp_path: Path, path: Path, least: int) -> None:
    tidy.admin.remove_namespace(NAMESPACE)
    probe = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts?dryRun=All", {"metadata": {"name": "probe"}}
    until(lambda: tidy.admin.request("POST", *probe)[0] == 404)  # admission knows, too, that it is gone
    reader = {**walkthrough.prepare(page, path), **environment(tidy.admin_kubeconfig)}
    typed = [one for one in walkthrough.commands(path) if one.needs == "helm"]
    for one in sorted(typed, key=lambda one: "helm uninstall" in one.text):  # pages on the removal may come early
        if "helm uninstall" in one.text:
            assert tidy.admin.find(DEPLOYMENT)
            with ThreadPoolExecutor() as pool:
                job = pool.submit(as_its_controller, tidy, tmp_path / "hook.kubeconfig")
                done = walkthrough.run(one, page, reader)
                assert job.result().returncode == 0, job.result().stderr
        else:
            done = walkthrough.run(one, page, reader)
        assert done.returncode == 0, f"line {one.line}: {one.text}\n{done.stdout}"
        assert "warn" not in done.stdout.lower(), done.stdout
    assert len(typed) >= least
    assert tidy.admin.find(DEPLOYMENT) is None


def as_its_controller(server: Server, kubeconfig: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the hook's Job to its end."""
    until(lambda: server.admin.find(HOOK))
    done = cleanup(server, operators_kubeconfig(server, kubeconfig))
    ended(server, is_good=not done.returncode)
    return done
