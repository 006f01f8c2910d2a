"""What OpenShift says about itself: where its control plane runs, and how servers shall speak TLS. No I/O."""

from collections.abc import Mapping
from typing import Any

from sriov_core.api.fault import shown
from sriov_core.errors import SpecError
from sriov_operator.tlsoptions import TlsSettings

NAME = "cluster"
"""The name of the one Infrastructure, and of the one APIServer."""

_PATH = f"APIServer {NAME}, spec.tlsSecurityProfile"
_NOT_STRICT = frozenset({"", "NoOpinion", "LegacyAdheringComponentsOnly"})
_TLS_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_INTERMEDIATE = (
    *_TLS_13,
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_GROUPS = ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1")
# github.com/openshift/api, config/v1/types_tlssecurityprofile.go: TLSProfiles. Old allows TLS 1.0, which is refused
# whatever its cipher suites are, so they are not repeated here.
_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "Old": {"ciphers": (), "groups": _GROUPS, "minTLSVersion": "VersionTLS10"},
    "Intermediate": {"ciphers": _INTERMEDIATE, "groups": _GROUPS, "minTLSVersion": "VersionTLS12"},
    "Modern": {"ciphers": _TLS_13, "groups": _GROUPS, "minTLSVersion": "VersionTLS13"},
}


def is_external(infrastructure: Mapping[str, Any]) -> bool:
    """True for a control plane that runs outside of the cluster (Hypershift)."""
    return _mapping(infrastructure.get("status")).get("controlPlaneTopology") == "External"


def tls_settings(api_server: Mapping[str, Any]) -> TlsSettings | None:
    """The TLS profile of the cluster; None when every component may choose for itself, or there is no profile.

    A way of adherence that is not known here counts as strict. SpecError for a profile that is not known.
    """
    spec = _mapping(api_server.get("spec"))
    profile = _mapping(spec.get("tlsSecurityProfile"))
    if str(spec.get("tlsAdherence") or "") in _NOT_STRICT or not profile:
        return None
    kind = str(profile.get("type") or "")
    if kind == "Custom":
        custom = _mapping(profile.get("custom"))
        return _settings(custom) if custom else None
    if kind not in _PROFILES:
        wanted = f"wanted {', '.join(_PROFILES)} or Custom"
        raise SpecError(f"{_PATH}.type: found {shown(kind)}, {wanted}. Correct it: oc edit apiserver {NAME}")
    return _settings(_PROFILES[kind])


def _settings(profile: Mapping[str, Any]) -> TlsSettings:
    return TlsSettings(
        cipher_suites=",".join(map(str, profile.get("ciphers") or ())),
        min_version=str(profile.get("minTLSVersion") or ""),
        curve_preferences=",".join(map(str, profile.get("groups") or ())),
        cipher_suites_path=f"{_PATH}.ciphers",
        min_version_path=f"{_PATH}.minTLSVersion",
        curve_preferences_path=f"{_PATH}.groups",
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
