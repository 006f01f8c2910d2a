"""What a support bundle is made of: a collector for each part, each with a deadline and none able to stop another."""

import functools
import json
import queue
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any

import attrs

from sriov_core import __version__
from sriov_core.agent import statusfile
from sriov_core.cli import bundlefile, kernelnews
from sriov_core.cli.bundlefile import Bundle
from sriov_core.cli.capture import captured
from sriov_core.cli.machine import Machine
from sriov_core.cli.planview import left_alone, view
from sriov_core.cli.plugins import data as plugin_data
from sriov_core.cli.probe import look
from sriov_core.cli.probeview import Report, report_data
from sriov_core.cli.redaction import Redactor
from sriov_core.engine import bootfile, bootresult, takeover
from sriov_core.errors import HostError, JournalError
from sriov_core.model.codec import to_builtins
from sriov_core.plugin.reader import HostReader

BOOT_FILE = "/etc/sriov-core/boot.json"
_PART_S, _ALL_S = 30.0, 120.0
_AS_IT_IS = ("capture.json", "versions.json")
"""A capture has stand-ins of its own, which a simulated machine takes for MACs; versions may look like IP addresses."""
_MOUNT = re.compile(r"mount (\S+) from")
_DISTRIBUTION = "sriov-core"


class Absent(Exception):
    """There is nothing of that kind on this machine; the text says why that may well be so."""


@attrs.frozen(kw_only=True)
class Source:
    """What the collectors look at. The report of `probe` is None when the look itself failed."""

    machine: Machine
    report: Report | None = None

    @property
    def seen(self) -> Report:
        """The report; `Absent` without one."""
        if self.report is None:
            raise Absent("the look at the machine failed (see probe.json)")
        return self.report


Collector = Callable[[Source], Any]
"""Returns a text, or plain data that becomes JSON."""


def collect(
    machine: Machine,
    key: bytes | None = None,
    collectors: Mapping[str, Collector] | None = None,
    most: int = bundlefile.LARGEST,
) -> Bundle:
    """Everything that can be read within two minutes, redacted; what cannot is listed with the reason.

    ``key`` is that of the hashes, drawn at random unless given. Of a text with more than ``most`` letters the end is
    taken, data with more are left out.
    """
    ends = time.monotonic() + _ALL_S
    found, failure = within(lambda: look(machine), _PART_S)
    source = Source(machine=machine, report=found if isinstance(found, Report) else None)
    redactor = redactor_for(source, key or secrets.token_bytes(32))
    parts: dict[str, str] = {}
    missing = {"probe.json": redactor.text(failure)} if failure else {}
    for name, collector in sorted((COLLECTORS if collectors is None else collectors).items()):
        if name in missing:
            continue
        part = functools.partial(_part, name, functools.partial(collector, source), redactor, most)
        text, failure = within(part, min(_PART_S, ends - time.monotonic()))
        if failure:
            missing[name] = redactor.text(failure)
        else:
            parts[name] = text
    return Bundle(parts=parts, missing=missing)


def within(call: Callable[[], Any], seconds: float) -> tuple[Any, str]:
    """What the call returns, and an empty text; or None and why there is nothing, after that time at the latest.

    A call that does not return is left behind: the process ends all the same.
    """
    if seconds <= 0:
        return None, "there was no time left for it"
    answers: queue.SimpleQueue[tuple[Any, str]] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_attempted(call)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return None, f"it did not end within {seconds:.0f} s"


