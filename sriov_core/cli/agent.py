"""``sriov-core agent``: the service of a node, told what to do by a cluster or by a file."""

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import click

from sriov_core.cli.approval import COSTS
from sriov_core.cli.options import Settings, host_options
from sriov_core.cli.screen import Session
from sriov_core.cli.signals import stop_on_signals
from sriov_core.errors import SpecError
from sriov_core.model.plan import Cost

if TYPE_CHECKING:
    from sriov_core.agent.switches import Switches
    from sriov_core.cli.agentsetup import Wanted

ENDS_WITHIN_S = 25.0
"""Shorter than the 30 seconds that a kubelet leaves a pod to end."""
NAMESPACE = "sriov-network-operator"
_LOGGER = "sriov_core"
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
    settings: Settings,
) -> int | None:
    """Keep this node as its SriovNetworkNodeState wishes, and report it, until SIGTERM.

    Exit code: 0 it was told to end, 1 an error.
    """
    if ctx.invoked_subcommand:
        return None
    from sriov_core.agent.switches import Given  # noqa: PLC0415  # a subcommand does without all of that
    from sriov_core.cli.agentsetup import Wanted  # noqa: PLC0415

    given = Given(
        external_drainer=os.environ.get("USE_EXTERNAL_DRAINER") == "true",
        parallel=True if parallel_nic_config else None,
        bridges=True if manage_software_bridges else None,
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
        on_switches=_follow_level,
    )
    return _run(_consistent(wanted), ctx.ensure_object(Session))


def _run(wanted: "Wanted", session: Session) -> int:
    from sriov_core.cli.agentsetup import opened  # noqa: PLC0415  # as above

    with _log_to_stderr(), stop_on_signals() as stop, opened(wanted, stop) as agent:
        if agent is None:
            return 0  # told to end before the cluster answered
        agent.start()
        while not stop.wait(1.0) and not agent.stopping.is_set():
            pass
        agent.stop()
        if not agent.join(ENDS_WITHIN_S):
            session.note(f"a step is still under way after {ENDS_WITHIN_S:g} s; the next agent goes on from there")
    if agent.broken is None:
        return 0
    session.error(f"internal error: {type(agent.broken).__name__}: {agent.broken}. Report it")
    return 1


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


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """One line a fact, with its time, as a container's log is read."""
    logger = logging.getLogger(_LOGGER)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _follow_level(on: "Switches") -> None:
    """0 is what happens to the node, 1 and 2 tell more."""
    logger = logging.getLogger(_LOGGER)
    level = logging.INFO if on.log_level < 1 else logging.DEBUG
    if logger.level != level:
        logger.setLevel(level)
