"""What the webhook adds to a policy."""

from typing import Any

import pytest

from sriov_core.admission.mutation import mutate, mutated, overridden

PRIORITY = ("/spec/priority", 99)
PLAIN, RDMA = ("/spec/isRdma", False), ("/spec/isRdma", True)

ADDED = [
    pytest.param({}, [PRIORITY, PLAIN], id="nothing-given"),
    pytest.param({"linkType": "IB"}, [PRIORITY, RDMA], id="infiniband"),
    pytest.param({"linkType": "ib"}, [PRIORITY, RDMA], id="infiniband-in-lower-case"),
    pytest.param({"linkType": "IB", "deviceType": "netdevice"}, [PRIORITY, RDMA], id="infiniband-netdevice"),
    pytest.param({"linkType": "IB", "deviceType": "vfio-pci"}, [PRIORITY, PLAIN], id="infiniband-vfio"),
    pytest.param({"linkType": "IB", "deviceType": "VFIO-PCI"}, [PRIORITY, PLAIN], id="infiniband-vfio-upper-case"),
    pytest.param({"linkType": "ETH"}, [PRIORITY, PLAIN], id="ethernet"),
    pytest.param({"isRdma": True}, [PRIORITY], id="rdma-given"),
    pytest.param({"isRdma": False}, [PRIORITY], id="no-rdma-given"),
    pytest.param({"isRdma": False, "linkType": "ib"}, [PRIORITY, RDMA], id="no-rdma-given-on-infiniband"),
    pytest.param({"isRdma": True, "linkType": "ib"}, [PRIORITY], id="rdma-given-on-infiniband"),
    pytest.param({"priority": 10}, [PLAIN], id="priority-given"),
    pytest.param({"priority": 0, "isRdma": False}, [], id="all-given"),
    pytest.param({"linkType": 5, "deviceType": [], "priority": None}, [PLAIN], id="wrong-types"),
]


@pytest.mark.parametrize(("spec", "added"), ADDED)
def test_a_policy_gets_what_it_left_out(spec: dict[str, Any], added: list[tuple[str, Any]]) -> None:
    patch = mutate({"metadata": {"name": "p1"}, "spec": spec})
    assert patch == tuple({"op": "add", "path": path, "value": value} for path, value in added)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"metadata": {"name": "default"}, "spec": {}}, id="default"),
        pytest.param({"metadata": {"name": "p1"}}, id="no-spec"),
        pytest.param({"metadata": {"name": "p1"}, "spec": None}, id="null-spec"),
        pytest.param({"metadata": {"name": "p1"}, "spec": "text"}, id="spec-is-text"),
        pytest.param([], id="no-object"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_has_nothing_to_add_to_gets_no_patch(raw: Any) -> None:
    assert mutate(raw) is None
    assert overridden(raw) == ""


def test_the_patched_policy_holds_what_was_given_and_what_was_added() -> None:
    raw = {"metadata": {"name": "p1"}, "spec": {"numVfs": 3, "linkType": "ib", "isRdma": False}}
    assert mutated(raw)["spec"] == {"numVfs": 3, "linkType": "ib", "isRdma": True, "priority": 99}
    assert raw["spec"] == {"numVfs": 3, "linkType": "ib", "isRdma": False}
    assert "spec.isRdma: found false" in overridden(raw)
    assert mutate(mutated(raw)) == ()
    assert overridden(mutated(raw)) == ""
