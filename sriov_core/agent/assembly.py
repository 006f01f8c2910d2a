"""Puts an agent together: for a node of a cluster, or for a machine with its wish in a file."""

from collections.abc import Callable
from typing import Any

import attrs

from sriov_core.agent.attempts import Attempts
from sriov_core.agent.bootunits import BootUnits
from sriov_core.agent.deviceplugin import DevicePluginPods
from sriov_core.agent.offering import Offering
from sriov_core.agent.publish import FIRST_RETRY_S, PACE_S, ClusterPublisher, Publisher, Unheard
from sriov_core.agent.pulse import Pulse
from sriov_core.agent.round import Round
from sriov_core.agent.seams import Assigned, DevicePlugin, NoDevicePlugin
from sriov_core.agent.service import Agent
from sriov_core.agent.sources import ClusterSource, FileSource, Source
from sriov_core.agent.statusfile import StatusFile
from sriov_core.agent.switches import Given, Switches
from sriov_core.agent.voice import Voice
from sriov_core.engine.converge import Engine
from sriov_core.host.ports import Changes
from sriov_core.kube.client import Client
from sriov_core.kube.recorder import Recorder
from sriov_core.model.plan import Cost

_WRITE_WITHIN_S = 15.0


@attrs.frozen(kw_only=True)
class Setting:
    """What an agent works on and with, whatever it is told by.

    ``changes`` is the kernel's bell; without one it looks now and then. ``most`` is what a node may be made to cost
    that nobody drains. ``on_switches`` is told of the switches at each pass, for the level of the log. ``pulse`` is
    told of whatever happens. ``file`` keeps what was reported last.
    """

    engine: Engine
    given: Given = attrs.field(factory=Given)
    changes: Changes | None = None
    assigned: Assigned = dict
    pulse: Pulse = attrs.field(factory=Pulse)
    boot: BootUnits | None = None
    file: StatusFile | None = None
    most: Cost = Cost.VF_LOSS
    on_switches: Callable[[Switches], None] = lambda _: None
    attempts: Callable[[], Attempts] = Attempts


def cluster_agent(
    client: Client,
    setting: Setting,
    *,
    node: str,
    namespace: str,
    recorder: Recorder | None = None,
    config_maps: bool = False,
    pace_s: float = PACE_S,
    retry_s: float = FIRST_RETRY_S,
) -> Agent:
    """The agent of a node. With ``config_maps`` the wish is in a ConfigMap, and the node state only reports."""
    publisher = ClusterPublisher(
        client.within(_WRITE_WITHIN_S),
        node=node,
        namespace=namespace,
        recorder=recorder,
        pace_s=pace_s,
        retry_s=retry_s,
    )
    source = ClusterSource(
        client,
        node=node,
        namespace=namespace,
        given=setting.given,
        config_maps=config_maps,
        on_state=publisher.saw,
    )
    pods = DevicePluginPods(client, namespace=namespace, node=node)
    work = _work(setting, source, publisher, pods)
    return Agent(
        round=work, source=source, parts=(pods,), writer=publisher, changes=setting.changes, stuck=setting.pulse.stuck
    )


def file_agent(path: str, setting: Setting, **timing: Any) -> Agent:
    """The agent of a machine whose wish is in a file."""
    source = FileSource(path, setting.given, **timing)
    work = _work(setting, source, Unheard(), NoDevicePlugin())
    return Agent(round=work, source=source, changes=setting.changes, stuck=setting.pulse.stuck)


def _work(
    setting: Setting, source: Source, publisher: Publisher, plugin: DevicePlugin
) -> Callable[[Callable[[], bool]], Round]:
    voice = Voice(
        publisher=publisher,
        meter=setting.pulse,
        assigned=setting.assigned,
        catalogue=setting.engine.catalogue,
        file=setting.file,
    )
    return lambda stopped: Round(
        engine=setting.engine,
        source=source,
        voice=voice,
        offering=Offering(journal=setting.engine.journal, plugin=plugin, book=voice.book),
        stopped=stopped,
        most=setting.most,
        boot=setting.boot,
        on_switches=setting.on_switches,
        attempts=setting.attempts(),
    )
