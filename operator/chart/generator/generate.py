"""Makes the files of the chart that follow from the program: ``python operator/chart/generator/generate.py``.

With ``--check`` it changes nothing, names the files that are stale, and ends with exit code 1 when there are any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import chart_alerts
import chart_dashboard
import chart_rules
import chart_values

from sriov_core.api import crd
from sriov_core.api.yamltext import yaml_documents

CHART = Path(__file__).resolve().parent.parent
ROOT = CHART.parent.parent
INSTALL = ROOT / "docs" / "install.md"
COMMAND = "operator/chart/generator/generate.py"
_BEGIN, _END = f"<!-- made by {COMMAND} from values.yaml -->\n", "<!-- end -->\n"


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is made, with its text."""
    templates = CHART / "templates"
    values = (CHART / "values.yaml").read_text()
    metrics = (ROOT / "docs" / "metrics.md").read_text()
    yield templates / "_rules.tpl", _template("the operator's roles.py and nicids.py", chart_rules.rules_template())
    policies = _template("the operator's admissionpolicies.py", chart_rules.policies_template())
    yield templates / "admission-policies.yaml", policies
    yield templates / "alerts.yaml", _template("docs/metrics.md", chart_alerts.rule_template(metrics))
    yield CHART / "dashboards" / "sriov.json", chart_dashboard.dashboard()
    yield CHART / "values.schema.json", chart_values.schema(values)
    yield INSTALL, _between(INSTALL.read_text(), chart_values.table(values))
    for document in crd.definitions():
        name = document["spec"]["names"]["plural"]
        header = f"# Made by {COMMAND} from sriov_core.api.crd; changes are lost.\n"
        yield CHART / "crds" / f"{name}.yaml", header + yaml_documents([document])


def stale() -> list[Path]:
    """The files that are missing, or are not as they would be made; definitions of kinds that are gone, too."""
    made = dict(files())
    changed = [path for path, text in made.items() if not path.is_file() or path.read_text() != text]
    return changed + [path for path in (CHART / "crds").glob("*") if path not in made]


def main() -> int:
    """Write what is stale, or only tell."""
    found = stale()
    if sys.argv[1:] == ["--check"]:
        sys.stdout.writelines(f"stale: {path.relative_to(ROOT)}\n" for path in found)
        return 1 if found else 0
    made = dict(files())
    for path in found:
        if path in made:
            path.write_text(made[path])
        else:
            path.unlink()
        sys.stdout.write(f"made: {path.relative_to(ROOT)}\n")
    return 0


def _template(source: str, text: str) -> str:
    return f"{{{{/* Made by {COMMAND} from {source}; changes are lost. */}}}}\n{text}"


def _between(text: str, table: str) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{INSTALL}: wanted the lines {_BEGIN!r} and {_END!r}, between which the table stands")
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
