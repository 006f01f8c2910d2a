"""Which nodes the clean-up names, because their NICs stay as they are."""

from typing import Any

import pytest
from some_nodestates import X710, reported

from sriov_operator.deployment.undone import undone

PORT = X710["pciAddress"]
WITH_VFS = {**X710, "numVfs": 4}
WISHED = {"interfaces": [{"pciAddress": PORT, "numVfs": 4}]}
MANAGED_ELSEWHERE = {"interfaces": [{"pciAddress": PORT, "numVfs": 4, "externallyManaged": True}]}


def ready(generation: int) -> list[dict[str, Any]]:
    return [{"type": "Ready", "status": "True", "observedGeneration": generation}]


@pytest.mark.parametrize(
    ("nic", "given", "wished", "why"),
    [
        pytest.param(X710, {"conditions": ready(2)}, False, "", id="given-back"),
        pytest.param(X710, {}, False, "", id="an-agent-that-tells-no-generation"),
        pytest.param(WITH_VFS, {"conditions": ready(2)}, False, "", id="vfs-of-somebody-else"),
        pytest.param(X710, {"syncStatus": ""}, False, "", id="never-reported"),
        pytest.param(WITH_VFS, {"syncStatus": "InProgress"}, False, "InProgress", id="at-work"),
        pytest.param(WITH_VFS, {"syncStatus": "Failed"}, True, "Failed", id="failed"),
        pytest.param(
            WITH_VFS, {"conditions": ready(1)}, False, "it reports of generation 1, not 2", id="has-not-looked-yet"
        ),
        pytest.param(
            WITH_VFS,
            {"spec": WISHED},
            False,
            f"VFs of a policy that is gone: 4 on {PORT}",
            id="wished-by-a-policy-gone",
        ),
        pytest.param(WITH_VFS, {"spec": WISHED}, True, "", id="wished-by-a-policy"),
        pytest.param(X710, {"spec": WISHED}, False, "", id="wished-and-not-made"),
        pytest.param(WITH_VFS, {"spec": MANAGED_ELSEWHERE}, False, "", id="managed-externally"),
        pytest.param(
            WITH_VFS,
            {"spec": WISHED, "syncStatus": "Failed"},
            False,
            f"Failed; VFs of a policy that is gone: 4 on {PORT}",
            id="several-reasons",
        ),
    ],
)
def test_a_node_is_named_with_why(nic: dict[str, Any], given: dict[str, Any], wished: bool, why: str) -> None:
    line = undone([reported("n1", nic, **given)], wished=wished)
    assert (
        line.startswith(f"1 node not done, whose NICs stay as they are: n1 ({why}). To have them done, ")
        if why
        else (line == "")
    )


def test_nodes_are_told_in_one_line_and_no_more_than_can_be_read() -> None:
    states = [reported(f"n{number:02}", syncStatus="InProgress") for number in range(25, 0, -1)]
    line = undone([*states, reported("done")], wished=False)
    assert line.startswith("25 nodes not done, whose NICs stay as they are: n01 (InProgress), n02 (InProgress), ")
    assert "n20 (InProgress), and 5 more. To have them done, apply the SriovOperatorConfig again" in line
    assert "\n" not in line
