"""Steps on the screen as they happen: a bar on a terminal, a line each in a pipe, JSON lines for programs."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from sriov_core.cli.screen import Format, Line, Session, Tone
from sriov_core.engine.execute import Event, Moment
from sriov_core.model.codec import to_builtins


@attrs.define
class Progress:
    """Takes the events of the executor, which come from several threads."""

    session: Session
    done: int = 0
    total: int = 0
    _bar: Any = None
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def expect(self, steps: int) -> None:
        """How many steps are going to come in addition to those that are done."""
        with self._lock:
            self.total = self.done + steps
            if self._bar:
                self._bar.start()
                self._bar.update(self._bar.task_ids[0], total=self.total)

    def __call__(self, event: Event) -> None:
        """One event of one step. A reader that went away (a closed pipe) never stops the work half-way."""
        with self._lock:
            self.done += event.moment is not Moment.STARTED
            with contextlib.suppress(BrokenPipeError):
                self._show(event)

    def _show(self, event: Event) -> None:
        if self.session.format is Format.JSON:
            self.session.data_line(event_data(event))
        elif self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self.done, description=event.step.describe())
        elif event.moment is not Moment.STARTED:
            self.session.say(_line(event, self.done, max(self.done, self.total)))


@contextmanager
def progress(session: Session) -> Iterator[Progress]:
    """A progress display for as long as the block lasts; the bar appears with the first step that is expected."""
    if not session.is_rich:
        yield Progress(session)
        return
    from rich import progress as bars  # noqa: PLC0415  # slow to import, for terminals only

    columns = (bars.SpinnerColumn(), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TextColumn("{task.description}"))
    bar = bars.Progress(*columns, transient=True)
    bar.add_task("", total=None)
    try:
        yield Progress(session, bar=bar)
    finally:
        bar.stop()


def event_data(event: Event) -> dict[str, Any]:
    """One line of the stream that ``apply -o json`` prints."""
    return {
        "event": event.moment.value,
        "step": to_builtins(event.step),
        "seconds": round(event.seconds, 6),
        "error": event.error,
    }


def _line(event: Event, number: int, total: int) -> Line:
    count = f"[{str(number).rjust(len(str(total)))}/{total}]"
    if event.moment is Moment.FAILED:
        return Line(f"{count} FAILED  {event.step.describe()}", Tone.FAIL)
    return Line(f"{count} {event.seconds:7.3f} s  {event.step.describe()}")
