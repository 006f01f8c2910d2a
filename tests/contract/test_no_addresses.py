"""No file of the project names a package registry's host, a path of somebody's machine, or work left undone."""

import re

import pytest
from sources import shown, tracked

# In pieces, so that this file names none itself.
_REGISTRIES = (
    *(("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com")),
    *(("crates", "io"), ("proxy", "golang", "org"), ("sum", "golang", "org"), ("repo1", "maven", "org")),
    *(("repo", "maven", "apache", "org"), ("deb", "debian", "org"), ("security", "debian", "org")),
    *(("snapshot", "debian", "org"), ("archive", "ubuntu", "com"), ("ftp", "debian", "org")),
)
_HOMES = ("work", "Users", r"home/[a-z][\w.-]*", "opt/wheels", r"tmp/[a-z]+_[a-z]+\.py")
_LEFT_UNDONE = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")

FORBIDDEN = {
    "a registry's host": "|".join(re.escape(".".join(parts)) for parts in _REGISTRIES),
    "a path of somebody's machine": rf"(?<![\w.}}\])~-])/(?:{'|'.join(_HOMES)})/",
    "work left undone": rf"\b(?:{'|'.join(_LEFT_UNDONE)})\b",
    "somebody's e-mail address": r"\b[\w.+-]+@(?!(?:[\w-]+\.)*example\b)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b",
}


def found_in(text):
    return {what: match[0] for what, pattern in FORBIDDEN.items() if (match := re.search(pattern, text))}


def test_no_file_holds_what_belongs_to_one_machine_or_one_moment():
    texts = {shown(path): path.read_text(errors="replace") for path in tracked()}
    found = {name: found_in(text) for name, text in texts.items()}
    assert {name: finds for name, finds in found.items() if finds} == {}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("pip install --index-url https://" + "pypi." + "org/simple", "a registry's host", id="registry"),
        pytest.param("open('/" + "home/jo/file')", "a path of somebody's machine", id="home"),
        pytest.param("cd /" + "work/main", "a path of somebody's machine", id="work"),
        pytest.param("# TO" + "DO: later", "work left undone", id="later"),
        pytest.param("write to jo@" + "somewhere.org", "somebody's e-mail address", id="e-mail"),
    ],
)
def test_what_is_forbidden_is_found(text, what):
    assert set(found_in(text)) == {what}


def test_what_merely_looks_like_it_is_let_through():
    fine = "mktemp -d /tmp/lab.XXXXXX; ls $root/work/ sys/home/; /sys/bus/pci; ACME <drivers@acme.example>; pool/main"
    assert found_in(fine) == {}
