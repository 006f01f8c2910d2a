"""Where the certificates of the webhooks come from, and what has to stand in objects for it. Nothing here does I/O."""

from collections.abc import Mapping

import attrs

from sriov_operator.process.settings import Settings

_SERVING_CERTIFICATE = "service.alpha.openshift.io/serving-cert-secret-name"
_INJECTED_BUNDLE = "service.beta.openshift.io/inject-cabundle"
_INJECTED_FROM = "cert-manager.io/inject-ca-from"


@attrs.frozen(kw_only=True)
class Trust:
    """Why the API server trusts one webhook.

    ``bundle`` is base64 of the authorities in PEM; empty when somebody else puts it there, as ``annotations`` of the
    webhook configuration ask for. ``service_annotations`` ask for the Secret.
    """

    secret: str = ""
    bundle: str = ""
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    service_annotations: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Trusts:
    """Both webhooks; None for one whose certificate could not be found out."""

    operator: Trust | None
    injector: Trust | None


def provided(settings: Settings, secret: str, bundle: str) -> Trust | None:
    """The certificate that somebody else provides in that Secret; None when the operator has to make it itself.

    On OpenShift its service CA does, else cert-manager where it is asked to, else whoever gave ``bundle``. The
    Certificate of cert-manager has the name of the Secret.
    """
    if settings.cluster_type == "openshift":
        return Trust(
            secret=secret,
            annotations={_INJECTED_BUNDLE: "true"},
            service_annotations={_SERVING_CERTIFICATE: secret},
        )
    if settings.certificates.cert_manager:
        return Trust(secret=secret, annotations={_INJECTED_FROM: f"{settings.namespace}/{secret}"})
    return Trust(secret=secret, bundle=bundle) if bundle else None
