"""What follows from the program is in the chart as it would be made now, and every alert has its page."""

import re
import tarfile

import chart_alerts
import chart_dashboard
import chart_values
import generate
import pytest
import yaml
from helm import helm

METRICS = (generate.ROOT / "docs" / "metrics.md").read_text()
ALERTS = chart_alerts.alerts(METRICS)
RUNBOOKS = generate.ROOT / "docs" / "runbooks"
SERIES = set(re.findall(r"^\| `(sriov_\w+)` \|", METRICS, re.MULTILINE))


def test_nothing_is_stale():
    found = [str(path.relative_to(generate.ROOT)) for path in generate.stale()]
    assert found == [], f"run {generate.COMMAND}"


def test_every_alert_has_a_page_and_every_page_an_alert():
    assert {f"{one.name}.md" for one in ALERTS} == {path.name for path in RUNBOOKS.iterdir()}


@pytest.mark.parametrize("alert", ALERTS, ids=[one.name for one in ALERTS])
def test_a_page_says_what_it_means_where_to_look_and_what_to_do(alert):
    lines = (RUNBOOKS / f"{alert.name}.md").read_text().splitlines()
    assert lines[0] == f"# {alert.name}"
    assert {line for line in lines if line.startswith("## ")} == {"## What it means", "## Look", "## Mend"}
    assert f"`{alert.expression}` for {alert.time}" in lines


@pytest.mark.parametrize("panel", chart_dashboard.PANELS, ids=[panel[0] for panel in chart_dashboard.PANELS])
def test_a_panel_shows_what_there_is(panel):
    found = re.findall(r"sriov_\w+", panel[1])
    assert found
    assert {re.sub(r"_count$", "", name) for name in found} <= SERIES


def test_a_package_has_what_the_chart_needs_and_nothing_else(tmp_path):
    helm("package", str(generate.CHART), "--destination", str(tmp_path))
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as opened:
        names = {name.split("/")[1] for name in opened.getnames()}
    assert names == {"Chart.yaml", "values.yaml", "values.schema.json", "templates", "crds", "dashboards"}


def test_a_value_without_a_comment_is_found():
    with pytest.raises(ValueError, match=r"before b\.c"):
        chart_values.values("# said\na: 1\nb:\n  c: 2\n")


def test_the_schema_knows_every_value():
    values = (generate.CHART / "values.yaml").read_text()
    known = {one.name for one in chart_values.values(values)}
    assert set(chart_values.SPECIAL) <= known
    assert yaml.safe_load(chart_values.schema(values))["additionalProperties"] is False


def test_an_expression_without_a_name_is_found():
    text = "\n## What to alert on\n| `sriov_new > 1` | 1m | new |\n"
    with pytest.raises(ValueError, match="wanted one name"):
        chart_alerts.alerts(text)
