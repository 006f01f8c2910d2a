"""Writes the status of the SriovOperatorConfig, its events and its metrics, when they say something new."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from sriov_core.api.conditions import ACCEPTED, Change, Condition, changes
from sriov_core.api.operatorconfig import OperatorConfig, OperatorConfigStatus
from sriov_core.kube.recorder import reference
from sriov_core.kube.resource import CONFIGS
from sriov_operator.deployment.keeping import Kept
from sriov_operator.deployment.reporting import DEGRADED, PROGRESSING, TYPES, Progress, Standing, conditions, words
from sriov_operator.process.context import Context
from sriov_operator.stored import Object, acceptance, accepted, joined


class Teller:
    """Not thread-safe. A cache that is behind makes nobody write twice: the answer to the last write counts then."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._written: tuple[str, OperatorConfigStatus] = ("", OperatorConfigStatus())

    def tell(self, config: OperatorConfig, standing: Standing) -> None:
        """Write the status that follows, if it differs. Raises `ApiFailure`."""
        before = self._known(config)
        wanted = self._wanted(config, before, standing, accepted(before.conditions))
        if wanted == before:
            return
        found = acceptance(self._apply(config, before, wanted))
        better = self._wanted(config, wanted, standing, found)
        if better != wanted:
            self._apply(config, wanted, better)

    def _apply(self, config: OperatorConfig, before: OperatorConfigStatus, wanted: OperatorConfigStatus) -> Object:
        """The configuration as it is stored then."""
        own = [one for one in wanted.conditions if one.type in (*TYPES, ACCEPTED)]
        status: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(wanted, conditions=tuple(own)))
        metadata = config.metadata
        stored: Object = self._context.client.apply(
            CONFIGS,
            metadata.name,
            {"metadata": {"namespace": metadata.namespace, "uid": metadata.uid}, "status": status},
            metadata.namespace,
            subresource="status",
        )
        self._written = (_version(config), wanted)
        about = reference(config)
        for change in _events(before.conditions, wanted.conditions):
            self._context.recorder.tell(about, change.event_type, change.reason, change.action, change.note)
        return stored

    def tell_of_certificates(self, config: OperatorConfig, kept: Mapping[str, Kept]) -> None:
        """Record what was done about certificates in this pass."""
        for secret, one in kept.items():
            self._context.metrics.gauge("certificate_expiry_seconds", one.expires.timestamp(), secret=secret)
            if one.news:
                kind: Literal["Normal", "Warning"] = "Warning" if one.is_bad_news else "Normal"
                self._context.recorder.tell(reference(config), kind, "CertificateRenewed", "Renew", one.news)

    def count(self, rollouts: Iterable[Progress]) -> None:
        """Set the metrics of the rollouts."""
        for one in rollouts:
            counts = one.counts
            for state in ("desired", "updated", "available"):
                number = getattr(counts, state)
                self._context.metrics.gauge("rollout_nodes", number, daemonset=counts.name, state=state)

    def _known(self, config: OperatorConfig) -> OperatorConfigStatus:
        seen, status = self._written
        return status if seen == _version(config) else config.status

    def _wanted(
        self, config: OperatorConfig, before: OperatorConfigStatus, standing: Standing, found: Condition | None
    ) -> OperatorConfigStatus:
        now = self._context.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        said = words(config, standing)
        return OperatorConfigStatus(
            injector=said["injector"],
            operator_webhook=said["operatorWebhook"],
            rollouts=tuple(one.counts for one in standing.rollouts),
            conditions=joined(before.conditions, conditions(standing, config.metadata.generation), found, now),
        )


def _version(config: OperatorConfig) -> str:
    return f"{config.metadata.uid}/{config.metadata.resource_version}"


def _events(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> Iterable[Change]:
    """Of a rollout, its begin and its end are told and not every step; what is wrong is a warning."""
    old, new = {one.type: one for one in before}, {one.type: one for one in after}
    for change in changes(before, after):
        if change.reason == f"{PROGRESSING}Changed" and old[PROGRESSING].status == new[PROGRESSING].status:
            continue
        warns = change.reason.startswith(DEGRADED) and DEGRADED in new and new[DEGRADED].status == "True"
        yield Change(event_type="Warning" if warns else change.event_type, reason=change.reason, note=change.note)
