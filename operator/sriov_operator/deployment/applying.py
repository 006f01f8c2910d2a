"""Writes what is wanted, and only what differs: an object that nobody touched since the last look costs nothing.

Server-side apply does not remove what others have added to an object. Where it would leave something behind, as in one
that another operator has made, the object is replaced first, so that its pods are replaced once and not twice.
"""

import logging
import time
import zlib
from collections.abc import Callable
from typing import Any

import attrs

from sriov_core.errors import SriovError
from sriov_core.injection.switches import CONFIG_MAP as SWITCHES
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from sriov_operator.deployment.manifests import Place, place_of
from sriov_operator.deployment.others import BINDINGS, is_labelled, points_elsewhere
from sriov_operator.deployment.owned import mark_of
from sriov_operator.objects import Object, differs, merged

RECHECK_S = 300.0
"""How often an object is read that nobody watches."""

_ABSENT = "absent"
_log = logging.getLogger("sriov_operator.deployment")

Marks = Callable[[Place], str | None]
Count = Callable[[str, str], None]


class Unserved(SriovError):
    """The API server does not have the kind of an object."""


class Curtailed(SriovError):
    """The API server took an object and left out some of it."""


@attrs.frozen
class _Seen:
    """An object as it was found, or made, to be as wanted: what was wanted, its mark, and when (monotonic seconds)."""

    wanted: str
    mark: str
    at: float


class Applier:
    """Not thread-safe. ``marks`` are those of `owned.Owned`; ``count`` is told kind and verb of each write.

    ``namespace`` is the operator's: what has a name of ours and serves another one is not ours to delete.
    Every method raises `ApiFailure`, `Unserved`, or `Curtailed`, and may be repeated.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        marks: Marks,
        count: Count,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._marks = marks
        self._count = count
        self._clock = clock
        self._seen: dict[Place, _Seen] = {}

    def ensure(self, wanted: Object) -> bool:
        """Have the object as it is wanted; True when that took a write."""
        place, digest = place_of(wanted), str(zlib.crc32(repr(wanted).encode()))
        if self._is_settled(place, digest):
            return False
        live = self._look(place)
        document = _with_settings(live, wanted)
        if live is not None and not _can_be_changed(live, document):
            self._delete(place, live)
            live = None
        writes = live is None or differs(live, document)
        stored = self._written(place, live, document) if writes else live
        self._remember(place, digest, mark_of((stored or {}).get("metadata") or {}))
        return writes

    def remove(self, place: Place) -> bool:
        """Have no object of ours there; True when one was deleted."""
        if self._is_settled(place, _ABSENT):
            return False
        live = self._look(place)
        deletes = live is not None and not self._is_anothers(place, live)
        if live is not None and deletes:
            self._delete(place, live)
        self._remember(place, _ABSENT, "")
        return deletes

    def forget(self) -> None:
        """Look at every object again."""
        self._seen.clear()

    def _is_anothers(self, place: Place, live: Object) -> bool:
        if place.kind != CLUSTER_ROLES.kind:
            return points_elsewhere(live, self._namespace)
        binding = None if is_labelled(live) else self._look(Place(CLUSTER_ROLE_BINDINGS.kind, "", BINDINGS[place.name]))
        return binding is not None and points_elsewhere(binding, self._namespace)

    def _is_settled(self, place: Place, wanted: str) -> bool:
        seen, mark = self._seen.get(place), self._marks(place)
        if seen is None or seen.wanted != wanted:
            return False
        if mark is None:
            return self._clock() - seen.at < RECHECK_S
        return mark == seen.mark

    def _remember(self, place: Place, wanted: str, mark: str) -> None:
        self._seen[place] = _Seen(wanted, mark, self._clock())

    def _look(self, place: Place) -> Object | None:
        try:
            found: Object = self._client.get(place.resource, place.name, place.namespace)
        except NotFound:
            return None
        return found

    def _written(self, place: Place, live: Object | None, wanted: Object) -> Object:
        if live is not None:
            _log.info("%s is not as wanted (last changed by %s)", place, _last_writer(live))
            foreseen = self._apply(place, wanted, dry_run=True)
            if differs(foreseen, wanted):
                replaced = self._client.replace(place.resource, place.name, merged(live, wanted), place.namespace)
                self._count(place.kind, "update")
                wanted = _of_version(replaced, wanted) if _holds_settings(wanted) else wanted
        stored = self._apply(place, wanted)
        self._count(place.kind, "apply")
        _log.info("%s was %s", place, "changed" if live else "created")
        if differs(stored, wanted):
            raise Curtailed(
                "the API server left out some of what was sent. It is too old, or something changes objects on their "
                "way: look at its mutating webhooks"
            )
        return stored

    def _apply(self, place: Place, wanted: Object, *, dry_run: bool = False) -> Object:
        # What people set is read before it is written. With a version, the API server refuses what was changed since;
        # without one nothing was there, and a value that somebody has set since is not to be forced.
        force = not _holds_settings(wanted) or "resourceVersion" in wanted["metadata"]
        client, where = self._client, place.namespace
        try:
            stored: Object = client.apply(place.resource, place.name, wanted, where, force=force, dry_run=dry_run)
        except NotFound as failure:
            raise Unserved(f"{failure}. Install what brings the kind, or switch off what needs it") from failure
        return stored

    def _delete(self, place: Place, live: Object) -> None:
        try:
            self._client.delete(
                place.resource,
                place.name,
                place.namespace,
                uid=live["metadata"].get("uid", ""),
                propagation="Background",
            )
        except NotFound:
            return
        self._count(place.kind, "delete")
        _log.info("%s was deleted", place)


def _with_settings(live: Object | None, wanted: Object) -> Object:
    """The switches of the injector are people's: what they have set, and added, stays."""
    if live is None or not _holds_settings(wanted):
        return wanted
    return {**_of_version(live, wanted), "data": {**wanted["data"], **(live.get("data") or {})}}


def _holds_settings(wanted: Object) -> bool:
    return bool(wanted["kind"] == "ConfigMap" and wanted["metadata"]["name"] == SWITCHES)


def _of_version(live: Object, wanted: Object) -> Object:
    """What was read goes into what is written, so it has to be still there, in that version (else Conflict)."""
    seen = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**wanted, "metadata": {**wanted["metadata"], **seen}}


def _can_be_changed(live: Object, wanted: Object) -> bool:
    """False where a field differs that nobody may change: the object has to be made anew."""
    match wanted["kind"]:
        case "RoleBinding" | "ClusterRoleBinding":
            return bool(live.get("roleRef") == wanted["roleRef"])
        case "DaemonSet":
            return bool(live["spec"].get("selector") == wanted["spec"]["selector"])
    return True


def _last_writer(live: Object) -> str:
    entries: list[dict[str, Any]] = live["metadata"].get("managedFields") or []
    own = [one for one in entries if not one.get("subresource")]
    return str(max(own, key=lambda one: one.get("time") or "").get("manager")) if own else "somebody"
