"""The fixture of the device plugin's tests: a node's config from policies in a line, in forms that read well."""

import json
from typing import Any

import attrs
from three_ports import PORTS, nic

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.pluginconfig import encode
from sriov_core.model.observed import Nic, Vf
from sriov_core.policy.deviceplugin import PluginRendering, device_plugin_config
from sriov_core.policy.nicids import DEFAULT
from sriov_core.policy.pluginremarks import RemarkCode
from sriov_core.policy.render import render

NO_FLAGS = {"IsRdma": False, "NeedVhostNet": False}
NO_NICS: tuple[Nic, ...] = ()
NETWORK = "openstack/NetworkID:5c4e9e4b"


def rendered(
    *policies: NodePolicy, nics: tuple[Nic, ...] = PORTS, labels: dict[str, str] | None = None
) -> PluginRendering:
    return device_plugin_config(policies, render(policies, nics, labels), nics, DEFAULT)


def entries(rendering: PluginRendering) -> list[dict[str, Any]]:
    return json.loads(encode(rendering.config))["resourceList"] or []


def selectors(rendering: PluginRendering) -> dict[str, Any]:
    """What stands under ``selectors``, by resource."""
    return {entry["resourceName"]: entry["selectors"] for entry in entries(rendering)}


def codes(rendering: PluginRendering) -> list[tuple[RemarkCode, str, str]]:
    return [(remark.code, remark.resource, remark.policy) for remark in rendering.remarks]


def guest(port: int, network: str | None = None) -> Nic:
    """A NIC of a virtual machine, whose one VF is the NIC itself."""
    found = nic(port, net_filter=network, num_vfs=1, total_vfs=1)
    return attrs.evolve(found, vfs=(Vf(index=0, address=found.address, vendor="8086", device=found.device),))
