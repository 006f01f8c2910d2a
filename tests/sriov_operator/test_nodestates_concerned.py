"""No status of a policy is left behind: whoever counts again only what concerns it, has what everybody would count."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from some_nodestates import CX6, X710, node, policy, state

from sriov_core.policy.nodeoutcome import WORKER, Settings
from sriov_operator.nodestates.board import Board, Opening

NODES = st.sampled_from(["n1", "n2"])
NAMES = ("p1", "p2")
POLICIES = st.sampled_from(NAMES)
OPENINGS = st.sampled_from(["config-1", "config-2"])
SPECS = st.fixed_dictionaries(
    {
        "nodeSelector": st.sampled_from([{}, {"zone": "a"}, {"zone": "b"}]),
        "nicSelector": st.sampled_from([{"vendor": "8086"}, {"vendor": "15b3"}, {"pfNames": ["ens803f0#0-1"]}]),
        "numVfs": st.sampled_from([0, 2, 4]),
        "priority": st.sampled_from([1, 9]),
    }
)
LABELS = st.sampled_from([WORKER, {**WORKER, "zone": "a"}, {**WORKER, "zone": "b"}, {}])
REPORTS = st.sampled_from(
    [
        None,
        {},
        {"interfaces": [X710], "syncStatus": "Succeeded"},
        {"interfaces": [X710], "syncStatus": "InProgress"},
        {"interfaces": [X710, CX6], "syncStatus": "Failed", "lastSyncError": "no IOMMU"},
        {"interfaces": [{**X710, "pciAddress": "garbage"}], "syncStatus": "Succeeded"},
    ]
)


class Statuses(RuleBasedStateMachine):
    """As the controllers use the board: what a change reaches is judged again, what that concerns is counted again."""

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self.nodes = {}
        self.reached = set()
        self.concerned = set()
        self.counted = {}
        self.judged = {}
        self.open("config-1", {})
        self.put_policy("p1", {"nicSelector": {"vendor": "8086"}})
        self.put_node("n1", WORKER, {"interfaces": [X710], "syncStatus": "Succeeded"})

    @rule(uid=OPENINGS, selector=st.sampled_from([{}, {"zone": "a"}]))
    def open(self, uid, selector):
        known = self.board.opening
        self.reached |= self.board.open(Opening(uid=uid), Settings(node_selector=selector))
        if known != Opening(uid=uid):
            self.look_at_everything()

    @rule()
    def close(self):
        self.board.close()
        self.look_at_everything()

    def look_at_everything(self):
        self.reached |= set(self.nodes)
        self.concerned |= set(NAMES)

    @rule(name=POLICIES, spec=SPECS)
    def put_policy(self, name, spec):
        self.reached |= self.board.put_policies([policy(name, **spec)])
        self.concerned.add(name)

    @rule(name=POLICIES)
    def drop_policy(self, name):
        self.reached |= self.board.drop_policy(name)
        self.concerned.add(name)

    @rule(name=NODES, labels=LABELS, report=REPORTS)
    def put_node(self, name, labels, report):
        self.nodes[name] = node(name, labels), None if report is None else state(name, **report)
        self.reached.add(name)

    @rule(name=NODES)
    def drop_node(self, name):
        self.nodes.pop(name, None)
        self.reached.add(name)

    @precondition(lambda self: self.reached)
    @rule(data=st.data())
    def judge(self, data):
        name = data.draw(st.sampled_from(sorted(self.reached)))
        self.reached.discard(name)
        self.look_at(name)

    def look_at(self, name):
        judged = self.board.judge(name, *self.nodes.get(name, (None, None)))
        self.judged[name] = judged.moment
        self.concerned |= judged.policies

    @precondition(lambda self: self.judged)
    @rule(data=st.data())
    def write(self, data):
        name = data.draw(st.sampled_from(sorted(self.judged)))
        self.concerned |= self.board.written(name, self.judged.pop(name))

    @precondition(lambda self: self.concerned)
    @rule()
    def count(self):
        for name in self.concerned:
            self.counted[name] = self.board.standing(name)
        self.concerned.clear()

    @rule()
    def settle(self):
        """Each node is looked at once more, as the pass after a write does, and has its wish then."""
        for name in sorted({*self.reached, *self.nodes}):
            self.look_at(name)
            self.concerned |= self.board.written(name, self.judged.pop(name))
        self.reached.clear()
        self.count()
        for name in NAMES:
            found = self.board.standing(name)
            assert self.counted.get(name) == found
            assert found is None or all("node state does not have" not in one.reason for one in found.status.details)

    def teardown(self):
        self.settle()


TestStatuses = Statuses.TestCase
TestStatuses.settings = settings(max_examples=300, stateful_step_count=20, deadline=None)
