"""What the agent tells people in its log: a line a fact, and the same fact once until it is another one."""

import logging
import threading
from collections.abc import Sequence

from sriov_core.agent.standing import Standing
from sriov_core.agent.wish import Wish
from sriov_core.model.plan import Plan
from sriov_core.planning.render import counted, summary

_log = logging.getLogger("sriov_core.agent")


class Logbook:
    """Remembers what was said last of each subject. Thread-safe; it holds a text for each subject, and no more."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[Sequence[str], str]] = {}
        self._lock = threading.Lock()

    def say(self, subject: str, *lines: str, level: int = logging.INFO, version: str = "") -> bool:
        """Log these lines, unless they are what was said of that version of the subject last: then False."""
        with self._lock:
            if self._said.get(subject) == (lines, version):
                return False
            self._said[subject] = lines, version
        for line in lines:
            _log.log(level, "%s", line)
        return True

    def forget(self, *subjects: str) -> None:
        """What was said of these is over: when it comes again, it is said again."""
        with self._lock:
            for subject in subjects:
                self._said.pop(subject, None)

    def takes(self, wish: Wish) -> None:
        """Tell the wish that holds from now on; a new one has a plan and a verdict of its own."""
        if self.say("wish", f"takes {wish.called}: {_content(wish)}", version=wish.version):
            self.forget("plan", "verdict")
        self.say("notes", *wish.notes, level=logging.WARNING)

    def plans(self, plan: Plan, *, drift: bool) -> None:
        """Tell what is to be done; ``drift`` says that all was as wished before, and then there is a new verdict."""
        text = f"{'the node has changed without a new wish; ' if drift else ''}plan: {summary(plan)}"
        if plan.is_empty:
            self.forget("plan")
        elif self.say("plan", text) and drift:
            self.forget("verdict")

    def stands(self, standing: Standing, text: str) -> None:
        """Tell the verdict of a round; ``text`` says what is well. Of work that is under way, the steps tell."""
        if standing.all_troubles:
            lines = dict.fromkeys(f"Failed: {trouble.text}" for trouble in standing.all_troubles)
            self.say("verdict", *lines, level=logging.WARNING)
        elif standing.doing:
            return
        elif standing.is_done:
            self.say("verdict", f"Succeeded: {text}")
        elif standing.waiting:
            self.say("verdict", f"InProgress: {standing.why}")


def _content(wish: Wish) -> str:
    if wish.missing:
        return "it is not there, so nothing is changed"
    if wish.error:
        return "it is not understood, so nothing is changed"
    if not wish.says_something:
        return "empty, and the operator has not confirmed it yet, so nothing is given back"
    spec = wish.spec
    parts = [counted(len(spec.nics), "NIC")]
    parts += [counted(len(spec.bridges), "bridge")] if spec.bridges else []
    parts += [f"RDMA mode {spec.rdma_mode}"] if spec.rdma_mode else []
    kept = "" if wish.release else "; nothing is given back"
    return f"{', '.join(parts)}{kept}"
