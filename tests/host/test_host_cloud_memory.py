"""When a cloud is asked again: seldom, at once for a NIC that it never told of, and never for each look."""

import pytest
from tree import HostTree

from sriov_core.errors import HostError
from sriov_core.host.cloud import Cloud
from sriov_core.host.linux import LinuxHost

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"


class Service:
    """A cloud whose answer can be changed, or taken away (None)."""

    def __init__(self, *macs: str) -> None:
        self.macs: tuple[str, ...] | None = macs
        self.times_asked = 0

    def __call__(self, wanted):
        self.times_asked += 1
        if self.macs is None:
            raise HostError("the cloud is out of order")
        return {mac: f"aws/NetworkID:{mac[-1]}" for mac in self.macs}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def cloud(service, clock):
    return Cloud("", live=True, platform="aws", source=service, clock=clock)


def known(cloud, *macs):
    return set(cloud.network_ids(lambda: macs))


def test_a_full_answer_is_kept_for_ever(clock):
    service = Service(A, B)
    asked = cloud(service, clock)
    for _ in range(3):
        assert asked.network_ids(lambda: (A,)) == {A: "aws/NetworkID:a", B: "aws/NetworkID:b"}
        clock.now += 100_000
    assert service.times_asked == 1


def test_a_nic_that_was_plugged_in_is_asked_for_at_once(clock):
    service = Service(A)
    asked = cloud(service, clock)
    known(asked, A)
    service.macs = (A, B)
    assert known(asked, A, B) == {A, B}


def test_a_cloud_that_learns_of_a_new_nic_late_is_asked_again_after_a_while(clock):
    service = Service(A)
    asked = cloud(service, clock)
    known(asked, A)
    assert known(asked, A, B) == {A}
    service.macs = (A, B)
    clock.now += 29
    assert known(asked, A, B) == {A}
    clock.now += 1
    assert known(asked, A, B) == {A, B}
    assert service.times_asked == 3


def test_a_nic_that_no_cloud_knows_is_asked_for_ever_more_seldom(clock):
    service = Service(A)
    asked = cloud(service, clock)
    for _ in range(24 * 60):
        known(asked, A, B)
        clock.now += 60
    assert service.times_asked < 24 * 6 + 6
    clock.now += 600
    service.macs = (A, B)
    assert known(asked, A, B) == {A, B}


def test_a_nic_that_went_away_is_no_reason_to_ask(clock):
    service = Service(A, B)
    asked = cloud(service, clock)
    known(asked, A, B)
    known(asked, A)
    known(asked)
    assert service.times_asked == 1


def test_a_failure_is_kept_for_a_while_and_then_tried_again(clock):
    service = Service()
    service.macs = None
    asked = cloud(service, clock)
    for _ in range(5):
        with pytest.raises(HostError, match="the cloud is out of order"):
            known(asked, A)
    assert service.times_asked == 1
    clock.now += 30
    service.macs = (A,)
    assert known(asked, A) == {A}


def test_a_failure_without_any_nic_is_tried_again_as_well(clock):
    service = Service()
    service.macs = None
    asked = cloud(service, clock)
    with pytest.raises(HostError):
        known(asked)
    clock.now += 30
    service.macs = (A,)
    assert known(asked) == {A}


def test_what_is_known_outlives_a_service_that_fails_later(clock):
    """The NICs in use keep their network; the new one waits."""
    service = Service(A)
    asked = cloud(service, clock)
    known(asked, A)
    service.macs = None
    assert known(asked, A, B) == {A}
    clock.now += 30
    service.macs = (A, B)
    assert known(asked, A, B) == {A, B}


def test_a_second_new_nic_does_not_wait_for_the_first(clock):
    service = Service(A)
    asked = cloud(service, clock)
    known(asked, A, B)
    service.macs = (A, C)
    assert known(asked, A, B, C) == {A, C}


def test_it_is_asked_anew_when_told_so(clock):
    service = Service(A)
    asked = cloud(service, clock)
    known(asked, A)
    service.macs = (B,)
    asked.refresh()
    assert known(asked) == {B}


def test_what_is_handed_out_changes_nothing_that_is_kept(clock):
    asked = cloud(Service(A), clock)
    asked.network_ids().clear()
    assert known(asked) == {A}


def test_where_there_is_no_cloud_nobody_is_asked(clock):
    service = Service(A)
    for platform in ("baremetal", "virtual"):
        assert Cloud("", live=True, platform=platform, source=service, clock=clock).network_ids() == {}
    assert service.times_asked == 0


def test_a_host_asks_for_the_nics_that_were_given_to_its_machine(tmp_path, clock):
    tree = HostTree(tmp_path / "root")
    tree.pf()
    for number in (2, 3):
        tree.function(f"0000:0{number}:00.0", "1d0f:ec20", driver="ena")
        tree.netdev(f"0000:0{number}:00.0", f"ens{number}")
    macs = [(tree.device(f"0000:0{number}:00.0") / f"net/ens{number}/address").read_text().strip() for number in (2, 3)]
    service = Service(*macs)
    host = LinuxHost(str(tree.root), cloud=cloud(service, clock))
    assert set(host.network_ids()) == set(macs)  # the PF's own is not missed, so nobody is asked twice
    clock.now += 100_000
    host.network_ids()
    assert service.times_asked == 1
