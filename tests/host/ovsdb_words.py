"""What tests of servers that are not as they should be share: a wish, and what looks and verbs say."""

import pytest

from sriov_core.errors import StepFailed
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, Uplink

WISH = Bridge(name="br-1", datapath_type="netdev", uplink=Uplink(nic=Address("0000:01:00.0"), name="pf0"))
SHORT_S = 0.5
"""For what is to come to its deadline."""
LONG_S = 20

SOCKET = "run/openvswitch/db.sock"
WHERE = "unix:{root}/" + SOCKET
START = "Start it (systemctl status ovsdb-server), and see whether it listens there"
RESTART = "Restart it (systemctl restart ovsdb-server)"
MUTE = f"ovsdb-server at {WHERE} took the question and did not answer in time. {RESTART}"
GONE = f"ovsdb-server at {WHERE} went away while it was asked: {{how}}. {START}"


def refusal(database: OvsDatabase, error: type[StepFailed] = StepFailed) -> str:
    """What a verb says."""
    with pytest.raises(error) as refused:
        database.set_bridge(WISH)
    return str(refused.value)


def told(database: OvsDatabase) -> str:
    """What a look says."""
    found = database.look([WISH])
    assert found is not None
    return found.error
