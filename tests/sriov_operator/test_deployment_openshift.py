"""What is made of OpenShift's own objects: its TLS profile, and where its control plane runs."""

from typing import Any

import pytest

from sriov_core.errors import SpecError
from sriov_operator.deployment.openshift import is_external, tls_settings
from sriov_operator.tlsoptions import TlsOptions, TlsSettings, curve_names, tls_options

STRICT = {"tlsAdherence": "StrictAllComponents"}
CUSTOM = {
    "ciphers": ["ECDHE-RSA-AES128-GCM-SHA256"],
    "minTLSVersion": "VersionTLS12",
    "groups": ["X25519", "secp256r1"],
}


def options(spec: dict[str, Any]) -> TlsOptions | None:
    found = tls_settings({"spec": spec})
    return tls_options(TlsSettings(), found) if found else None


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"tlsSecurityProfile": {"type": "Modern"}}, id="no-adherence"),
        pytest.param(
            {"tlsSecurityProfile": {"type": "Modern"}, "tlsAdherence": "LegacyAdheringComponentsOnly"}, id="legacy"
        ),
        pytest.param({"tlsSecurityProfile": {"type": "Modern"}, "tlsAdherence": "NoOpinion"}, id="no-opinion"),
        pytest.param(STRICT, id="strict-without-profile"),
        pytest.param({**STRICT, "tlsSecurityProfile": None}, id="profile-null"),
        pytest.param({**STRICT, "tlsSecurityProfile": {"type": "Custom", "custom": None}}, id="custom-null"),
    ],
)
def test_the_cluster_leaves_the_choice(spec: dict[str, Any]) -> None:
    assert tls_settings({"spec": spec}) is None


@pytest.mark.parametrize(
    ("profile", "suites", "version", "curves"),
    [
        pytest.param({"type": "Custom", "custom": CUSTOM}, 1, "VersionTLS12", ("X25519", "secp256r1"), id="custom"),
        pytest.param(
            {"type": "Custom", "custom": {"ciphers": [], "minTLSVersion": "VersionTLS13"}},
            0,
            "VersionTLS13",
            (),
            id="custom-without-groups",
        ),
        pytest.param(
            {"type": "Intermediate", "intermediate": {}},
            9,
            "VersionTLS12",
            ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1"),
            id="intermediate",
        ),
        pytest.param(
            {"type": "Modern", "modern": {}},
            3,
            "VersionTLS13",
            ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1"),
            id="modern",
        ),
    ],
)
@pytest.mark.parametrize("adherence", ["StrictAllComponents", "SomethingOfTheFuture"])
def test_the_cluster_chooses(
    profile: dict[str, Any], suites: int, version: str, curves: tuple[str, ...], adherence: str
) -> None:
    found = options({"tlsSecurityProfile": profile, "tlsAdherence": adherence})
    assert found is not None
    assert (len(found.cipher_suites), found.min_version, curve_names(found.curves)) == (suites, version, curves)


def test_a_profile_below_tls_1_2_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match=r"APIServer cluster, spec.tlsSecurityProfile.minTLSVersion.*VersionTLS10"):
        options({**STRICT, "tlsSecurityProfile": {"type": "Old", "old": {}}})


def test_a_profile_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SpecError, match=r"tlsSecurityProfile.type: found 'Ancient', wanted Old, Intermediate, Modern"):
        options({**STRICT, "tlsSecurityProfile": {"type": "Ancient"}})


@pytest.mark.parametrize(
    ("infrastructure", "expected"),
    [
        pytest.param({"status": {"controlPlaneTopology": "External"}}, True, id="hosted"),
        pytest.param({"status": {"controlPlaneTopology": "HighlyAvailable"}}, False, id="own"),
        pytest.param({}, False, id="no-status"),
        pytest.param({"status": None}, False, id="status-null"),
    ],
)
def test_where_the_control_plane_is(infrastructure: dict[str, Any], expected: bool) -> None:
    assert is_external(infrastructure) is expected
