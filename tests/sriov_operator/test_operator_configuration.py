"""What those are told who wait for a configuration."""

import msgspec
import pytest

from sriov_core.api.operatorconfig import OperatorConfig
from sriov_operator.configuration import missing


class Cache:
    """The cached configurations of a namespace."""

    def __init__(self, *configs: OperatorConfig, unreadable: str = "") -> None:
        self._configs = {f"{one.metadata.namespace}/{one.metadata.name}": one for one in configs}
        self.unreadable = frozenset({unreadable} - {""})

    def get(self, key: str) -> OperatorConfig | None:
        return self._configs.get(key)

    def items(self) -> tuple[OperatorConfig, ...]:
        return tuple(self._configs.values())


def config(name: str = "default", **metadata: str) -> OperatorConfig:
    return msgspec.convert({"metadata": {"name": name, "namespace": "sriov", **metadata}}, OperatorConfig)


@pytest.mark.parametrize(
    ("cache", "words"),
    [
        pytest.param(Cache(config()), (), id="there"),
        pytest.param(Cache(config(), unreadable="sriov/default"), (), id="could-be-read-once"),
        pytest.param(
            Cache(), ("waits for the SriovOperatorConfig default in namespace sriov", "Create it"), id="missing"
        ),
        pytest.param(Cache(config("mine")), ("found mine, which does not count", "Create it"), id="of-another-name"),
        pytest.param(Cache(config(deletionTimestamp="2026-11-21T19:00:00Z")), ("is being deleted",), id="leaves"),
        pytest.param(Cache(unreadable="sriov/default"), ("cannot be read", "Correct it"), id="unreadable"),
    ],
)
def test_who_waits_for_a_configuration_is_told_what_to_do(cache, words):
    told = missing(cache, "sriov")
    assert bool(told) == bool(words)
    assert [word for word in words if word not in told] == []
