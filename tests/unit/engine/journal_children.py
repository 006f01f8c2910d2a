"""What the other process does in the tests of the journal; small, since it is imported in each."""

from multiprocessing.synchronize import Event

from sriov_core.engine.journal import Journal, Memory
from sriov_core.model.address import Address
from sriov_core.model.record import NicRecord

PF = Address("0000:01:00.0")
SOME = Memory(nics={PF: NicRecord(address=PF, name="eth0")}, boot_id="b")


def numbered(number: int) -> Memory:
    """A memory whose parts belong together, large enough to be cut off while it is written."""
    return Memory(nics=SOME.nics, boot_id=str(number), under_way=(f"{number} " * 20_000,))


def write_for_ever(path: str, ready: Event) -> None:
    journal, number = Journal(path=path), 0
    while True:
        number += 1
        journal.write(numbered(number))
        ready.set()


def hold(path: str, held: Event, let_go: Event) -> None:
    with Journal(path=path).exclusive():
        held.set()
        let_go.wait(60)
