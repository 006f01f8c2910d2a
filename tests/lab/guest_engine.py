"""The engine in the guest as a test drives it: `guest/engine_server.py`, told over its FIFOs what to reach."""

import json
import shlex


class Agent:
    """The engine in the guest: each request is one process, as the agent would be."""

    def __init__(self, node):
        self.node = node
        self.start()

    def start(self):
        self.node.sh(
            "rm -f /tmp/engine.*; nohup python3 /project/tests/lab/guest/engine_server.py >/tmp/engine.log 2>&1 & "
            "for i in $(seq 600); do [ -p /tmp/engine.out ] && exit 0; sleep 0.1; done; cat /tmp/engine.log; exit 1"
        )

    def begin(self, wish, die_after=None, die_in=None, late_s=0.0):
        """Start the engine. It dies after step ``die_after``, or ``late_s`` seconds into step ``die_in``."""
        request = json.dumps({"wish": wish, "die_after": die_after, "die_in": die_in, "late_s": late_s})
        self.node.sh(f"echo {shlex.quote(request)} > /tmp/engine.in")

    def converge(self, wish, **death):
        self.begin(wish, **death)
        return json.loads(self.node.sh("cat /tmp/engine.out"))

    def reach(self, wish):
        answer = self.converge(wish)
        assert answer["rc"] == 0, answer
        assert isinstance(answer["report"], dict), answer["report"]
        assert answer["report"]["converged"], answer
        return answer["report"]
