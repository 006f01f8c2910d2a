"""The volume ``podnetinfo``, in which containers read about their networks and hugepages. Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sriov_core.api.fault import legible
from sriov_core.injection.fields import entries, mapping, refusal, text
from sriov_core.injection.patch import END, Change, Operation, add
from sriov_core.injection.quantity import amount
from sriov_core.injection.resources import resources_of

VOLUME = "podnetinfo"
MOUNT_PATH = "/etc/podnetinfo"
CONTAINER_NAME = "CONTAINER_NAME"
"""The variable that tells a container which of the hugepage files are its own."""

_HUGEPAGES = "hugepages-"


def podnetinfo_change(pod: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], *, hugepages: bool) -> Change:
    """Mount the volume in each of the containers that has it not yet, and make it unless the pod has one of that name.

    It holds the files ``labels`` and ``annotations`` when the pod has such. With ``hugepages`` it also holds the
    hugepages that containers ask for, in MiB, and each such container learns its name. Raises Refused for wrong shapes.
    """
    items = [tuple(_hugepages(container, at)) if hugepages else () for at, container in enumerate(containers)]
    changes = [_environment(container, at) for at, container in enumerate(containers) if items[at]]
    changes += [_mount(container, at) for at, container in enumerate(containers)]
    own = [item for part in items for item in part]
    return sum((*changes, Change(tuple(_volume(pod, own)))), Change())


def _hugepages(container: Mapping[str, Any], position: int) -> Iterator[dict[str, Any]]:
    """A file for each size of hugepages that a container requests, then for each that limits it."""
    for kind, named in resources_of(container, position).items():
        path = f"spec.containers[{position}]"
        for resource in sorted(named):
            size = resource.removeprefix(_HUGEPAGES)
            if size in ("", resource) or not amount(named[resource], f"{path}.resources.{kind}[{legible(resource)}]"):
                continue
            name = _name(container, position)
            reference = {"containerName": name, "resource": f"{kind}.{resource}", "divisor": "1Mi"}
            file = f"hugepages_{size.replace('i', '')}_{kind.removesuffix('s')}_{name}"
            yield {"path": file, "resourceFieldRef": reference}


def _environment(container: Mapping[str, Any], position: int) -> Change:
    name = _name(container, position)
    place, variables = ("spec", "containers", position, "env"), _list(container, position, "env")
    variable = {"name": CONTAINER_NAME, "value": name}
    for found in variables:
        if _named(found, CONTAINER_NAME):
            kept = f"container {legible(name)} has another {CONTAINER_NAME} in its environment, which is kept"
            return Change() if found.get("value") == name else Change(warnings=(kept,))
    return Change((add(variable, *place, END) if variables else add([variable], *place),))


def _mount(container: Mapping[str, Any], position: int) -> Change:
    place, mounts = ("spec", "containers", position, "volumeMounts"), _list(container, position, "volumeMounts")
    if any(_named(mount, VOLUME) for mount in mounts):
        return Change()
    if any(isinstance(mount, dict) and mount.get("mountPath") == MOUNT_PATH for mount in mounts):
        where = f"spec.containers[{position}].volumeMounts"
        return Change(warnings=(f"{where}: {VOLUME} is not mounted, because {MOUNT_PATH} is taken by another volume",))
    mount = {"name": VOLUME, "readOnly": True, "mountPath": MOUNT_PATH}
    first = () if container.get("volumeMounts") is not None else (add([], *place),)
    return Change((*first, add(mount, *place, END)))


def _volume(pod: Mapping[str, Any], own: Sequence[dict[str, Any]]) -> Iterator[Operation]:
    volumes = mapping(pod.get("spec"), "spec").get("volumes")
    if any(_named(volume, VOLUME) for volume in entries(volumes, "spec.volumes")):
        return
    if volumes is None:
        yield add([], "spec", "volumes")
    metadata = mapping(pod.get("metadata"), "metadata")
    parts = [part for part in ("labels", "annotations") if mapping(metadata.get(part), f"metadata.{part}")]
    items = [{"path": part, "fieldRef": {"fieldPath": f"metadata.{part}"}} for part in parts]
    yield add({"name": VOLUME, "downwardAPI": {"items": [*items, *own]}}, "spec", "volumes", END)


def _name(container: Mapping[str, Any], position: int) -> str:
    path = f"spec.containers[{position}].name"
    name = text(container.get("name"), path)
    if not name:
        raise refusal(path, "the container has no name, by which its hugepages are told apart", "Name it")
    return name


def _list(container: Mapping[str, Any], position: int, field: str) -> list[Any]:
    return entries(container.get(field), f"spec.containers[{position}].{field}")


def _named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and entry.get("name") == name
