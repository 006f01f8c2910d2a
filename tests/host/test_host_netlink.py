"""rtnetlink on a real kernel, each test in a network namespace of its own."""

from pathlib import Path

import pytest
from namespaces import NEEDS_ROOT, in_namespace, on_machine
from tree import PF, HostTree

pytestmark = NEEDS_ROOT


def test_the_mtu_is_set_as_ip_shows_it() -> None:
    assert in_namespace("[net.set_mtu(index('left'), 9000), show('left')['mtu']]") == [None, 9000]


def test_a_link_is_set_up_and_down_as_ip_shows_it() -> None:
    flags = "'UP' in show('left')['flags']"
    found = in_namespace(f"[net.set_up(index('left'), up=True), {flags}, net.set_up(index('left'), up=False), {flags}]")
    assert found == [None, True, None, False]


def test_limits_of_the_mtu_and_alternative_names_are_told() -> None:
    code = (
        "[ip('link property add dev left altname one altname a-very-long-alternative-name'),"
        "(d := net.details(index('left'))).min_mtu, d.max_mtu, list(d.alt_names)]"
    )
    assert in_namespace(code) == ["", 68, 65535, ["one", "a-very-long-alternative-name"]]


def test_a_link_without_alternative_names_has_none() -> None:
    assert in_namespace("list(net.details(index('left')).alt_names)") == []


def test_a_refusal_carries_the_kernel_s_own_sentence() -> None:
    assert in_namespace("refusal(lambda: net.set_mtu(index('left'), 9))") == [22, "mtu less than device minimum"]


def test_a_link_that_is_gone_is_no_such_device() -> None:
    assert in_namespace("refusal(lambda: net.details(4711))") == [19, "No such device"]


def test_a_netdev_without_vfs_refuses_an_address_for_one() -> None:
    found = in_namespace(
        "[net.vf_macs(index('left')), refusal(lambda: net.set_vf_mac(index('left'), 0, '02:00:00:00:00:01'))]"
    )
    assert found == [{}, [95, "Operation not supported"]]


def test_versions_and_permanent_addresses_come_from_ethtool() -> None:
    code = (
        "[ethtool.versions('left').driver_version, ethtool.versions('left').firmware_version,"
        "ethtool.permanent_address('left'), ethtool.versions('absent').driver_version]"
    )
    assert in_namespace(code) == ["1.0", None, None, None]


def test_devlink_offers_no_eswitch_for_a_device_it_does_not_know() -> None:
    code = (
        "[__import__('sriov_core.host.devlink', fromlist=['x']).Devlink(10, 10)"
        ".eswitch_mode(__import__('sriov_core.model.address', fromlist=['x']).Address('0000:01:00.0'))]"
    )
    # On a kernel without devlink, pyroute2 leaves the socket that it failed to set up to the garbage collector.
    assert in_namespace(code, may_leak=True) == [None]


def test_a_link_that_appears_wakes_whoever_waits_for_it() -> None:
    code = (
        "[(w := __import__('sriov_core.host.waiting', fromlist=['x'])), (t := __import__('threading')), "
        "t.Timer(0.3, lambda: ip('link add late type veth peer name late2')).start(), "
        "w.until(lambda: 'late' in ip('link'), 10, live=True)][-1]"
    )
    assert in_namespace(code) is True


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(name="left")
    return found


def test_the_verbs_of_a_machine_reach_the_kernel(tree: HostTree) -> None:
    tree.write(f"sys/bus/pci/devices/{PF}/net/left/flags", "0x1002\n")
    code = (
        "[machine.set_mtu(pf, 4000), machine.set_link(pf, up=True), show('left')['mtu'], 'UP' in show('left')['flags']]"
    )
    assert on_machine(tree, code) == [None, None, 4000, True]


def test_a_value_that_is_there_already_is_not_set_again(tree: HostTree) -> None:
    code = "[ip('link set left mtu 1400'), machine.set_mtu(pf, 1500), show('left')['mtu']]"
    assert on_machine(tree, code) == ["", None, 1400]


