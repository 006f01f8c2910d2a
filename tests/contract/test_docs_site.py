"""The documentation holds together: references are as the program has them, links lead somewhere, names exist."""

import re
import subprocess  # noqa: TID251  # the generator is run as people run it
import sys
from functools import cache

import pytest
from markdown_pages import blocks, headings
from sources import ROOT, python_files, shown, tracked

from sriov_operator.deployment.names import ADMISSION_POLICIES

PAGES = [path for path in tracked() if path.suffix == ".md" and not path.is_relative_to(ROOT / "tests")]
TROUBLES, SECURITY = (ROOT / "docs" / name for name in ("troubleshooting.md", "security.md"))
GENERATOR = ROOT / "docs" / "building" / "references.py"
_FENCED = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s#]*)(?:#(?P<anchor>[^)\s]*))?\)")


def links():
    for page in PAGES:
        for found in _LINK.finditer(_FENCED.sub("", page.read_text())):
            if ":" not in found["target"]:
                yield pytest.param(page, found["target"], found["anchor"], id=f"{shown(page)}-{found[0][2:-1]}")


@cache
def anchors(page):
    """As both mkdocs and forges make them of headings."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings(page)}


@cache
def source():
    return "\n".join(path.read_text() for path in python_files("sriov_core", "sriov_plugins", "operator"))


@pytest.mark.parametrize(("page", "target", "anchor"), list(links()))
def test_a_link_leads_somewhere(page, target, anchor):
    there = (page.parent / target).resolve() if target else page
    assert there.exists()
    assert anchor is None or anchor in anchors(there)


def test_the_references_are_as_the_program_has_them():
    argv = [sys.executable, str(GENERATOR), "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reference_that_is_stale_is_noticed(tmp_path):
    folder = tmp_path / "docs" / "building"
    folder.mkdir(parents=True)
    (folder / GENERATOR.name).write_text(GENERATOR.read_text())
    argv = [sys.executable, str(folder / GENERATOR.name)]
    assert subprocess.run([*argv, "--check"], capture_output=True, timeout=60, check=False).returncode == 1
    assert subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0
    assert subprocess.run([*argv, "--check"], capture_output=True, timeout=60, check=False).returncode == 0
    (made := tmp_path / "docs" / "reference" / "fields.md").write_text(made.read_text() + "more\n")
    told = subprocess.run([*argv, "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert "docs/reference/fields.md is stale" in told.stderr


def test_every_code_and_reason_of_the_page_on_troubles_is_in_the_source():
    text = _FENCED.sub("", TROUBLES.read_text())
    named = set(re.findall(r"`([A-Z]{2,4}-\d{3}|[A-Z][a-z]+(?:[A-Z][a-z]+)+|[a-z]+(?:-[a-z]+)+|sriov_\w+)`", text))
    assert len(named) > 40
    words = {"PodDisruptionBudget", "SchedulingDisabled", "sriov-device-plugin"}  # of kubectl and others
    series = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    lost = {name for name in named - words - series if f'"{name}"' not in source() and not _is_problem(name)}
    assert lost == set()


def _is_problem(name):
    """A problem's code, which an agent tells as one word: reboot-without-effect, RebootWithoutEffect."""
    return f'"{re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()}"' in source()


def test_the_security_model_names_every_admission_policy():
    text = SECURITY.read_text()
    assert {name for name in ADMISSION_POLICIES if f"`{name}`" not in text} == set()
    assert len(set(ADMISSION_POLICIES)) == 7


def test_every_policy_of_the_pages_is_one_document_with_a_name():
    files = [block.file for page in PAGES for block in blocks(page) if block.language == "yaml" and block.file]
    assert len(files) >= 15
