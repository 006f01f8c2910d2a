"""Whether objects are being watched: by what requests came to, and never by how quiet it is."""

from typing import Any

import attrs
import pytest

from sriov_operator.serving.contact import Contact


@attrs.define
class Nodes:
    """Requests about nodes, and a clock."""

    now: float = 100.0
    counted: list[tuple[str, int]] = attrs.field(factory=list)
    contact: Contact = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.contact = Contact(self, clock=lambda: self.now)

    def requested(self, verb: str, _resource: str, status: int, _seconds: float) -> None:
        self.counted.append((verb, status))

    def take(self, what: Any) -> None:
        """A number of seconds that pass, ``lost``, or the verb and status of a request."""
        if isinstance(what, int):
            self.now += what
        elif what == "lost":
            self.contact.lost("nodes")
        else:
            self.contact.requested(what[0], "nodes", what[1], 0.1)


@pytest.mark.parametrize(
    ("happened", "outage_s"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([("list", 200), ("watch", 200), 9000], 0, id="nothing-changes"),
        pytest.param([("watch", 200), "lost", 5], 5, id="broken-off"),
        pytest.param([("watch", 200), "lost", 1, ("watch", 200), 50], 0, id="watched-again"),
        pytest.param(["lost", 1, ("watch", 0), 2, ("watch", 0), 4], 7, id="nobody-answers"),
        pytest.param([("list", 403), 3, ("list", 403), 4], 7, id="refused"),
        pytest.param([("watch", 410), 3, ("list", 200)], 0, id="too-old-a-version"),
        pytest.param(["lost", 9, ("get", 200), ("update", 200)], 9, id="other-requests-say-nothing"),
        pytest.param([("get", 404), ("create", 409), 9], 0, id="nor-do-their-failures"),
    ],
)
def test_an_outage_lasts_from_the_first_failure_to_the_next_list_or_watch(happened: list[Any], outage_s: int) -> None:
    nodes = Nodes()
    for what in happened:
        nodes.take(what)
    assert (nodes.contact.outage_s("nodes"), nodes.contact.longest_outage_s) == (outage_s, outage_s)


def test_the_longest_outage_counts_and_every_request_is_passed_on() -> None:
    nodes = Nodes()
    nodes.contact.lost("pools")
    nodes.now += 10
    nodes.take(("list", 0))
    nodes.now += 1
    assert (nodes.contact.outage_s("nodes"), nodes.contact.longest_outage_s) == (1, 11)
    assert nodes.counted == [("list", 0)]
