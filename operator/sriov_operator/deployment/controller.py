"""The SriovOperatorConfig: looks, writes what differs, removes what is not asked for, and tells how it stands."""

import contextlib
import logging
import threading
import time

from sriov_core.api import keys, operatorconfig
from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.errors import SriovError
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import (
    CONFIGS,
    DAEMON_SETS,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
)
from sriov_operator.deployment import names
from sriov_operator.deployment.applying import Applier
from sriov_operator.deployment.carrying import Done, carry_out
from sriov_operator.deployment.clusterfacts import ClusterFacts
from sriov_operator.deployment.deployed import OPENSHIFT, SYSTEMD, Deployed
from sriov_operator.deployment.failing import Incomplete, is_passing
from sriov_operator.deployment.keeping import Keeper
from sriov_operator.deployment.looking import Found, Looker
from sriov_operator.deployment.manifests import Place, Wanted, left_behind, wanted
from sriov_operator.deployment.owned import Owned
from sriov_operator.deployment.reporting import Progress, Standing
from sriov_operator.deployment.rollouts import SLOW_S, Reasons, Stalls, progress
from sriov_operator.deployment.telling import Teller
from sriov_operator.deployment.trust import Trusts, provided
from sriov_operator.process.context import Context

RESYNC_S = 300.0
COALESCED_S = 0.5
"""How long it is waited after a change of what is deployed: one rollout makes many."""
FIRST_LOOK_S, TROUBLED_LOOK_S = 0.5, 5.0
"""How often it is looked whether the caches are filled."""

_HOSTED = (
    "configurationMode systemd is not supported on hypershift, where nodes have no MachineConfig. Nothing was changed. "
    "Use configurationMode daemon"
)

_log = logging.getLogger("sriov_operator.deployment")


