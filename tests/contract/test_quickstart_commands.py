"""What the README, the quick starts and the page on troubles have their readers type does what they say.

What cannot be typed here says in the document what it needs. It is counted below, and where else it runs is named.
"""

from collections import Counter

import pytest
from sources import ROOT
from walkthrough import commands, lacking, prepare, run

HOST, CLUSTER, TROUBLES, MIGRATING = (
    ROOT / "docs" / name
    for name in ("quickstart-host.md", "quickstart-kubernetes.md", "troubleshooting.md", "migrating.md")
)
README = ROOT / "README.md"

MARKED = {
    HOST: {"network": 3, "machine": 14},
    CLUSTER: {"network": 3, "helm": 4, "cluster": 20, "nodes": 5},
    TROUBLES: {"cluster": 13},
    MIGRATING: {"cluster": 37, "nodes": 8, "helm": 7},
}
"""How many commands of a document are not carried out here, by what they need.

network: packages from a registry; making the tests' virtual environment does the same. machine: root and a card; the
lab's scenarios do the like on a real kernel. helm, for the quick start: that and a real API server,
tests/chart/test_chart_pages.py. cluster: a real API server, tests/cluster/test_cluster_quickstart.py.
nodes: kubelets, images and cards; nothing does it. helm: the chart of another operator; nothing does it.
A cluster for the page on migrating: tests/cluster/test_cluster_migration.py.
"""

README_ELSEWHERE = {
    "make demo": ".ci/run, and tests/unit/cli/test_demo.py",
    "make demo-cluster": "tests/cluster/test_cluster_demo.py",
    "make test": ".ci/run",
    "sudo python3 -m venv /opt/sriov-core": "the Makefile makes one",
    "sudo /opt/sriov-core/bin/pip install .": "tests/contract/test_third_party.py installs the wheel",
    "sudo ln -s /opt/sriov-core/bin/sriov-core /usr/local/bin/": "needs root",
    "sriov-core probe": "tests/lab, on a real kernel",
    "sriov-core plan -f policy.yaml": "tests/lab, on a real kernel",
    "sudo sriov-core apply -f policy.yaml": "tests/lab, on a real kernel",
    "sudo sriov-core apply --watch --yes -f policy.yaml": "tests/lab, on a real kernel",
    "sudo sriov-core reset --all": "tests/lab, on a real kernel",
}
"""Commands of the README that are not carried out here, with what carries them out."""


def walked(path, folder, *, elsewhere=frozenset(), codes=(0, 2)):
    """Carry out the commands of a document; how many there were."""
    environment = prepare(folder, path)
    carried = [one for one in commands(path) if not one.needs and one.text not in elsewhere]
    for command in carried:
        where = f"{path.name}:{command.line}: {command.text}"
        done = run(command, folder, environment)
        assert done.returncode in codes, f"{where}\n{done.stdout}"
        assert done.stdout.strip(), f"{where} prints nothing"
        missing = lacking(command, done.stdout)
        assert missing is None, f"{where}\nis not printed: {missing}\nbut:\n{done.stdout}"
    return len(carried)


@pytest.mark.parametrize("path", [HOST, CLUSTER, MIGRATING], ids=["host", "kubernetes", "migrating"])
def test_a_quick_start_does_what_it_says(path, tmp_path):
    assert walked(path, tmp_path) > 0


def test_the_readme_does_what_it_says(tmp_path):
    assert walked(README, tmp_path, elsewhere=README_ELSEWHERE) >= 8


def test_what_the_page_on_troubles_quotes_is_printed(tmp_path):
    assert walked(TROUBLES, tmp_path, codes=(0, 1, 2)) >= 12


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.stem)
def test_what_is_not_carried_out_is_counted(path):
    assert Counter(one.needs for one in commands(path) if one.needs) == Counter(MARKED[path])


def test_every_command_of_the_readme_that_runs_elsewhere_is_there():
    assert set(README_ELSEWHERE) <= {one.text for one in commands(README)}


@pytest.mark.parametrize(
    ("printed", "missing"),
    [
        pytest.param("first\nother\nlast\n", None, id="all-there"),
        pytest.param("last\nfirst\n", "last", id="another-order"),
        pytest.param("first\n", "last", id="a-line-less"),
    ],
)
def test_what_is_shown_is_compared_in_its_order(printed, missing, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ a-command\nfirst\n...\nlast\n```\n")
    (command,) = commands(page)
    assert lacking(command, printed) == missing
