"""Cutting the machine's power at random moments, then convergence without a human."""

import json
import random

import pytest
from guest_engine import Agent
from guest_node import PF, GuestNode
from guest_wish import WISH, assert_as_wished, assert_given_back

pytestmark = pytest.mark.lab

JOURNAL = "/var/lib/sriov-core/journal.json"
POWER_CUTS = 10


def test_power_cuts_at_random_moments_are_survived(fresh_vm):
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    node = GuestNode(fresh_vm)
    agent = Agent(node)
    duration = agent.reach(WISH)["seconds"]
    assert_as_wished(node)

    for cut in range(POWER_CUTS):
        moment = moments.uniform(0, duration + 0.5)
        where = f"cut {cut} at {moment:.2f} s of {duration:.2f} s (seed {seed})"
        agent.reach([])
        assert_given_back(node)
        agent.begin(WISH)
        node.sh(f"sleep {moment:.2f}")
        fresh_vm.power_cut()

        fresh_vm.boot()
        agent.start()
        answer = agent.converge(WISH)
        assert answer["rc"] == 0, f"{where}: {answer}"
        assert answer["report"]["converged"], f"{where}: {answer}"
        assert_as_wished(node)
        baseline = json.loads(node.sh(f"cat {JOURNAL}"))["nics"][PF]["baseline"]
        assert (baseline["num_vfs"], baseline["mtu"]) == (0, 1500), f"{where}: the baseline is lost"