def test_a_machine_tells_of_a_pf_what_only_netlink_knows(tree: HostTree) -> None:
    code = (
        "[ip('link property add dev left altname other'), (link := machine.links(pf)[0]).min_mtu, link.max_mtu,"
        "list(link.alt_names), machine.firmware(pf).driver_version, dict(machine.vf_macs(pf))]"
    )
    assert on_machine(tree, code) == ["", 68, 65535, ["other"], "1.0", {}]


def test_a_refusal_over_netlink_names_device_value_errno_and_the_kernel_s_reason(tree: HostTree) -> None:
    found = on_machine(
        tree, "[words(lambda: machine.set_mtu(pf, 9)), words(lambda: machine.set_vf_mac(pf, 0, '02:00:00:00:00:01'))]"
    )
    too_small = "mtu: 9 refused with EINVAL (mtu less than device minimum). The kernel does not take this value"
    no_vfs = "vf 0 mac: 02:00:00:00:00:01 refused with EOPNOTSUPP (Operation not supported). Its kernel driver cannot"
    assert found == [f"{PF}: {too_small} for this device", f"{PF}: {no_vfs} do this"]


def test_a_representor_has_no_details_and_the_own_netdev_beside_it_has(tree: HostTree) -> None:
    path = "sys/bus/pci/devices/" + PF + "/net/right"
    for attribute, value in {"ifindex": "4711", "flags": "0x1002", "phys_port_name": "pf0vf3"}.items():
        tree.write(f"{path}/{attribute}", f"{value}\n")
    code = "[[link.name, link.min_mtu, link.max_mtu, list(link.alt_names)] for link in machine.links(pf)]"
    assert on_machine(tree, f"[ip('link property add dev left altname other'), {code}]") == [
        "",
        [["left", 68, 65535, ["other"]], ["right", None, None, []]],
    ]


def _renumbered(number: int) -> str:
    return f"Path(f'{{sys.argv[1]}}/sys/bus/pci/devices/{{pf}}/net/left/ifindex').write_text('{number}') and None"


def test_a_netdev_that_went_away_after_it_was_listed_is_none_of_the_device_s(tree: HostTree) -> None:
    tree.netdev(PF, "left_0", ifindex="4712", phys_port_name="pf0vf0")
    code = "[link.name for link in machine.links(pf)], dict(machine.vf_macs(pf)), dict(machine.vf_guids(pf))"
    assert on_machine(tree, f"[{_renumbered(4711)}, {code}]") == [None, ["left_0"], {}, {}]


def test_a_refused_question_is_told_with_errno_and_reason_and_not_as_silence(tree: HostTree) -> None:
    # net/core/rtnetlink.c (rtnl_getlink): neither an index nor a name.
    found = on_machine(tree, f"[{_renumbered(0)}, words(lambda: machine.vf_macs(pf))]")
    words = "a question to the kernel was refused with EINVAL (Invalid argument)"
    assert found == [None, f"{PF}: {words}. The kernel does not take this value for this device"]


GUID = "'00:02:c9:03:00:12:34:56'"


def test_a_netdev_that_is_no_infiniband_has_no_guids_and_takes_none() -> None:
    # net/core/rtnetlink.c (do_setvfinfo, handle_vf_guid) refuses all but ARPHRD_INFINIBAND.
    found = in_namespace(f"[net.vf_guids(index('left')), refusal(lambda: net.set_vf_guid(index('left'), 0, {GUID}))]")
    assert found == [{}, [95, "Operation not supported"]]


def test_a_link_that_is_gone_has_no_guids_to_tell_or_take() -> None:
    found = in_namespace(f"[refusal(lambda: net.vf_guids(4711)), refusal(lambda: net.set_vf_guid(4711, 0, {GUID}))]")
    assert found == [[19, "No such device"], [19, "No such device"]]


def test_a_refused_guid_names_pf_vf_errno_and_remedy(tree: HostTree) -> None:
    found = on_machine(tree, f"[dict(machine.vf_guids(pf)), words(lambda: machine.set_vf_guid(pf, 3, {GUID}))]")
    words = "refused with EOPNOTSUPP (Operation not supported). Its kernel driver cannot do this"
    assert found == [{}, f"{PF}: vf 3 guid: 00:02:c9:03:00:12:34:56 {words}"]
