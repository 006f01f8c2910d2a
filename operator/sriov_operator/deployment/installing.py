"""``sriov-operator manifests``: prints what has to be applied before the operator runs. Reads and changes nothing."""

from collections.abc import Mapping

import click

from sriov_core.api.fault import shown
from sriov_core.api.yamltext import yaml_documents
from sriov_core.errors import SpecError
from sriov_operator.deployment.installation import installation
from sriov_operator.deployment.names import MANAGER
from sriov_operator.process.settings import from_environment

PREFIX = "openshift.io"
_NAMESPACE, _ENV = "--namespace", "--env"
_FROM_THE_POD = frozenset({"NAMESPACE", "POD_NAME"})


@click.command("manifests", short_help="print what has to be applied before the operator runs")
@click.option("-n", _NAMESPACE, default=MANAGER, show_default=True, metavar="NAME", help="That of the operator.")
@click.option("--image", default="", metavar="IMAGE", help="Print the operator's Deployment, too, with this image.")
@click.option(
    "-e", _ENV, "given", multiple=True, metavar="NAME=VALUE", help="A variable of the operator's; repeatable."
)
@click.option("--node-config-maps", is_flag=True, help="For agents with --node-config-map: they may read ConfigMaps.")
def verb(namespace: str, image: str, given: tuple[str, ...], node_config_maps: bool) -> int:  # noqa: FBT001
    """Print Namespace, service accounts, roles and the restrictions of agents as YAML, for kubectl apply.

    The roles follow the operator's variables (the names of Secrets, how pods are evicted, CLUSTER_TYPE), so give those
    that the operator is to have. RESOURCE_PREFIX is openshift.io unless given. The definitions of the kinds are printed
    by sriov-core crds.
    """
    variables = _variables(given)
    settings = from_environment({"RESOURCE_PREFIX": PREFIX, **variables, "NAMESPACE": namespace})
    for remark in settings.remarks:
        click.echo(f"note: {remark}", err=True)
    documents = installation(settings, image, variables, node_config_maps=node_config_maps)
    click.echo(yaml_documents(documents), nl=False)
    return 0


def _variables(given: tuple[str, ...]) -> Mapping[str, str]:
    """By name; SpecError for what is none, and for one that the Deployment has from its pod."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise SpecError(f"{_ENV}: found {shown(text)}, wanted NAME=VALUE. Write it as in DEV_MODE=TRUE")
        if name in _FROM_THE_POD:
            raise SpecError(f"{_ENV}: {name} is told by the pod. Leave it out; the namespace is given by {_NAMESPACE}")
        found[name] = value
    return found
