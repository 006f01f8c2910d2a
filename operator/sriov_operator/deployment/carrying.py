"""Carries out what is wanted, object by object, and tells of what could not be done."""

import threading
from collections.abc import Callable, Mapping

import attrs

from sriov_core.errors import SriovError
from sriov_core.kube.failures import Conflict, Exists
from sriov_core.kube.resource import ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS
from sriov_operator.deployment.applying import Applier, Unserved
from sriov_operator.deployment.failing import is_passing
from sriov_operator.deployment.manifests import Place, Wanted, place_of

_YOUNG = frozenset({ADMISSION_POLICIES.kind, ADMISSION_POLICY_BINDINGS.kind})
_UNRESTRICTED = (
    "this API server has no admission policies (Kubernetes 1.30), so only roles restrict the agents, and none of them "
    "to its own node"
)


@attrs.frozen
class Done:
    """What one pass could not do, by place, and what is worth knowing."""

    failures: Mapping[Place, str]
    remarks: tuple[str, ...] = ()


def carry_out(asked: Wanted, applier: Applier, stop: threading.Event) -> Done | None:
    """Everything, in order; None when ``stop`` was set meanwhile.

    One object that cannot be written stops no other. Raises `ApiFailure` when the API server does not answer, and at
    the end when an object had changed in the meantime.
    """
    failures: dict[Place, str] = {}
    remarks: dict[str, None] = {}
    moved: SriovError | None = None
    for place, step in _steps(asked, applier):
        if stop.is_set():
            return None
        try:
            step()
        except (Conflict, Exists) as err:
            moved = err
        except SriovError as err:
            if is_passing(err):
                raise
            if isinstance(err, Unserved) and place.kind in _YOUNG:
                remarks[_UNRESTRICTED] = None
            else:
                failures[place] = f"{place}: {err}"
    if moved is not None:
        raise moved
    return Done(failures, tuple(remarks))


def _steps(asked: Wanted, applier: Applier) -> list[tuple[Place, Callable[[], bool]]]:
    return [
        *((place_of(one), lambda one=one: applier.ensure(one)) for one in asked.objects),
        *((one, lambda one=one: applier.remove(one)) for one in asked.absent),
    ]