class Deployment:
    """The controller of the one SriovOperatorConfig; the part ``deployment`` of the operator."""

    def __init__(self, context: Context) -> None:
        self._context = context
        client, settings = context.client, context.settings
        given = settings.certificates
        authorities = {given.operator_secret: given.operator_ca, given.injector_secret: given.injector_ca}
        own = tuple(name for name, bundle in authorities.items() if provided(settings, name, bundle) is None)
        self._seen = Owned(client, settings.namespace, own)
        self._cluster = ClusterFacts(client, is_openshift=settings.cluster_type == OPENSHIFT)
        self._keeper = Keeper(client, settings.namespace, self._seen.secret_version, context.now)
        self._looker = Looker(client, settings, seen=self._seen, cluster=self._cluster, keeper=self._keeper)
        self._applier = Applier(client, settings.namespace, self._seen.mark, self._counted)
        self._teller = Teller(context)
        self._stalls, self._reasons = Stalls(), Reasons(client, settings.namespace)
        self._stop = threading.Event()
        self._controller: Controller[str] = Controller("deployment", self._reconcile, watcher=context.metrics)

    def start(self, stop: threading.Event) -> None:
        """Fill the caches of its own and start to work."""
        self._stop = stop
        self._context.caches.configs.subscribe(self._on_config)
        self._seen.start(stop, self._on_change)
        self._cluster.start(stop, self._on_change)
        self._controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        end = time.monotonic() + timeout_s
        parts = (self._controller, self._seen, self._cluster)
        return all(part.join(max(0.0, end - time.monotonic())) for part in parts)

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        seen = after or before
        if seen is None or seen.metadata.name != operatorconfig.NAME:
            return
        if before is None or after is None or _asked(before) != _asked(after):
            self._controller.add(operatorconfig.NAME)

    def _on_change(self) -> None:
        self._controller.add_after(operatorconfig.NAME, COALESCED_S)

    def _counted(self, kind: str, verb: str) -> None:
        self._context.metrics.count("writes", kind=kind, verb=verb)

    def _reconcile(self, name: str) -> float | None:
        config = self._context.caches.configs.get(f"{self._context.settings.namespace}/{name}")
        if config is None:
            return None
        if config.metadata.deletion_timestamp:
            self._tear_down(config)
            return None
        if self._seen.waits_for or not self._cluster.is_settled:
            return self._wait(config)
        if keys.CONFIG_FINALIZER not in config.metadata.finalizers:
            self._set_finalizers(config, (*config.metadata.finalizers, keys.CONFIG_FINALIZER))
            return None
        try:
            return self._deploy(config)
        except SriovError as err:
            if not is_passing(err) and not isinstance(err, Incomplete):
                self._teller.tell(config, Standing(failures=(str(err),), rollouts=self._rollouts(self._there())))
            raise

    def _wait(self, config: OperatorConfig) -> float:
        """Not all caches are filled; what keeps one from it is told."""
        if troubles := self._seen.troubles:
            self._teller.tell(config, Standing(failures=troubles, rollouts=self._rollouts(self._there())))
            return TROUBLED_LOOK_S
        return FIRST_LOOK_S

    def _deploy(self, config: OperatorConfig) -> float | None:
        if config.spec.configuration_mode == SYSTEMD and self._cluster.external_control_plane:
            self._teller.tell(config, Standing(unsupported=_HOSTED, rollouts=self._rollouts(self._there())))
            return RESYNC_S
        found = self._looker.look(config)
        asked = wanted(found.deployed)
        done = carry_out(asked, self._applier, self._stop)
        if done is None:
            return None
        self._tell(config, found, asked, done)
        failures = (*found.failures, *done.failures.values())
        if failures:
            raise Incomplete("; ".join(failures))
        due = [RESYNC_S, self._stalls.next_look_s(time.monotonic())]
        if found.next_look is not None:
            due.append((found.next_look - self._context.now()).total_seconds())
        return max(1.0, min(due))

    def _tell(self, config: OperatorConfig, found: Found, asked: Wanted, done: Done) -> None:
        self._note_trust(found, done)
        daemon_sets = [one["metadata"]["name"] for one in asked.objects if one["kind"] == DAEMON_SETS.kind]
        rollouts, now = self._rollouts(daemon_sets), time.monotonic()
        stuck = self._stalls.stuck(rollouts, now)
        slow = self._stalls.still(SLOW_S, now)
        self._teller.count(rollouts)
        self._teller.tell_of_certificates(config, found.kept)
        self._teller.tell(
            config,
            Standing(
                failures=(*found.failures, *done.failures.values()),
                faults=found.faults,
                remarks=(*found.remarks, *done.remarks),
                rollouts=rollouts,
                stuck=stuck,
                reasons=self._reasons.of([one for one in rollouts if one.counts.name in slow], now),
            ),
        )

    def _rollouts(self, daemon_sets: list[str]) -> tuple[Progress, ...]:
        namespace = self._context.settings.namespace
        return tuple(progress(name, self._seen.daemon_sets.get(f"{namespace}/{name}")) for name in daemon_sets)

    def _there(self) -> list[str]:
        """The DaemonSets that run, when nothing says which are wanted."""
        return [one.metadata.name for one in self._seen.daemon_sets.items()]

    def _note_trust(self, found: Found, done: Done) -> None:
        """Which authorities the API server has by now: those of the configurations that are written."""
        given = self._context.settings.certificates
        operator = {
            Place(MUTATING_WEBHOOKS.kind, "", names.OPERATOR_WEBHOOK_CONFIG),
            Place(VALIDATING_WEBHOOKS.kind, "", names.OPERATOR_WEBHOOK_CONFIG),
        }
        injector = {Place(MUTATING_WEBHOOKS.kind, "", names.INJECTOR_CONFIG)}
        for secret, places in ((given.operator_secret, operator), (given.injector_secret, injector)):
            if secret in found.kept and not places & done.failures.keys():
                self._keeper.trusts(secret, found.kept[secret].bundle)

    def _tear_down(self, config: OperatorConfig) -> None:
        """Remove what nothing owns, webhooks first, then let the configuration go; the rest is collected with it."""
        if keys.CONFIG_FINALIZER not in config.metadata.finalizers:
            return
        _log.info("the SriovOperatorConfig is being deleted: what was deployed in the cluster is removed")
        deployed = Deployed(
            settings=self._context.settings,
            config=config,
            gates=gates(config.spec.feature_gates),
            tls=None,
            certificates=Trusts(None, None),
        )
        self._applier.forget()
        for place in left_behind(deployed):
            self._applier.remove(place)
        self._applier.forget()
        others = tuple(one for one in config.metadata.finalizers if one != keys.CONFIG_FINALIZER)
        with contextlib.suppress(NotFound):
            self._set_finalizers(config, others)

    def _set_finalizers(self, config: OperatorConfig, finalizers: tuple[str, ...]) -> None:
        """The version is a precondition, because others have theirs in the list that is replaced."""
        metadata = {"resourceVersion": config.metadata.resource_version, "finalizers": finalizers}
        self._context.client.merge_patch(
            CONFIGS, config.metadata.name, {"metadata": metadata}, config.metadata.namespace
        )
        self._counted(config.kind, "patch")


def _asked(config: OperatorConfig) -> tuple[object, ...]:
    """What of it gives something to do: all but its status."""
    metadata = config.metadata
    return metadata.uid, metadata.generation, metadata.deletion_timestamp, metadata.finalizers
