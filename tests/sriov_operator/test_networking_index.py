"""Which networks a namespace concerns, and how many are ready: always what a fresh count would say."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from networks_in_a_cluster import KINDS

from sriov_core.api.networks import Network
from sriov_operator.networking.index import Index, Key, key_of, readiness

NAMESPACES = ("operator", "default", "blue")


@st.composite
def networks(draw: st.DrawFn) -> Network:
    kind = draw(st.sampled_from(sorted(KINDS)))
    ready = draw(st.sampled_from(["", "True", "False"]))
    conditions = [{"type": "Ready", "status": ready}] if ready else [{"type": "Other", "status": "True"}]
    body = {
        "kind": kind,
        "metadata": {"name": draw(st.sampled_from("ab")), "namespace": draw(st.sampled_from(NAMESPACES))},
        "spec": {"resourceName": "r", "networkNamespace": draw(st.sampled_from(["", *NAMESPACES]))},
        "status": {"conditions": conditions},
    }
    return msgspec.convert(body, KINDS[kind])


def keys() -> st.SearchStrategy[Key]:
    places = st.sampled_from([f"{namespace}/{name}" for namespace in NAMESPACES for name in "ab"])
    return st.builds(Key, st.sampled_from(sorted(KINDS)), places)


@given(st.lists(networks() | keys(), max_size=30))
def test_after_any_changes_it_says_what_a_fresh_count_says(changes: list[Network | Key]) -> None:
    index, there = Index(), dict[Key, Network]()
    for change in changes:
        if isinstance(change, Key):
            index.drop(change)
            there.pop(change, None)
        else:
            index.put(change)
            there[key_of(change)] = change
    for namespace in NAMESPACES:
        wanted = {
            key for key, one in there.items() if (one.spec.network_namespace or one.metadata.namespace) == namespace
        }
        assert set(index.of_namespace(namespace)) == wanted
    for kind in KINDS:
        found = [readiness(one) for one in there.values() if one.kind == kind]
        assert index.counts(kind) == {status: found.count(status) for status in ("True", "False", "Unknown")}


def test_a_key_is_shown_as_kubectl_shows_objects() -> None:
    assert str(Key("SriovNetwork", "blue/a")) == "SriovNetwork blue/a"
