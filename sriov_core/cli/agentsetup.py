"""Opens what an agent needs: the machine, the way to the cluster, the kernel's bell, the pages of metrics."""

import logging
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs

from sriov_core import __version__
from sriov_core.agent import bootunits, statusfile
from sriov_core.agent.assembly import Setting, cluster_agent, file_agent
from sriov_core.agent.bootunits import BootUnits
from sriov_core.agent.node import SeenNode, addresses, platform, read_node
from sriov_core.agent.podresources import SOCKET, PodResources
from sriov_core.agent.publish import MANAGER
from sriov_core.agent.pulse import Pulse, pages
from sriov_core.agent.requestlog import RequestLog
from sriov_core.agent.service import Agent
from sriov_core.agent.statusfile import StatusFile
from sriov_core.agent.switches import Given
from sriov_core.cli.machine import Machine, must_be_able, open_machine
from sriov_core.cli.options import Settings
from sriov_core.errors import HostError, SpecError
from sriov_core.host.ports import Changes
from sriov_core.host.tools import Tools
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.recorder import Recorder
from sriov_core.model.plan import Cost

if TYPE_CHECKING:
    from sriov_core.agent.metrics import AgentMetrics

COMPONENT = "config-daemon"
"""Under this name events were written before, and people filter by it."""
UNIT_PROGRAM = "/var/lib/sriov-core/bin/sriov-core"
"""Where the program is on a host whose file system is mounted into the agent's container."""
_TOOL_S = 60.0
_EVENTS_S = 3.0
_OFF = "0"
_BOOT_ID = "proc/sys/kernel/random/boot_id"

_log = logging.getLogger("sriov_core.agent")


@attrs.frozen(kw_only=True)
class Wanted:
    """What the command line and the environment ask for."""

    settings: Settings
    given: Given
    node: str
    namespace: str
    kubeconfig: str | None
    file: str | None
    most: Cost
    config_map: bool
    units: bool
    unit_program: str | None
    metrics: str
    probes: str
    on_level: Callable[[int], None]


@contextmanager
def opened(wanted: Wanted, stop: threading.Event) -> Iterator[Agent | None]:
    """The agent, not started; None when ``stop`` was set before the cluster answered. Closes all that was opened."""
    with ExitStack() as stack:
        metrics = _metrics(wanted)
        pulse = Pulse(metrics)
        if wanted.file:
            setting = _setting(wanted, _machine(wanted.settings, None), metrics, pulse, stack)
            _serve(wanted, metrics, pulse, stack)
            _log.info("%s begins, without a cluster: the wish is in %s", _called(wanted), wanted.file)
            yield file_agent(wanted.file, setting)
            return
        transport = connect(wanted.kubeconfig, user_agent=MANAGER)
        _log.info("%s begins: API server %s, %s", _called(wanted), transport.server, _source(wanted))
        client = Client(transport, manager=MANAGER, observer=RequestLog(metrics))
        _serve(wanted, metrics, pulse, stack)
        node = read_node(client, wanted.node, stop, pulse.beat)
        if node is None:
            yield None
            return
        setting = _setting(wanted, _machine(wanted.settings, node), metrics, pulse, stack)
        recorder = Recorder(client, component=COMPONENT, instance=wanted.node)
        stack.callback(recorder.close, _EVENTS_S)
        yield cluster_agent(
            client,
            setting,
            node=wanted.node,
            namespace=wanted.namespace,
            recorder=recorder,
            config_maps=wanted.config_map,
        )


def _called(wanted: Wanted) -> str:
    settings = wanted.settings
    machine = f"simulated machine {settings.host}" if settings.host else f"machine below {settings.root}"
    return f"sriov-core {__version__}, {machine}"


def _source(wanted: Wanted) -> str:
    if wanted.config_map:
        return f"Node {wanted.node}, the wish is in its ConfigMap in namespace {wanted.namespace}"
    return f"Node {wanted.node}, the wish is in SriovNetworkNodeState {wanted.namespace}/{wanted.node}"


