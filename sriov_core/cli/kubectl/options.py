"""The options that all commands share: which cluster, which namespace, how long to wait. Adds those of the output."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import click

from sriov_core.cli.options import output_options

Verb = TypeVar("Verb", bound=Callable[..., Any])

OPERATOR_NAMESPACE = "sriov-network-operator"


@attrs.frozen(kw_only=True)
class Where:
    """Which cluster to look at; ``namespace`` is the operator's, ``timeout_s`` holds for each request."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str = OPERATOR_NAMESPACE
    timeout_s: float = 10.0


def cluster_options(verb: Verb) -> Verb:
    """Add the options; the command gets them as ``where``."""

    @functools.wraps(verb)
    def collected(
        *args: Any,
        kubeconfig: str | None,
        context: str | None,
        operator_namespace: str,
        request_timeout: float,
        **rest: Any,
    ) -> Any:
        where = Where(kubeconfig=kubeconfig, context=context, namespace=operator_namespace, timeout_s=request_timeout)
        return verb(*args, where=where, **rest)

    wrapped: Any = output_options(collected)
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    result: Verb = wrapped
    return result


_OPTIONS = (
    click.option("--kubeconfig", metavar="FILE", help="The way to the API server; else KUBECONFIG, ~/.kube/config."),
    click.option("--context", metavar="NAME", help="The context of the kubeconfig; else its current one."),
    click.option(
        "--operator-namespace",
        metavar="NAME",
        default=OPERATOR_NAMESPACE,
        show_default=True,
        envvar="SRIOV_OPERATOR_NAMESPACE",
        show_envvar=True,
        help="Where the operator and its objects are.",
    ),
    click.option(
        "--request-timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True, max=600),
        default=10.0,
        show_default=True,
        help="The deadline of each request.",
    ),
)
