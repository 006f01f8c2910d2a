"""What OpenShift says, as the operator follows it: the TLS profile is watched, where its control plane is, is read."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from sriov_core.errors import HostError
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import INFRASTRUCTURES, OPENSHIFT_API_SERVERS
from sriov_operator.deployment import openshift
from sriov_operator.tlsoptions import TlsSettings


class SeenApiServer(msgspec.Struct, frozen=True, kw_only=True):
    """The APIServer of OpenShift: how servers of the cluster shall serve."""

    metadata: LeanMeta
    spec: dict[str, Any] = msgspec.field(default_factory=dict)


class ClusterFacts:
    """Of one cluster; on plain Kubernetes nothing is asked, and nothing is special."""

    def __init__(self, client: Client, *, is_openshift: bool) -> None:
        self._client = client
        self._is_openshift = is_openshift
        self._external: bool | None = None
        self._failure: Exception | None = None
        self._api_servers = Informer(
            client,
            OPENSHIFT_API_SERVERS,
            SeenApiServer,
            fields=f"metadata.name={openshift.NAME}",
            on_failure=self._failed,
        )

    def start(self, stop: threading.Event, changed: Callable[[], None]) -> None:
        """Begin to watch; ``changed`` is called after each change."""
        if self._is_openshift:
            self._api_servers.subscribe(lambda _before, _after: changed())
            self._api_servers.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        return self._api_servers.join(timeout_s)

    @property
    def is_settled(self) -> bool:
        """True once it is known what the cluster says, or that it cannot be known."""
        return not self._is_openshift or self._api_servers.synced or self._failure is not None

    @property
    def external_control_plane(self) -> bool:
        """True when no node of the cluster runs the API server. Read once. Raises `ApiFailure`."""
        if self._external is None:
            self._external = self._is_openshift and self._read_external()
        return self._external

    def tls(self) -> TlsSettings | None:
        """The cluster's TLS profile, if servers have to follow it. SpecError for one that cannot be understood.

        HostError while it cannot be read. A cluster without such an object, as MicroShift, has no profile.
        """
        if not self._is_openshift:
            return None
        if not self._api_servers.synced:
            if isinstance(self._failure, NotFound):
                return None
            raise HostError(f"the TLS profile of the cluster cannot be read: {self._failure}. It is tried again")
        found = self._api_servers.get(openshift.NAME)
        return openshift.tls_settings({"spec": found.spec}) if found else None

    def _read_external(self) -> bool:
        try:
            return openshift.is_external(self._client.get(INFRASTRUCTURES, openshift.NAME))
        except NotFound:
            return False

    def _failed(self, failure: Exception) -> None:
        self._failure = failure
