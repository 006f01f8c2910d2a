"""``sriov-core inject``: pods as they would be after admission, with the devices of their networks. Changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click

from sriov_core.api import yamlvalues
from sriov_core.api.documents import Document
from sriov_core.api.fault import legible
from sriov_core.api.scalars import NumberLike, number
from sriov_core.api.shape import described
from sriov_core.api.yamltext import yaml_documents
from sriov_core.cli.files import documents_in
from sriov_core.cli.manifests import listed, manifest_options, show_json
from sriov_core.cli.options import files_option
from sriov_core.cli.screen import Format, Session
from sriov_core.errors import SpecError
from sriov_core.injection.inject import Injection, inject
from sriov_core.injection.switches import CONFIG_MAP, PLAIN, Switches, read_switches

_POD = ("v1", "Pod")
_NETWORK = ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition")
_CONFIG_MAP = ("v1", "ConfigMap")
_READ = f"Pods, NetworkAttachmentDefinitions and the ConfigMap {CONFIG_MAP}"


@attrs.frozen(kw_only=True)
class Pod:
    """A pod of a file: how messages call it, the namespace it would be created in, and itself as plain data."""

    called: str
    namespace: str
    value: dict[str, Any]


@attrs.frozen(kw_only=True)
class Input:
    """What the files hold: pods, their networks by namespace and name, the switches, and remarks."""

    pods: tuple[Pod, ...]
    networks: Mapping[tuple[str, str], dict[str, Any]]
    switches: Switches = PLAIN
    notes: tuple[str, ...] = ()

    def answer(self, pod: Pod) -> Injection:
        """What the injector would answer for the pod."""
        return inject(
            pod.value,
            namespace=pod.namespace,
            lookup=lambda namespace, name: self.networks.get((namespace, name)),
            switches=self.switches,
        )


@click.command("inject", short_help="a pod with the devices that its networks need")
@files_option("Pods, their networks and the ConfigMap of the injector")
@click.option("--patch", is_flag=True, help="Print the JSON patch (RFC 6902) instead of the pod.")
@click.option(
    "--namespace",
    metavar="NAMESPACE",
    default="default",
    show_default=True,
    help="The namespace of objects that name none.",
)
@manifest_options
@click.pass_obj
def verb(session: Session, files: tuple[str, ...], patch: bool, namespace: str) -> int:  # noqa: FBT001
    """Print the pods in the files as the injector would admit them. Only the files are read; no cluster is asked.

    Exit code: 0, or 1 for invalid input or when a pod would be denied; then nothing is printed.
    """
    given = read_input(files, namespace)
    answers = [(pod, given.answer(pod)) for pod in given.pods]
    for note in (*given.notes, *(f"{pod.called}: {text}" for pod, answer in answers for text in answer.warnings)):
        session.note(note)
    denied = [f"{pod.called}: denied: {answer.message}" for pod, answer in answers if not answer.allowed]
    if denied:
        raise SpecError("\n".join(denied))
    results = [list(answer.operations) if patch else _patched(pod, answer) for pod, answer in answers]
    if session.format is Format.JSON:
        show_json(_one(results, patch=patch))
    else:
        click.echo(yaml_documents(results), nl=False)
    return 0


def read_input(files: Sequence[str], namespace: str) -> Input:
    """Read every file before anything is judged; SpecError or HostError with a line for each mistake.

    ``namespace`` is that of objects which name none.
    """
    found = documents_in(files)
    pods = [document for document in found if _identity(document) == _POD]
    networks = [document for document in found if _identity(document) == _NETWORK]
    config_maps = [doc for doc in found if _identity(doc) == _CONFIG_MAP and doc.name == CONFIG_MAP]
    if not pods:
        kinds = ", ".join(sorted({legible(document.kind) for document in found}))
        raise SpecError(f"{', '.join(files)}: no Pod (found: {kinds}). Give one, with its networks")
    if len(config_maps) > 1:
        raise SpecError(f"{config_maps[1].where}: a second ConfigMap {CONFIG_MAP}. Keep the one that is meant")
    switches = read_switches(plain_data(config_maps[0])) if config_maps else PLAIN
    used = (*pods, *networks, *config_maps)
    return Input(
        pods=tuple(_pod(document, namespace) for document in pods),
        networks=_networks(networks, namespace),
        switches=switches,
        notes=(
            *(f"{config_maps[0].where}: {fault}" for fault in switches.faults),
            *(document.unread(_READ) for document in found if not any(document is one for one in used)),
        ),
    )


def plain_data(document: Document) -> dict[str, Any]:
    """The object as the Kubernetes tools send it to the API server; SpecError for what JSON cannot hold."""
    try:
        settled: dict[str, Any] = _settled(document.raw, 0)
    except SpecError as err:
        raise SpecError(f"{document.where}: {err}") from err
    return settled


def _settled(value: Any, depth: int) -> Any:
    """The value with numbers in the place of words that YAML readers take for numbers."""
    if depth > yamlvalues.DEEPEST:
        raise SpecError(f"lists and mappings are nested deeper than {yamlvalues.DEEPEST}. Flatten the document")
    if isinstance(value, dict):
        return {key: _settled(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item, depth + 1) for item in value]
    return number(value) if isinstance(value, NumberLike) else value


def _pod(document: Document, namespace: str) -> Pod:
    called = f"{document.where}, {document.called}"
    return Pod(called=called, namespace=_namespace(document, namespace), value=plain_data(document))


def _networks(found: Sequence[Document], namespace: str) -> dict[tuple[str, str], dict[str, Any]]:
    networks: dict[tuple[str, str], dict[str, Any]] = {}
    for document in found:
        if not document.name:
            raise SpecError(f"{document.where}: metadata.name: the network has no name. Name it as pods do")
        place = (_namespace(document, namespace), document.name)
        if place in networks:
            raise SpecError(f"{document.where}: a second {document.called} in {place[0]}. Keep the one that is meant")
        networks[place] = plain_data(document)
    return networks


def _identity(document: Document) -> tuple[str, str]:
    return document.raw["apiVersion"], document.kind


def _namespace(document: Document, default: str) -> str:
    metadata = document.raw.get("metadata")
    named = metadata.get("namespace") if isinstance(metadata, dict) else None
    if named is not None and (not isinstance(named, str) or isinstance(named, NumberLike)):
        raise SpecError(
            f"{document.where}: metadata.namespace: found {described(named)}, wanted text. Put it in quotes"
        )
    return named or default


def _patched(pod: Pod, answer: Injection) -> Any:
    import jsonpatch  # noqa: PLC0415  # slow to import

    return jsonpatch.apply_patch(pod.value, list(answer.operations))


def _one(results: Sequence[Any], *, patch: bool) -> Any:
    """The results as one JSON value: one as it is, several pods as a List, several patches as a list."""
    if len(results) == 1:
        return results[0]
    return results if patch else listed(results)
