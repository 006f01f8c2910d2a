"""``sriov-core agent``: the service of a node, told what to do by a cluster or by a file."""

import importlib
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import click
from click.core import ParameterSource

from sriov_core.cli.approval import COSTS
from sriov_core.cli.options import Settings, host_options
from sriov_core.cli.signals import stop_on_signals
from sriov_core.errors import SpecError, SriovError
from sriov_core.model.plan import Cost

if TYPE_CHECKING:
    from sriov_core.agent.service import Agent
    from sriov_core.cli.agentsetup import Wanted
    from sriov_core.kube.logs import Form

ENDS_WITHIN_S = 25.0
"""Shorter than the 30 seconds that a kubelet leaves a pod to end."""
NAMESPACE = "sriov-network-operator"
_log = logging.getLogger("sriov_core.agent")
_SUBVERBS = {"wait-for-config": "sriov_core.agent.waitforconfig"}


class _Group(click.Group):
    """The agent, with what other containers of its image run as subcommands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_SUBVERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _SUBVERBS:
            return None
        verb: click.Command = importlib.import_module(_SUBVERBS[cmd_name]).verb
        return verb


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",")) if value else ()
    if not all(names):
        raise click.BadParameter(f"{value!r} has an empty name in it; write them as in mellanox,intel")
    return names


@click.group("agent", cls=_Group, invoke_without_command=True, short_help="the service of a node of a cluster")
@click.option("--node-name", envvar="NODE_NAME", metavar="NAME", help="The name of this machine's Node.")
@click.option(
    "--namespace", envvar="NAMESPACE", default=NAMESPACE, show_default=True, help="Where the operator's objects are."
)
@click.option(
    "--kubeconfig", envvar="KUBECONFIG", metavar="FILE", help="The way to the API server; else the pod's own."
)
@click.option("--node-state", metavar="FILE", help="No cluster: the wish is the SriovNetworkNodeState in this file.")
@click.option(
    "--max-cost",
    type=click.Choice(list(COSTS)),
    default=str(Cost.VF_LOSS),
    show_default=True,
    help="With --node-state: leave alone what costs more; nobody drains the node.",
)
@click.option("--node-config-map", is_flag=True, help="The wish is in the node's ConfigMap, in the short form.")
@click.option("--use-systemd-service", is_flag=True, help="Have systemd units configure the node at boot, too.")
@click.option(
    "--unit-program",
    metavar="COMMAND",
    help="How the units start sriov-core on the host, an absolute path with arguments.  [default: this program]",
)
@click.option("--parallel-nic-config", is_flag=True, help="Configure several NICs at a time, whatever the gate says.")
@click.option("--manage-software-bridges", is_flag=True, help="Make Open vSwitch bridges, whatever the gate says.")
@click.option("--disable-plugins", callback=_names, metavar="NAMES", help="As --disable-plugin, with commas between.")
@click.option(
    "--metrics-bind-address",
    default="0",
    show_default=True,
    metavar="ADDRESS",
    help="Serve metrics on HOST:PORT; 0 serves none.",
)
@click.option(
    "--health-probe-bind-address",
    default="0",
    show_default=True,
    metavar="ADDRESS",
    help="Serve /healthz and /readyz on HOST:PORT; 0 serves none.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level",
    type=click.IntRange(0, 2),
    default=0,
    show_default=True,
    help="0 facts, 1 each step, 2 each request; with a cluster, until the SriovOperatorConfig is read.",
)
@host_options
@click.pass_context
def verb(  # noqa: PLR0917  # click passes every option by name
    ctx: click.Context,
    node_name: str | None,
    namespace: str,
    kubeconfig: str | None,
    node_state: str | None,
    max_cost: str,
    node_config_map: bool,  # noqa: FBT001
    use_systemd_service: bool,  # noqa: FBT001
    unit_program: str | None,
    parallel_nic_config: bool,  # noqa: FBT001
    manage_software_bridges: bool,  # noqa: FBT001
    disable_plugins: tuple[str, ...],
    metrics_bind_address: str,
    health_probe_bind_address: str,
    log_format: "Form",
    log_level: int,
    settings: Settings,
) -> int | None:
    """Keep this node as its SriovNetworkNodeState wishes, and report it, until SIGTERM.

    Exit code: 0 it was told to end, 1 an error.
    """
    from sriov_core.kube.logs import log_to_stderr, set_level  # noqa: PLC0415  # other verbs do without

    if ctx.invoked_subcommand:
        ctx.with_resource(log_to_stderr(log_format))
        return None
    from sriov_core.agent.switches import Given  # noqa: PLC0415  # a subcommand does without all of that
    from sriov_core.cli.agentsetup import Wanted  # noqa: PLC0415

    given = Given(
        external_drainer=os.environ.get("USE_EXTERNAL_DRAINER") == "true",
        parallel=True if parallel_nic_config else None,
        bridges=True if manage_software_bridges else None,
        log_level=log_level,
    )
    wanted = Wanted(
        settings=attrs.evolve(settings, disabled=(*settings.disabled, *disable_plugins)),
        given=given,
        node=node_name or "",
        namespace=namespace,
        kubeconfig=kubeconfig,
        file=node_state,
        most=COSTS[max_cost],
        config_map=node_config_map,
        units=use_systemd_service or os.environ.get("USE_SYSTEMD_SERVICE") == "true",
        unit_program=unit_program,
        metrics=metrics_bind_address,
        probes=health_probe_bind_address,
        on_level=set_level,
    )
    _must_be_heeded(ctx, wanted)
    return _logged(_consistent(wanted), log_format)


def _logged(wanted: "Wanted", log_format: "Form") -> int:
    """Run, and have the log tell what kept the agent from it: in a pod nobody reads anything else."""
    from sriov_core.kube.logs import log_to_stderr, set_level  # noqa: PLC0415  # as above

    with log_to_stderr(log_format):
        set_level(wanted.given.log_level)
        try:
            return _run(wanted)
        except SriovError as err:
            for line in str(err).splitlines():
                _log.error("%s", line)
            return 1


def _run(wanted: "Wanted") -> int:
    from sriov_core.cli.agentsetup import opened  # noqa: PLC0415  # as above

    with stop_on_signals() as stop, opened(wanted, stop) as agent:
        if agent is None:
            _log.info("ends, as it was told to, before the cluster answered")
            return 0
        agent.start()
        while not (stop.wait(1.0) or agent.stopping.is_set() or agent.stuck()):
            pass
        return _ended(agent)


def _ended(agent: "Agent", leave: Callable[[int], object] = os._exit) -> int:
    """End the agent in time; the exit code. ``leave`` ends the process at once, without waiting for what is stuck."""
    stuck = agent.stuck()
    agent.stop()
    if stuck:
        _log.error("%s The process ends, so that another one is started", stuck)
        leave(1)
    _log.info("ends, as soon as the step that is under way is done")
    if not agent.join(ENDS_WITHIN_S):
        _log.warning("a step is still under way after %g s; the next agent goes on from there", ENDS_WITHIN_S)
    if agent.broken is None:
        _log.info("has ended")
        return 0
    _log.error("internal error: %s: %s. Report it", type(agent.broken).__name__, agent.broken)
    return 1


def _must_be_heeded(ctx: click.Context, wanted: "Wanted") -> None:
    """SpecError for an option of the command line that nobody would look at; variables may stand there for others."""
    written = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    for name in ("node_name", "namespace", "kubeconfig"):
        if wanted.file and name in written:
            option = f"--{name.replace('_', '-')}"
            raise SpecError(f"{option} is for a cluster, and --node-state means none. Leave out one of the two")
    if "max_cost" in written and not wanted.file and not wanted.config_map:
        text = "--max-cost is for nodes that nobody drains (--node-state, --node-config-map), and this one is drained"
        raise SpecError(f"{text} by whoever answers its node state. Leave it out")


def _consistent(wanted: "Wanted") -> "Wanted":
    if wanted.file and (wanted.config_map or wanted.units):
        option = "--node-config-map" if wanted.config_map else "--use-systemd-service"
        raise SpecError(f"{option} needs a cluster, and --node-state means none. Leave out one of the two")
    if not wanted.file and not wanted.node:
        raise SpecError("no name of the Node is given. Give it with --node-name or NODE_NAME, or a file: --node-state")
    if wanted.config_map and len(wanted.node) > 63:
        text = f"the Node's name has {len(wanted.node)} characters, and the label of its ConfigMap takes 63"
        raise SpecError(f"{text}. Use a SriovNetworkNodeState for this node")
    return wanted
