"""Objects written straight into etcd: large ones take the API server 50 ms each, and here there are thousands.

An object is stored as its API server would store it, because it is a copy of one that it stored: the same bytes with
another name of the same length, another uid, and whatever else is to differ.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator

import grpc

from bench.cluster import Cluster, each

_RANGE, _PUT = "/etcdserverpb.KV/Range", "/etcdserverpb.KV/Put"
_KEY, _KVS, _PUT_VALUE, _KV_VALUE = 1, 2, 2, 5
"""Fields of RangeRequest and PutRequest, RangeResponse, PutRequest, KeyValue (etcd's rpc.proto and kv.proto)."""
_BYTES = 2
"""The wire type of what has a length (protobuf's encoding)."""
_DEADLINE_S = 60.0


def clone(cluster: Cluster, path: str, name: str, others: Iterable[str], differ: Callable[[bytes, str], bytes]) -> int:
    """Copy the object of that name at a path of the API once for each other name; the size of the largest copy.

    ``differ`` makes of a copy that has its name and a uid of its own what it is to be.
    """
    uid = cluster.admin.ask("GET", f"{path}/{name}")["metadata"]["uid"].encode()
    with grpc.insecure_channel(f"unix:/proc/{cluster.server.pids['etcd']}/cwd/client:0") as channel:
        get, put = channel.unary_unary(_RANGE), channel.unary_unary(_PUT)
        template = _stored(get(_field(_KEY, _key(path, name)), timeout=_DEADLINE_S))

        def copy(other: str) -> int:
            if len(other) != len(name):
                raise SystemExit(
                    f"{other} is not as long as {name}, which breaks what is stored in another form than JSON"
                )
            own = template.replace(name.encode(), other.encode()).replace(uid, str(uuid.uuid4()).encode())
            made = differ(own, other)
            put(_field(_KEY, _key(path, other)) + _field(_PUT_VALUE, made), timeout=_DEADLINE_S)
            return len(made)

        return max(each(copy, others))


def _key(path: str, name: str) -> bytes:
    """Where the API server keeps it: Nodes as ``minions``, and objects of custom kinds by their group."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api", _, "nodes"]:
            place = "minions"
        case ["apis", group, _, "namespaces", namespace, plural]:
            place = f"{group}/{plural}/{namespace}"
        case _:
            raise SystemExit(f"nobody has said where etcd has what is at {path}")
    return f"/registry/{place}/{name}".encode()


def _field(number: int, value: bytes) -> bytes:
    """One field of a protobuf message."""
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


def _stored(answer: bytes) -> bytes:
    """The value of the one key in a RangeResponse."""
    (kv,) = [value for number, value in _fields(answer) if number == _KVS]
    (value,) = [value for number, value in _fields(kv) if number == _KV_VALUE]
    return value


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields that have a length; numbers are passed over."""
    at = 0
    while at < len(message):
        key, at = _read(message, at)
        size, at = _read(message, at)  # of a number, this is the number
        if key & 7 == _BYTES:
            yield key >> 3, message[at : at + size]
            at += size


def _read(message: bytes, at: int) -> tuple[int, int]:
    """A varint, and where the next thing begins."""
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return number, at
