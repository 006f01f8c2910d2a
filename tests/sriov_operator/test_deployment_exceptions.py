"""Exceptions that somebody puts into a restriction: they are differences, and so they are taken out again."""

import copy
from typing import Any

import pytest

from sriov_operator.deployment.admissionpolicies import manifests
from sriov_operator.objects import differs

Object = dict[str, Any]
DOCUMENTS = {f"{one['kind']} {one['metadata']['name']}": one for one in manifests("mine")}
RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
SELECTED = {"matchLabels": {"no": "such"}}


def served(document: Object) -> Object:
    """As the API server has it, with its defaults."""
    found = copy.deepcopy(document)
    found["metadata"] |= {"uid": "u", "resourceVersion": "7", "generation": 1}
    for part in ("matchConstraints", "matchResources"):
        if part in found["spec"]:
            found["spec"][part] |= {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
            for rule in found["spec"][part]["resourceRules"]:
                rule["scope"] = "*"
    return {**found, "status": {"typeChecking": {}, "observedGeneration": 1}}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_api_server_fills_in_is_no_exception(name: str) -> None:
    assert not differs(served(DOCUMENTS[name]), DOCUMENTS[name])


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "Binding" not in name])
@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        pytest.param("matchConstraints", "excludeResourceRules", [RULE], id="excluded"),
        pytest.param("matchConstraints", "namespaceSelector", SELECTED, id="namespaces"),
        pytest.param("matchConstraints", "objectSelector", SELECTED, id="objects"),
        pytest.param("matchConstraints", "matchPolicy", "Exact", id="not-other-versions"),
        pytest.param("", "matchConditions", [{"name": "theirs", "expression": "false"}], id="condition"),
        pytest.param("", "paramKind", {"apiVersion": "v1", "kind": "ConfigMap"}, id="parameter"),
        pytest.param("", "failurePolicy", "None", id="failure"),
        pytest.param("", "validations", [{"expression": "true"}], id="always-true"),
    ],
)
def test_an_exception_in_a_policy_is_a_difference(name: str, part: str, field: str, value: Any) -> None:
    live = served(DOCUMENTS[name])
    place = live["spec"][part] if part else live["spec"]
    place[field] = value
    assert differs(live, DOCUMENTS[name])


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "Binding" in name])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("matchResources", {"objectSelector": SELECTED}, id="other-objects"),
        pytest.param("matchResources", {"excludeResourceRules": [RULE]}, id="excluded"),
        pytest.param("paramRef", {"name": "a", "parameterNotFoundAction": "Allow"}, id="parameter"),
        pytest.param("validationActions", ["Audit"], id="only-audited"),
    ],
)
def test_an_exception_in_a_binding_is_a_difference(name: str, field: str, value: Any) -> None:
    live = served(DOCUMENTS[name])
    live["spec"][field] = value
    assert differs(live, DOCUMENTS[name])
