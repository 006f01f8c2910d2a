"""The injector's webhook: pods, the definitions of their networks, and the switches of its ConfigMap as of now."""

import logging
import threading
from typing import Any

from sriov_core.admission.review import Malformed
from sriov_core.api.fault import legible
from sriov_core.api.foreign import ConfigMap
from sriov_core.injection.inject import Injection, inject
from sriov_core.injection.switches import CONFIG_MAP, PLAIN, Switches, read_switches
from sriov_core.injection.wanted import RESOURCE_NAME
from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure
from sriov_core.kube.resource import CONFIG_MAPS
from sriov_operator.serving.answering import Hook
from sriov_operator.serving.caches import Caches
from sriov_operator.serving.contact import Contact
from sriov_operator.serving.definitions import Definitions
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.podreview import injected

PATH = "/mutate"

_log = logging.getLogger("sriov_operator.serving.injector")


class Injector:
    """``defaults`` are the switches where the ConfigMap ``nri-control-switches`` in ``namespace`` says nothing."""

    def __init__(
        self,
        client: Client,
        contact: Contact,
        *,
        namespace: str,
        metrics: Metrics,
        resource_keys: tuple[str, ...] = (RESOURCE_NAME,),
        defaults: Switches = PLAIN,
    ) -> None:
        self._namespace = namespace
        self._resource_keys = resource_keys
        self._defaults = defaults
        self.caches = Caches(client, contact, metrics)
        self._definitions = Definitions(client, self.caches, resource_keys)
        self._config_maps = self.caches.of(CONFIG_MAPS, ConfigMap, namespace=namespace, name=CONFIG_MAP)
        self._lock = threading.Lock()
        self._read: tuple[ConfigMap | None, Switches] = (None, defaults)

    @property
    def hooks(self) -> dict[str, Hook]:
        """The webhook by its path."""
        return {PATH: Hook(name="injector", judge=self._judge, blocked=self.caches.waiting)}

    def _judge(self, review: Any) -> dict[str, Any] | Malformed:
        return injected(review, self._inject)

    def _inject(self, pod: Any, namespace: str) -> Injection:
        """A pod whose networks cannot be looked up is denied: its controller tries again, and nobody mends it later."""
        try:
            return inject(
                pod,
                namespace=namespace,
                lookup=self._definitions,
                switches=self.switches(),
                resource_keys=self._resource_keys,
            )
        except ApiFailure as err:
            _log.warning("a pod in namespace %s is denied: %s", legible(namespace), err)
            return Injection(allowed=False, message=f"the pod's networks cannot be looked up: {err}. Create it again")

    def switches(self) -> Switches:
        """How pods are injected by now; what is wrong with the ConfigMap is told once."""
        found = next(iter(self._config_maps.items()), None)
        with self._lock:
            known, switches = self._read
            if found is not known:
                switches = read_switches({"data": found.data} if found else None, self._defaults)
                for fault in switches.faults:
                    _log.warning("ConfigMap %s/%s: %s", self._namespace, CONFIG_MAP, fault)
                self._read = (found, switches)
        return switches