def _machine(settings: Settings, node: SeenNode | None) -> Machine:
    """The machine. That of a container is the one that it runs on, whose file system is mounted somewhere in it."""
    machine = open_machine(settings)
    must_be_able("agent", machine.rights)
    if machine.simulated is not None:
        return machine
    from sriov_core.host.linux import LinuxHost  # noqa: PLC0415  # a simulated machine does without it

    host = LinuxHost(
        settings.root,
        live=is_this_machine(settings.root),
        node_addresses=addresses(node) if node else (),
        platform=platform(node) if node else None,
    )
    return attrs.evolve(machine, engine=attrs.evolve(machine.engine, host=host))


def is_this_machine(root: str) -> bool:
    """True when a root is the running machine, by whatever path: its kernel tells the same boot."""
    return _boot_id(root) == _boot_id("/") != ""


def _boot_id(root: str) -> str:
    try:
        with open(os.path.join(root, _BOOT_ID), encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def _setting(
    wanted: Wanted, machine: Machine, metrics: "AgentMetrics | None", pulse: Pulse, stack: ExitStack
) -> Setting:
    root = machine.root.rstrip("/")
    resources = PodResources(f"{root}{SOCKET}")
    if metrics:
        _count_vfs(machine, metrics, resources)
    return Setting(
        engine=machine.engine,
        given=wanted.given,
        changes=None if machine.simulated is not None else _bell(stack),
        assigned=dict if machine.simulated is not None else resources.assigned,
        pulse=pulse,
        boot=_units(wanted, machine, root),
        file=StatusFile(path=f"{root}{statusfile.PATH}") if machine.simulated is None or root else None,
        most=wanted.most,
        on_switches=lambda on: wanted.on_level(on.log_level),
    )


def _bell(stack: ExitStack) -> Changes | None:
    from sriov_core.host.changes import kernel_changes  # noqa: PLC0415  # needs libudev

    try:
        return stack.enter_context(kernel_changes())
    except HostError as err:
        _log.warning("drift is noticed only now and then: %s", err)
        return None


def _units(wanted: Wanted, machine: Machine, root: str) -> BootUnits | None:
    """The units of the boot, when they are wanted; those of an earlier agent go when they are not."""
    if machine.simulated is not None and root == "":
        if wanted.units:
            raise SpecError("--use-systemd-service writes files below --root, and --host touches no machine. Name one")
        return None
    run, journal = Tools(root, _TOOL_S).run, machine.engine.journal
    if wanted.units:
        return BootUnits(root=root, program=_program(wanted, root), run=run, journal=journal)
    for line in bootunits.leave(root, run, journal):
        _log.info("the units of the boot are not wanted any more: %s", line)
    return None


def _program(wanted: Wanted, root: str) -> tuple[str, ...]:
    if wanted.unit_program:
        words = tuple(shlex.split(wanted.unit_program))
        if not words or not words[0].startswith("/"):
            raise SpecError(
                f"--unit-program {wanted.unit_program!r} does not begin with an absolute path. Write it out"
            )
        return words
    return (UNIT_PROGRAM,) if root else (sys.executable, "-m", "sriov_core")


def _metrics(wanted: Wanted) -> "AgentMetrics | None":
    if wanted.metrics == _OFF:
        return None
    from sriov_core.agent.metrics import AgentMetrics  # noqa: PLC0415  # a library that is needed for nothing else

    return AgentMetrics()


def _count_vfs(machine: Machine, metrics: "AgentMetrics", resources: PodResources) -> None:
    """Have the metrics show the counters of VFs where the machine is a real one."""
    from sriov_core.agent.vfstats import VfSeries  # noqa: PLC0415  # as above
    from sriov_core.host.linux import LinuxHost  # noqa: PLC0415

    if isinstance(machine.host, LinuxHost):
        metrics.register(VfSeries(lambda: metrics.nics, machine.host.vf_statistics, resources.holdings))


def _serve(wanted: Wanted, metrics: "AgentMetrics | None", pulse: Pulse, stack: ExitStack) -> None:
    """Serve what is asked for: the answers to probes, and the metrics, with those answers beside them."""
    from sriov_core.kube.endpoints import Endpoints  # noqa: PLC0415

    served = [("--health-probe-bind-address", wanted.probes, pages(pulse))]
    if metrics:
        from sriov_core.agent import metrics as scraped  # noqa: PLC0415  # as above

        served.append(("--metrics-bind-address", wanted.metrics, {**scraped.pages(metrics), **pages(pulse)}))
    for option, address, found in served:
        if address != _OFF:
            stack.callback(Endpoints(address, found, option=option).close)
