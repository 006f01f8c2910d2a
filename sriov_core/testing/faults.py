"""Planned accidents: a verb that the kernel refuses, or a process that dies around it. Nothing here does I/O."""

from collections.abc import Callable

import attrs

from sriov_core.model.address import Address
from sriov_core.testing.refusing import refused


class Crash(BaseException):
    """The process dies here: nothing may catch it, nothing after it runs."""


@attrs.frozen
class Verb:
    """A verb that is about to be done: its place in the order since the fault was planned (from 1), name and target."""

    ordinal: int
    name: str
    target: Address | str


Matcher = Callable[[Verb], bool]


@attrs.frozen
class _Fault:
    matches: Matcher
    code: int | None
    after: bool


@attrs.define
class Faults:
    """The accidents of one machine. Not safe for threads by itself; the machine's lock guards it."""

    _planned: list[_Fault] = attrs.field(factory=list)
    seen: int = 0

    def plan(self, matches: Matcher, code: int | None, *, after: bool = False) -> None:
        """Have every matching verb fail with that errno, or crash for None; counting starts anew."""
        self._planned.append(_Fault(matches, code, after))
        self.seen = 0

    def clear(self) -> None:
        """No more accidents."""
        self._planned.clear()
        self.seen = 0

    def before(self, name: str, target: Address | str) -> Verb:
        """Called as a verb begins; raises what was planned for that moment."""
        self.seen += 1
        verb = Verb(self.seen, name, target)
        self._strike(verb, after=False)
        return verb

    def after(self, verb: Verb) -> None:
        """Called when the verb's effect is there."""
        self._strike(verb, after=True)

    def _strike(self, verb: Verb, *, after: bool) -> None:
        for fault in self._planned:
            if fault.after is after and fault.matches(verb):
                if fault.code is None:
                    raise Crash(f"{'after' if after else 'before'} {verb.name} of {verb.target}")
                raise refused(verb.target, verb.name, "the change", fault.code, "This fault was planned by a test")
