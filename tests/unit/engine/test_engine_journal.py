"""The journal: whole or not there, refused with exact words when it is not ours, and one process at a time."""

import errno
import multiprocessing
import os
import signal
import time

import msgspec
import pytest
from engine_machines import FRESH, PF, converge, engine, spec, state, world
from hypothesis import given
from hypothesis import strategies as st
from journal_children import SOME, hold, numbered, write_for_ever

from sriov_core.engine.journal import FORMAT, Journal, Memory
from sriov_core.errors import JournalError
from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline
from sriov_core.model.observed import EswitchMode, Identity
from sriov_core.model.record import NicRecord, RebootRecord

SPAWN = multiprocessing.get_context("spawn")
DAMAGED = "Nothing is changed while it is; move it away to start without memory (baselines are lost then)"
HELP = "Run as root, or name another place with --journal"

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
addresses = st.builds(
    Address, st.from_regex(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", fullmatch=True)
) | st.builds(Address, st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,9}", fullmatch=True), st.just("netdevsim"))
baselines = st.builds(
    Baseline,
    num_vfs=st.integers(0, 256),
    mtu=st.none() | st.integers(68, 65535),
    link_up=st.none() | st.booleans(),
    autoprobe=st.booleans(),
    eswitch_mode=st.sampled_from(EswitchMode),
)
identities = st.builds(Identity, permanent_mac=st.none() | words, serial=st.none() | words, slot=st.none() | words)
records = st.builds(
    NicRecord,
    address=addresses,
    name=words,
    identity=identities,
    baseline=baselines,
    externally_managed=st.booleans(),
    source=words,
)
memories = st.builds(
    Memory,
    nics=st.lists(records, max_size=3).map(lambda found: {record.address: record for record in found}),
    reboots=st.lists(st.builds(RebootRecord, requirement=words, reason=words, boot_id=words), max_size=2).map(tuple),
    under_way=st.lists(words, max_size=2).map(tuple),
    boot_id=words,
    taken_over=st.lists(words, max_size=2).map(tuple),
)


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "state" / "journal.json")


@given(memories)
def test_what_is_written_is_read(tmp_path_factory, memory):
    journal = Journal(path=str(tmp_path_factory.getbasetemp() / "round-trip.json"))
    journal.write(memory)
    found = journal.read()
    assert found == memory
    assert all(found.nics[address] is record for address, record in found.nics.items())


def test_a_journal_without_a_path_lives_in_memory():
    journal = Journal(path=None)
    journal.write(SOME)
    with journal.exclusive():
        assert journal.read() == SOME


def test_without_a_file_nothing_is_remembered(path):
    assert Journal(path=path).read() == Memory()


def test_the_file_is_text_that_people_can_read(path):
    Journal(path=path).write(SOME)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert '"format": 1' in text
    assert '"0000:01:00.0": {' in text


DAMAGES = {
    "empty": (b"", "Input data was truncated"),
    "truncated": (b'{"format": 1, "nics": {"0000:01', "Input data was truncated"),
    "no-json": (b"\x00\x00", "JSON is malformed: invalid character (byte 0)"),
    "no-utf-8": (b'{"format": 1, "boot_id": "\xff"}', "'utf-8' codec can't decode"),
    "another-shape": (b"[]", "Expected `object`, got `array`"),
    "a-newer-format": (b'{"format": 2}', "its format is 2, this sriov-core writes 1"),
    "no-format": (b"{}", "its format is None, this sriov-core writes 1"),
    "a-bad-address": (b'{"format": 1, "nics": {"x": {"address": "../x"}}}', "'../x' is no device address"),
    "a-bad-record": (b'{"format": 1, "nics": {"x": 7}}', "Expected `object`, got `int`"),
    "a-bad-value": (b'{"format": 1, "boot_id": 7}', "Expected `str`, got `int`"),
    "a-bad-mode": (
        b'{"format": 1, "nics": {"x": {"address": "0000:01:00.0", "baseline": {"eswitch_mode": "no"}}}}',
        "Invalid enum value 'no'",
    ),
}


