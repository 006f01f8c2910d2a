"""What stands in a namespace that the operator does not read: told, and pointed at where it is asked for."""

import attrs
from cluster_scene import codes, scene

from sriov_core.clusterview.cluster import Part, Stray
from sriov_core.clusterview.overview import every_finding
from sriov_core.clusterview.policies import no_such_policy


def strayed(changes, *others):
    cluster = scene(changes)
    return attrs.evolve(cluster, strays=Part(kind="objects", items=tuple(Stray(*one) for one in others)))


EDGE = ("SriovNetworkNodePolicy", "telco", "edge")
SECOND_CONFIG = ("SriovOperatorConfig", "telco", "default")


def test_what_stands_in_another_namespace_is_told_to_have_no_effect():
    (finding,) = every_finding(strayed("", EDGE))
    assert (finding.code, finding.severity, finding.about) == ("K8S-410", "warn", "SriovNetworkNodePolicy telco/edge")
    assert finding.fact == (
        "has no effect: the operator reads this kind in its own namespace sriov-network-operator only"
    )
    assert finding.remedy == (
        "kubectl get sriovnetworknodepolicy edge -n telco -o yaml shows it: create it in namespace "
        "sriov-network-operator, and delete this one"
    )


def test_beside_another_configuration_another_operator_may_read_it():
    findings = every_finding(strayed("", EDGE, SECOND_CONFIG))
    assert codes(findings) == ["K8S-410", "K8S-410"]
    assert all(one.fact.endswith("only, unless another operator runs in telco") for one in findings)
    assert [one.severity for one in findings] == ["advice", "advice"]
    assert findings[0].remedy.startswith("Nothing, if one does.")
    assert "delete" not in findings[0].remedy


def test_where_the_configuration_is_elsewhere_the_namespace_may_be_the_wrong_one():
    (finding,) = every_finding(strayed("SriovOperatorConfig/default: null", EDGE, SECOND_CONFIG))
    assert finding.code == "K8S-401"
    assert "Found in telco: name it with --operator-namespace" in finding.remedy


def test_who_asks_for_a_policy_of_another_namespace_is_told_where_it_is():
    told = no_such_policy("edge", strayed("", EDGE, ("SriovNetworkPoolConfig", "lab", "edge")))
    assert told == (
        "there is no policy edge in namespace sriov-network-operator. There are: rail0. There is one of that name in "
        "namespace telco, which the operator does not read: create it in namespace sriov-network-operator, and delete "
        "the other"
    )
    assert no_such_policy("x", strayed("", EDGE)).endswith("There are: rail0")
