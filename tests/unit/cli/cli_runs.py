"""How a run of the command line ended, and the input files that tests write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Ran:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line.removeprefix("error: ") for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def data(self) -> Any:
        """The one JSON document on the standard output."""
        return json.loads(self.out)

    @property
    def stream(self) -> list[Any]:
        """The JSON lines on the standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Ran]


@attrs.frozen
class Files:
    """Writes input files below one folder."""

    folder: Path

    def write(self, text: str | bytes, name: str = "policy.yaml") -> Path:
        """A file with that text; returns its path."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def policy(self, name: str = "fast", file: str | None = None, /, **spec: object) -> Path:
        """A file with one policy for the port enp1s0; a field given as None is left out."""
        return self.write(policy_text(name, **spec), file or f"{name}.yaml")


def policy_text(name: str = "fast", /, **spec: object) -> str:
    """One policy as JSON, which is YAML as well."""
    fields: dict[str, object] = {
        "resourceName": name,
        "numVfs": 4,
        "nicSelector": {"pfNames": ["enp1s0"]},
        "nodeSelector": {},
        "deviceType": "vfio-pci",
        **spec,
    }
    return json.dumps(
        {
            "apiVersion": "sriovnetwork.openshift.io/v1",
            "kind": "SriovNetworkNodePolicy",
            "metadata": {"name": name},
            "spec": {key: value for key, value in fields.items() if value is not None},
        }
    )
