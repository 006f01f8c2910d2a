"""``sriov-core crds``: the CustomResourceDefinitions of the kinds, for `kubectl apply`. Reads nothing."""

import click

from sriov_core.api.crd import definitions
from sriov_core.cli.manifests import manifest_options, show
from sriov_core.cli.screen import Session


@click.command("crds", short_help="the definitions of the kinds, for the API server")
@manifest_options
@click.pass_obj
def verb(session: Session) -> int:
    """Print the CustomResourceDefinitions of all seven kinds as a YAML stream, or with -o json as a List.

    They may be applied over those of the SR-IOV network operator; stored objects stay as they are.

    Exit code: 0.
    """
    show(definitions(), session)
    return 0
