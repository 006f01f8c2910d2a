"""Networks as they may be stored: those that fit their kind, and what is left of those that do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import keys
from sriov_operator.networking.looking import TYPES, read

SCALARS = st.none() | st.booleans() | st.integers(-1, 5000) | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)
)
FIELDS = ("resourceName", "networkNamespace", "vlan", "ipam", "trunk", "mtu", "conditions", "type", "status", "message")
READY = {"type": "Ready", "status": "True", "reason": "NetworkReady", "message": "", "observedGeneration": 3}


def stored(kind: str = "SriovNetwork", spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    known = {"name": "net", "namespace": "blue", "uid": "u", "generation": 3, "resourceVersion": "7"}
    body = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "metadata": {**known, **metadata}}
    return {**body, "spec": spec, **({} if status is None else {"status": status})}


def test_one_that_fits_is_taken_as_it_is() -> None:
    found = read("OVSNetwork", stored("OVSNetwork", {"resourceName": "r", "mtu": 9000}, {"conditions": [READY]}))
    assert found.mistakes == ()
    assert (found.network.spec.resource_name, found.network.status.conditions[0].reason) == ("r", "NetworkReady")


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"resourceName": "r", "vlan": 9999, "networkNamespace": "red"}, "spec.vlan", id="out-of-range"),
        pytest.param({"resourceName": "r", "vlan": "x", "networkNamespace": "red"}, "spec.vlan", id="not-a-number"),
        pytest.param({"networkNamespace": "red"}, "spec.resourceName", id="missing"),
        pytest.param(None, "spec", id="no-spec"),
    ],
)
def test_of_one_that_does_not_fit_the_place_of_the_mistake_and_of_its_attachment_are_known(
    spec: Any, path: str
) -> None:
    marked = stored(spec=spec, finalizers=[keys.NETWORK_FINALIZER], deletionTimestamp="2026-01-01T00:00:00Z")
    found = read("SriovNetwork", marked)
    assert [mistake.path for mistake in found.mistakes] == [path]
    assert found.network.spec.network_namespace == ("red" if spec else "")
    assert found.network.metadata.finalizers == (keys.NETWORK_FINALIZER,)
    assert found.network.metadata.deletion_timestamp


def test_conditions_that_make_no_sense_are_passed_over_and_ours_stays() -> None:
    conditions = [READY, {"type": 5}, "junk", {**READY, "type": "Other", "status": "Perhaps"}]
    found = read("SriovNetwork", stored(spec={"resourceName": "r"}, status={"conditions": conditions}))
    assert found.mistakes
    assert [one.type for one in found.network.status.conditions] == ["Ready"]


@given(
    kind=st.sampled_from(sorted(TYPES)),
    spec=ANYTHING | st.dictionaries(st.sampled_from(FIELDS), ANYTHING),
    status=ANYTHING | st.fixed_dictionaries({"conditions": ANYTHING}),
)
def test_whatever_stands_in_spec_and_status_there_is_a_network(kind: str, spec: Any, status: Any) -> None:
    found = read(kind, stored(kind, spec, status))
    assert (found.network.kind, found.network.metadata.name, found.network.metadata.generation) == (kind, "net", 3)
