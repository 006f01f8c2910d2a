"""What a cluster has before a test of the product starts: the project's kinds, and that of network attachments."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from servers_admin import Admin, Refused

from sriov_core.api import crd

ATTACHMENTS = Path(__file__).parent / "manifests" / "netattdef-crd.yaml"
DEADLINE_S = 30


def definitions(admin: Admin) -> None:
    """Create the CustomResourceDefinitions and wait until they are established and served."""
    documents: list[dict[str, Any]] = [*crd.definitions(), yaml.safe_load(ATTACHMENTS.read_text())]
    for document in documents:
        admin.create(document)  # a server without CEL drops the rules then, and would refuse them in an apply
    served(admin, documents)


def served(admin: Admin, documents: Sequence[dict[str, Any]]) -> None:
    """Wait until these CustomResourceDefinitions are established, and their kinds served."""
    end = time.monotonic() + DEADLINE_S
    while missing := [document["metadata"]["name"] for document in documents if not _is_served(admin, document)]:
        if time.monotonic() > end:
            raise Refused(f"not established after {DEADLINE_S} s: {', '.join(missing)}")
        time.sleep(0.02)


def _is_served(admin: Admin, document: dict[str, Any]) -> bool:
    stored = admin.done("GET", admin.path(document))
    established = {"Established": "True"}.items() <= {
        condition["type"]: condition["status"] for condition in stored.get("status", {}).get("conditions") or []
    }.items()
    spec = document["spec"]
    group, plural = f"/apis/{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["plural"]
    if not established or admin.request("GET", f"{group}/{plural}")[0] != 200:
        return False
    status, told = admin.request("GET", group)  # the list of kinds is made by somebody else, a moment later
    return status == 200 and any(one["name"] == plural for one in told["resources"])
