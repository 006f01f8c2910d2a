"""What holds of every answer, whatever the pod, its annotations and its networks look like."""

import copy
from collections.abc import Callable
from typing import Any

import jsonpatch
from hypothesis import given, settings
from hypothesis import strategies as st
from injection_pods import DEFAULT, DEFINITIONS, NETWORKS, RESOURCE, SELECTOR

from sriov_core.injection.inject import Injection, inject
from sriov_core.injection.switches import Switches, UserInjection, read_switches

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=4)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)
NAMES = st.sampled_from(
    ["a", "b", "c", "ns", "west", "gpu", "plain", "empty", "ns1/a", "kube-system/main", "net.one", "gone"]
)
LISTS = st.lists(NAMES, min_size=1, max_size=3).map(", ".join)
VALUES = (
    LISTS
    | st.text(alphabet='ab/@,.[]{}":- é\n', max_size=12)
    | st.sampled_from(["[null]", '[{"name":"a"},{"name":"c"}]', '[{"name":1}]', "[", '{"name":"a"}', "[[]]"])
)


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[Any]) -> Any:
    """A value of the right shape in which up to two places are lost or hold anything."""
    whole = [copy.deepcopy(draw(good))]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        parent: Any = whole
        key: Any = 0
        while isinstance(parent[key], dict | list) and parent[key] and draw(st.integers(0, 5)):
            parent = parent[key]
            key = draw(st.sampled_from(sorted(parent) if isinstance(parent, dict) else range(len(parent))))
        if isinstance(parent, dict) and draw(st.booleans()):
            del parent[key]
        else:
            parent[key] = draw(ANYTHING)
    return whole[0]


def some(key: st.SearchStrategy[str], value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(key, value, max_size=3)


DEVICES = st.sampled_from(["intel.com/nicA", "intel.com/nicC", "hugepages-1Gi", "hugepages-2Mi", "cpu"])
KINDS = some(DEVICES, st.sampled_from(["1", "0", "1Gi", "2e3", 2, "500m"]))
ENTRY = st.fixed_dictionaries({"name": st.sampled_from(["podnetinfo", "CONTAINER_NAME", "x"])})
ENTRIES = st.lists(ENTRY, max_size=2) | st.just([{"name": "x", "mountPath": "/etc/podnetinfo"}]) | st.none()
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["c0", "c1"])},
        optional={
            "resources": st.fixed_dictionaries({}, optional={"requests": KINDS, "limits": KINDS}),
            "env": ENTRIES,
            "volumeMounts": ENTRIES,
        },
    ),
    min_size=1,
    max_size=2,
)
ANNOTATIONS = st.fixed_dictionaries({}, optional={NETWORKS: LISTS | VALUES, DEFAULT: NAMES, "x": st.just("y")})
LABELS = some(st.sampled_from(["x", "y"]), st.sampled_from(["true", "TRUE", "no"]))
SELECTORS = some(st.sampled_from(["zone", "gpu", "disk"]), st.sampled_from(["", "west"]))
PODS = damaged(
    st.fixed_dictionaries(
        {
            "metadata": st.fixed_dictionaries({"annotations": ANNOTATIONS, "labels": LABELS}),
            "spec": st.fixed_dictionaries(
                {"containers": CONTAINERS}, optional={"volumes": ENTRIES, "nodeSelector": SELECTORS}
            ),
        }
    )
)
WELL_SHAPED = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries({"annotations": st.fixed_dictionaries({NETWORKS: LISTS})}),
        "spec": st.fixed_dictionaries(
            {
                "containers": st.lists(
                    st.fixed_dictionaries(
                        {"name": st.just("c")},
                        optional={"resources": st.fixed_dictionaries({}, optional={"limits": st.just({"cpu": "1"})})},
                    ),
                    min_size=1,
                    max_size=2,
                )
            }
        ),
    }
)
INJECTIONS = st.tuples(
    *(
        st.builds(
            UserInjection,
            label=st.just(label),
            annotations=some(st.sampled_from([NETWORKS, DEFAULT, "x"]), VALUES).map(lambda found: tuple(found.items())),
        )
        for label in ("x", "y")
    )
)
SWITCHES = st.builds(Switches, hugepages=st.booleans(), honor_existing=st.booleans(), injections=INJECTIONS)
NOT_HONORING = st.builds(Switches, hugepages=st.booleans(), injections=INJECTIONS)
TEXTS = st.sampled_from(["intel.com/nicC", "", "a=b", "a=b=c", "a"])
DEFINITION = damaged(
    st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({"annotations": some(st.sampled_from([RESOURCE, SELECTOR]), TEXTS)})}
    )
)
Lookup = Callable[[str, str], Any]
LOOKUPS = DEFINITION.map(lambda odd: lambda namespace, name: odd if name == "c" else DEFINITIONS.get((namespace, name)))


def answer(pod: Any, switches: Switches, lookup: Lookup) -> Injection:
    return inject(pod, namespace="ns1", lookup=lookup, switches=switches)


def plain(namespace: str, name: str) -> Any:
    return DEFINITIONS.get((namespace, name))


@settings(max_examples=200)
@given(PODS, SWITCHES, LOOKUPS)
def test_any_pod_gets_an_answer_whose_patch_applies(pod: Any, switches: Switches, lookup: Lookup) -> None:
    before = repr(pod)
    first = answer(pod, switches, lookup)
    assert repr(pod) == before
    assert answer(copy.deepcopy(pod), switches, lookup) == first
    assert first.message
    if first.operations:
        assert first.allowed
        assert repr(jsonpatch.apply_patch(pod, list(first.operations))) != before


@settings(max_examples=200)
@given(PODS, NOT_HONORING, LOOKUPS)
def test_a_pod_that_was_injected_is_left_as_it_is(pod: Any, switches: Switches, lookup: Lookup) -> None:
    first = answer(pod, switches, lookup)
    if first.operations:
        again = answer(jsonpatch.apply_patch(pod, list(first.operations)), switches, lookup)
        assert (again.allowed, again.operations) == (True, ())


@given(WELL_SHAPED)
def test_a_pod_requests_a_device_for_every_network_that_names_a_resource(pod: Any) -> None:
    words = [word.rpartition("/")[2] for word in pod["metadata"]["annotations"][NETWORKS].split(", ")]
    found = answer(pod, Switches(), plain)
    if "gone" in words:
        assert not found.allowed
        return
    patched = jsonpatch.apply_patch(pod, list(found.operations))
    resources = patched["spec"]["containers"][0].get("resources", {})
    counts = {
        "intel.com/nicA": sum(word in ("a", "b", "net.one") for word in words),
        "intel.com/nicC": words.count("c"),
        "intel.com/nicN": words.count("ns"),
        "intel.com/nicM": words.count("main"),
    }
    devices = {resource: str(count) for resource, count in counts.items() if count}
    assert {key: value for key, value in resources.get("limits", {}).items() if key != "cpu"} == devices
    assert resources.get("requests", {}) == devices


@given(ANYTHING | st.fixed_dictionaries({"data": st.fixed_dictionaries({"config.json": st.text() | st.just("{}")})}))
def test_any_config_map_gives_switches(config_map: Any) -> None:
    assert not read_switches(config_map).injections
