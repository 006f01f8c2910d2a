"""Runs the programs that vendors ship for their cards, found on this process's PATH. Never a shell, never for ever."""

import os
import shlex
import shutil
from collections.abc import Sequence

from sriov_core.errors import DeadlineExceeded, HostError
from sriov_core.host import tools
from sriov_core.host.refusals import impossible
from sriov_core.model.address import Address
from sriov_core.plugin.reader import Answer


def query(argv: Sequence[str], timeout_s: float) -> Answer | None:
    """What a program says that only reads; None when it is not installed. HostError when it does not end in time."""
    path = _search_path()
    if shutil.which(argv[0], path=path) is None:
        return None
    try:
        answer = tools.run(argv, timeout_s, path=path)
    except DeadlineExceeded as err:
        raise HostError(f"{err}. Run it yourself to see what it waits for") from err
    return Answer(code=answer.code, out=answer.out, err=answer.err)


def run(address: Address, argv: Sequence[str], timeout_s: float) -> None:
    """Run a program that changes a card. StepFailed with its own words, DeadlineExceeded when it does not end."""
    program, wanted = argv[0], tools.printable(shlex.join(argv[1:]))
    path = _search_path()
    if shutil.which(program, path=path) is None:
        advice = "Install the package that holds it, or put its folder on the PATH"
        raise impossible(address, program, wanted, f"it is in none of {path.replace(':', ', ')}", advice)
    by_hand = f"Run it yourself to see more: {tools.printable(shlex.join(argv))}"
    try:
        answer = tools.run(argv, timeout_s, path=path)
    except DeadlineExceeded as err:
        raise DeadlineExceeded(f"{address}: {err}. {by_hand}") from err
    except HostError as err:
        raise impossible(address, program, wanted, str(err).rstrip("."), by_hand) from err
    if answer.code:
        raise impossible(address, program, wanted, answer.complaint, by_hand)


def _search_path() -> str:
    """This process's own first: whoever started it knows where such programs were put."""
    own = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys(folder for folder in (*own, *tools.FOLDERS) if folder.startswith("/")))
