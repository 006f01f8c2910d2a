"""A machine that boots, and the boot files that the tests give it."""

from engine_machines import OTHER, engine, spec, wish, world

from sriov_core.engine import bootfile, bootresult
from sriov_core.engine.boot import Boot
from sriov_core.engine.bootfile import BootFile
from sriov_core.engine.bootresult import BootResult
from sriov_core.engine.journal import Journal
from sriov_core.planning.stages import Stage

PREPARED = {"vfs": [None] * 4, "vf_mtus": [None] * 4, "mtu": 9000, "up": True, "autoprobe": False}
BOTH = spec(wish(named=True), wish(OTHER, named=True))
NO_PRE = "pre: there is no result of it in this boot"


def given(wishes=None) -> BootFile:
    return bootfile.decode(bootfile.encode(wishes or spec(wish(named=True))).encode(), "boot.json")


class Machine:
    """A machine that boots: its journal and the result file outlive a phase, as they do on a disk."""

    def __init__(self, folder, host=None) -> None:
        self.host = host or world()
        self.journal = Journal(path=str(folder / "journal.json"))
        self.results = str(folder / "run" / "boot-result.json")
        self.waits = []

    def until(self, is_so, timeout_s):
        self.waits.append(timeout_s)
        return is_so()

    def boot(self, stage, wishes=None, host=None, **facts) -> BootResult:
        phase = Boot(
            **{
                "engine": engine(host or self.host, self.journal),
                "stage": stage,
                "results": self.results,
                "until": self.until,
                **facts,
            }
        )
        return phase.run(wishes if isinstance(wishes, BootFile | Exception) else given(wishes))

    def pre(self, *args, **facts) -> BootResult:
        return self.boot(Stage.PRE, *args, **facts)

    def post(self, *args, **facts) -> BootResult:
        return self.boot(Stage.POST, *args, **facts)

    @property
    def written(self) -> BootResult | None:
        return bootresult.read(self.results, self.host.node().boot_id)
