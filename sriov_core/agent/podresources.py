"""Who has which VF, by the kubelet's pod resources socket (k8s.io/kubelet/pkg/apis/podresources/v1, List).

gRPC and protobuf are imported with the first question: a node without a kubelet does without them.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from sriov_core.model.address import Address

SOCKET = "/var/lib/kubelet/pod-resources/kubelet.sock"
TIMEOUT_S = 2.0
_LIST = "/v1.PodResourcesLister/List"
# Field numbers of api.proto: what is not named here is skipped.
_MESSAGES = {
    "Devices": (("resource_name", 1, "string"), ("device_ids", 2, "strings")),
    "Container": (("name", 1, "string"), ("devices", 2, "Devices")),
    "Pod": (("name", 1, "string"), ("namespace", 2, "string"), ("containers", 3, "Container")),
    "Answer": (("pods", 1, "Pod"),),
}

_log = logging.getLogger("sriov_core.agent")


@attrs.frozen(kw_only=True)
class Holding:
    """A device that a container was given; ``device`` is the plugin's id of it, for VFs the PCI address."""

    namespace: str
    pod: str
    container: str
    resource: str
    device: str


class PodResources:
    """Asks the kubelet; one that is away or does not answer within `TIMEOUT_S` is logged once, and nobody is known."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._answer_type: Any = None
        self._complaint = ""

    def holdings(self) -> tuple[Holding, ...]:
        """Every device of every container on this node; none while the kubelet cannot be asked."""
        if not os.path.exists(self._path):
            return ()
        import grpc  # noqa: PLC0415  # 15 MiB, and only where there is a kubelet

        try:
            answer = self._asked(grpc)
        except grpc.RpcError as err:
            self._complain(f"{err.code().name}: {err.details()}" if isinstance(err, grpc.Call) else str(err))
            return ()
        self._complaint = ""
        return tuple(_holdings(answer))

    def assigned(self) -> Mapping[Address, str]:
        """VF address to ``namespace/pod``; devices whose id is no PCI address are left out."""
        pairs = ((_address(one.device), f"{one.namespace}/{one.pod}") for one in self.holdings())
        return {address: pod for address, pod in pairs if address}

    def _asked(self, grpc: Any) -> Any:
        self._answer_type = self._answer_type or _answer_type()
        with grpc.insecure_channel(f"unix:{self._path}") as channel:
            ask = channel.unary_unary(
                _LIST, request_serializer=lambda _: b"", response_deserializer=self._answer_type.FromString
            )
            return ask(None, timeout=TIMEOUT_S)

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            self._complaint = why
            _log.warning("who has which VF is not known: %s does not answer: %s", self._path, why)


def _holdings(answer: Any) -> Iterator[Holding]:
    for pod in answer.pods:
        for container in pod.containers:
            for devices in container.devices:
                for device in devices.device_ids:
                    yield Holding(
                        namespace=pod.namespace,
                        pod=pod.name,
                        container=container.name,
                        resource=devices.resource_name,
                        device=device,
                    )


def _address(device: str) -> Address | None:
    try:
        return Address.parse(device)
    except ValueError:
        return None


def _answer_type() -> Any:
    """The type of the answer, made from `_MESSAGES`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415  # see above

    file = descriptor_pb2.FileDescriptorProto(name="podresources.proto", package="v1", syntax="proto3")
    field_type = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            made = message.field.add(name=field, number=number)
            made.label = field_type.LABEL_OPTIONAL if kind == "string" else field_type.LABEL_REPEATED
            made.type = field_type.TYPE_MESSAGE if kind in _MESSAGES else field_type.TYPE_STRING
            if kind in _MESSAGES:
                made.type_name = f".v1.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("v1.Answer"))