@pytest.mark.parametrize(("data", "why"), DAMAGES.values(), ids=DAMAGES)
def test_a_journal_that_is_not_ours_is_refused_and_nothing_is_changed(path, data, why):
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(JournalError) as caught:
        Journal(path=path).read()
    text = str(caught.value)
    assert text.startswith(f"the journal {path} is damaged: {why}")
    assert text.endswith(DAMAGED)
    host = world()
    with pytest.raises(JournalError):
        converge(engine(host, Journal(path=path)), spec())
    assert state(host) == FRESH
    with open(path, "rb") as file:
        assert file.read() == data


def test_a_file_of_this_format_with_less_in_it_is_read(path):
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(msgspec.json.encode({"format": FORMAT, "nics": {str(PF): {"address": str(PF)}}}))
    assert Journal(path=path).read() == Memory(nics={PF: NicRecord(address=PF)})


@pytest.fixture
def unwritable(tmp_path) -> str:
    """A place where not even root can make a folder."""
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "journal.json")


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_changed(unwritable):
    host = world()
    with pytest.raises(JournalError) as caught:
        converge(engine(host, Journal(path=unwritable)), spec())
    assert str(caught.value) == f"cannot lock {unwritable}.lock: File exists. {HELP}"
    with pytest.raises(JournalError) as caught:
        Journal(path=unwritable).write(SOME)
    assert str(caught.value) == f"cannot write the journal {unwritable}: File exists. {HELP}"
    with pytest.raises(JournalError, match="cannot read the journal"):
        Journal(path=unwritable).read()
    assert state(host) == FRESH


def in_a_child(act, *arguments):
    child = SPAWN.Process(target=act, args=arguments)
    child.start()
    return child


@pytest.mark.parametrize("delay_s", [0.001, 0.003, 0.007, 0.013, 0.019])
def test_a_kill_while_writing_leaves_the_old_text_or_the_new_one(path, delay_s):
    Journal(path=path).write(SOME)
    ready = SPAWN.Event()
    child = in_a_child(write_for_ever, path, ready)
    assert ready.wait(60)
    time.sleep(delay_s)
    os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    found = Journal(path=path).read()
    assert found == numbered(int(found.boot_id))
    Journal(path=path).write(SOME)
    assert Journal(path=path).read() == SOME


def test_a_write_that_cannot_be_finished_leaves_the_old_text(path):
    Journal(path=path).write(SOME)
    folder, name = os.path.split(path)
    os.mkdir(f"{folder}/.{name}.draft")  # where the new text would be written first
    with pytest.raises(JournalError) as caught:
        Journal(path=path).write(Memory())
    assert os.strerror(errno.EISDIR) in str(caught.value)
    assert Journal(path=path).read() == SOME


def test_two_processes_never_change_the_machine_at_once(path):
    held, let_go = SPAWN.Event(), SPAWN.Event()
    child = in_a_child(hold, path, held, let_go)
    assert held.wait(60)
    host = world()
    with pytest.raises(JournalError) as caught:
        converge(engine(host, Journal(path=path)), spec())
    assert str(caught.value) == (
        f"another sriov-core (pid {child.pid}) is changing this machine ({path}.lock). Wait for it, or end it"
    )
    assert (state(host), os.path.exists(path)) == (FRESH, False)
    assert engine(host, Journal(path=path)).look(spec(), release=False).plan.steps, "looking is allowed all the time"
    let_go.set()
    child.join(60)
    assert converge(engine(host, Journal(path=path)), spec()).converged


def test_a_process_that_was_killed_holds_nothing(path):
    held, let_go = SPAWN.Event(), SPAWN.Event()
    child = in_a_child(hold, path, held, let_go)
    assert held.wait(60)
    os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    assert converge(engine(world(), Journal(path=path)), spec()).converged


def test_the_lock_is_given_back_after_an_error(path):
    journal = Journal(path=path)
    with pytest.raises(RuntimeError), journal.exclusive():
        raise RuntimeError
    with journal.exclusive(), pytest.raises(JournalError, match=f"pid {os.getpid()}"), Journal(path=path).exclusive():
        pass