def _attempted(call: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return call(), ""
    except Absent as err:
        return None, str(err)
    except Exception as err:  # noqa: BLE001  # whatever is wrong with one part, the others are wanted all the more
        return None, f"{type(err).__name__}: {err}"


def _part(name: str, collect_it: Callable[[], Any], redactor: Redactor, most: int) -> str:
    """The text of a part; of a text that is too large the end, `Absent` for data that are."""
    value = collect_it()
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if name.endswith(".json") and len(text) > most:
        raise Absent(f"it has more than {most // 1_000_000} MB")
    if name in _AS_IT_IS:
        return text
    if isinstance(value, str):
        return redactor.text(text[-most:])
    return json.dumps(redactor.data(value), indent=2, ensure_ascii=False) + "\n"


def redactor_for(source: Source, key: bytes) -> Redactor:
    """The redactor that knows this machine's name, serial numbers and mounts, and its versions from addresses."""
    nics = source.report.snapshot.nics if source.report else ()
    words = {nic.identity.serial: "serial" for nic in nics if nic.identity.serial}
    words |= {path: "path" for nic in nics for use in nic.uses for path in _MOUNT.findall(use.detail)}
    if source.report and source.report.snapshot.node.hostname:
        hostname = source.report.snapshot.node.hostname
        words |= dict.fromkeys((hostname, hostname.partition(".")[0]), "host")
    versions = (text for nic in nics for text in (nic.firmware_version, nic.driver_version) if text)
    return Redactor(
        key=key, words=words, keep=frozenset(word for text in versions for word in re.split("[ /,]+", text))
    )


def _capture(source: Source) -> str:
    return captured(source.machine.host, as_json=True)[0]


def _probe(source: Source) -> Any:
    return report_data(source.seen)


def _plugins(source: Source) -> Any:
    return plugin_data(source.machine.engine.catalogue)


def _journal(source: Source) -> Any:
    journal = source.machine.engine.journal
    if journal.path is None:
        raise Absent("a simulated machine has its journal in memory")
    try:
        return {"path": journal.path, "content": to_builtins(journal.read())}
    except JournalError as err:
        raise Absent(str(err)) from err


def _boot_file(source: Source) -> Any:
    return _json(source.machine.host, BOOT_FILE)


def _boot_result(source: Source) -> Any:
    return _json(source.machine.host, bootresult.PATH)


def _agent_status(source: Source) -> Any:
    return _json(source.machine.host, statusfile.PATH)


def _plan(source: Source) -> Any:
    text = _file(source.machine.host, BOOT_FILE)
    spec = bootfile.decode(text.encode(), BOOT_FILE).spec
    found = source.machine.engine.look(spec, release=False, snapshot=source.seen.snapshot)
    return view(found.plan, (), left_alone(found, spec, release=False)).data()


def _own_files(source: Source) -> Any:
    return dict(sorted(source.seen.snapshot.node.files.items()))


def _predecessor(source: Source) -> Any:
    paths = [f"{takeover.STORE}/{nic.address}" for nic in source.seen.snapshot.nics]
    found = {path: text for path in (*paths, takeover.CHECKPOINT) if (text := source.machine.host.file(path))}
    if not found:
        raise Absent("no other operator left its state on this machine")
    return found


def _versions(_: Source) -> Any:
    wanted = sorted({name for line in _required() if (name := re.split(r"[^\w.-]", line, maxsplit=1)[0])})
    found = {name: version for name in wanted if (version := _version(name))}
    return {"sriov-core": __version__, "python": sys.version.split()[0], "packages": found}


def _required() -> Iterable[str]:
    try:
        return metadata.requires(_DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return ()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _kernel(source: Source) -> Any:
    return kernelnews.kernel(source.machine.host)


def _modules(source: Source) -> Any:
    return kernelnews.modules(source.machine.host, source.seen.snapshot)


def _log(source: Source) -> str:
    if source.machine.simulated is not None or source.machine.root != "/":
        raise Absent("the kernel's log is that of the running machine, and another one was named")
    from sriov_core.host import kernellog  # noqa: PLC0415  # for the running machine only

    return "".join(f"{line}\n" for line in kernelnews.about_pci(kernellog.lines(), source.seen.snapshot))


def _file(host: HostReader, path: str) -> str:
    text = host.file(path)
    if text is None:
        raise Absent(f"there is no {path}")
    return text


def _json(host: HostReader, path: str) -> Any:
    text = _file(host, path)
    try:
        return json.loads(text)
    except ValueError as err:
        raise HostError(f"{path} is damaged: {err}") from err


COLLECTORS: Mapping[str, Collector] = {
    "agent-status.json": _agent_status,
    "boot-file.json": _boot_file,
    "boot-result.json": _boot_result,
    "capture.json": _capture,
    "journal.json": _journal,
    "kernel.json": _kernel,
    "kernel-log.txt": _log,
    "modules.json": _modules,
    "other-operator.json": _predecessor,
    "own-files.json": _own_files,
    "plan.json": _plan,
    "plugins.json": _plugins,
    "probe.json": _probe,
    "versions.json": _versions,
}
