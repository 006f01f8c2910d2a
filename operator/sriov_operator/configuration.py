"""Whether there is a configuration to work by, and what to tell those who wait for one. Nothing here does I/O."""

from sriov_core.api.operatorconfig import NAME, OperatorConfig
from sriov_core.kube.informer import Informer

MISSING = "NoConfiguration"
"""The reason of what waits for one."""


def missing(configs: Informer[OperatorConfig], namespace: str) -> str:
    """Why nothing may be touched, and what to do; empty when there is a configuration that stays."""
    key, place = f"{namespace}/{NAME}", f"the SriovOperatorConfig {NAME} in namespace {namespace}"
    found = configs.get(key)
    if found is not None and not found.metadata.deletion_timestamp:
        return ""
    if found is not None:
        return f"{place} is being deleted, and without one nothing is touched. What is in place stays"
    if key in configs.unreadable:
        return f"{place} cannot be read, so nothing is touched. Correct it: kubectl describe sroc tells what is wrong"
    others = ", ".join(one.metadata.name for one in configs.items() if one.metadata.namespace == namespace)
    strange = f" (found {others}, which does not count)" if others else ""
    remedy = 'Create it, an empty "spec: {}" will do'
    return f"waits for {place}{strange}, without which nothing is touched. {remedy}"
