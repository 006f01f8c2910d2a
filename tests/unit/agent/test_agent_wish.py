"""What is wished: from the cluster's object, from a file, from a ConfigMap."""

import re

import pytest

from sriov_core.agent.shortform import SeenConfigMap, of_config_maps
from sriov_core.agent.switches import Given, SeenConfig, switches
from sriov_core.agent.wish import SeenNodeState, Wish, of_node_state, of_text, status_of
from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.kube.lean import LeanMeta
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NodeSpec
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.policy.pins import parse_pins

PF = Address("0000:01:00.0")
OTHER = Address("0000:41:00.0")
INTERFACE = {"pciAddress": str(PF), "numVfs": 2, "vfGroups": [{"vfRange": "0-1", "resourceName": "fast"}]}


def state(spec=None, *, generation=2, rendered=False, uid="u", **notes) -> SeenNodeState:
    annotations = {**({keys.RENDERED: "true"} if rendered else {}), **notes}
    meta = LeanMeta(name="worker", namespace="sriov", uid=uid, generation=generation, annotations=annotations)
    return SeenNodeState(metadata=meta, spec=spec or {})


OPINIONS = {
    "new-and-empty": ({}, 1, False, False, False),
    "new-and-empty-and-judged": ({}, 1, True, True, True),
    "emptied-later": ({}, 2, False, True, True),
    "made-with-a-wish": ({"interfaces": [INTERFACE]}, 1, False, True, True),
    "only-an-rdma-mode": ({"system": {"rdmaMode": "shared"}}, 1, False, True, True),
}


@pytest.mark.parametrize("row", OPINIONS.values(), ids=OPINIONS)
def test_an_empty_wish_that_nobody_judged_gives_nothing_back(row):
    spec, generation, rendered, release, says_something = row
    wish = of_node_state(state(spec, generation=generation, rendered=rendered))
    assert (wish.release, wish.says_something, wish.error) == (release, says_something, "")


def test_the_wish_in_a_node_state():
    wish = of_node_state(state({"interfaces": [INTERFACE]}))
    (nic,) = wish.spec.nics
    assert (nic.address, nic.num_vfs, nic.named, wish.version) == (PF, 2, True, "u/2")


GARBAGE = {
    "no-address": ({"interfaces": [{"pciAddress": "eth0"}]}, "no PCI address"),
    "a-range-backwards": ({"interfaces": [{**INTERFACE, "vfGroups": [{"vfRange": "3-1"}]}]}, "vfRange"),
    "a-text-for-a-number": ({"interfaces": [{**INTERFACE, "numVfs": "two"}]}, r"interfaces\[0\].numVfs"),
    "a-map-for-a-list": ({"interfaces": {"a": 1}}, "spec.interfaces"),
    "one-nic-twice": ({"interfaces": [INTERFACE, INTERFACE]}, "is given in"),
    "an-unknown-device-type": (
        {"interfaces": [{**INTERFACE, "vfGroups": [{"vfRange": "0-1", "deviceType": "x"}]}]},
        "x",
    ),
}


@pytest.mark.parametrize("row", GARBAGE.values(), ids=GARBAGE)
def test_garbage_written_by_hand_is_an_error_in_words_and_no_wish(row):
    spec, words = row
    wish = of_node_state(state(spec))
    assert wish.spec == NodeSpec()
    assert not wish.release
    assert "worker" in wish.error
    assert re.search(words, wish.error)


def test_pins_of_the_administrator_are_taken_and_bad_ones_are_noted():
    notes = {keys.PINNED_PLUGINS: f"{PF}=generic, nonsense, {PF}=intel"}
    wish = of_node_state(state({"interfaces": [INTERFACE]}, **notes))
    assert wish.pins == {PF: "generic"}
    assert [("nonsense" in note, "pinned to generic and to intel" in note) for note in wish.notes] == [
        (True, False),
        (False, True),
    ]


PINS = {
    "none": ("", {}, 0),
    "two": (f"{PF}=generic,{OTHER}=intel", {PF: "generic", OTHER: "intel"}, 0),
    "blanks": (f" {PF} = generic , ", {PF: "generic"}, 0),
    "no-plugin": (f"{PF}=", {}, 1),
    "no-address": ("eth0=generic", {}, 1),
    "the-same-twice": (f"{PF}=generic,{PF}=generic", {PF: "generic"}, 0),
}


@pytest.mark.parametrize("row", PINS.values(), ids=PINS)
def test_pins(row):
    text, plugins, faults = row
    found = parse_pins(text)
    assert (found.plugins, len(found.faults)) == (plugins, faults)


def test_a_status_that_nobody_can_read_counts_as_empty():
    seen = SeenNodeState(metadata=LeanMeta(name="worker"), status={"interfaces": "none"})
    assert status_of(seen) == NodeStateStatus()


FILE = f"""
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodeState
metadata: {{name: worker}}
spec: {{interfaces: [{{pciAddress: "{PF}", numVfs: 3}}]}}
"""


def test_the_wish_in_a_file_is_the_whole_wish():
    wish = of_text(FILE, "wish.yaml")
    assert (wish.spec.nics[0].num_vfs, wish.release, wish.error) == (3, True, "")


POLICY = """
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodePolicy
metadata: {name: p}
spec: {resourceName: r, numVfs: 1, nicSelector: {vendor: "8086"}, nodeSelector: {a: b}}
"""
FILES = {
    "empty": ("", "wish.yaml: the file is empty"),
    "two-nodes": (f"{FILE}---{FILE}", "wish.yaml holds 2 node states"),
    "none": ("apiVersion: v1\nkind: List\nitems: []\n", "wish.yaml"),
    "only-a-comment": ("# later\n", "the file is empty. Write one SriovNetworkNodeState there"),
    "a-misspelled-field": (FILE.replace("numVfs", "numVf"), "numVfs"),
    "no-yaml": ("{", "wish.yaml"),
    "policies": (
        POLICY,
        "holds SriovNetworkNodePolicy, and the wish is one SriovNetworkNodeState. Write it there: `sriov-core render`",
    ),
}


@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_a_bad_file_is_an_error_in_words(row):
    text, words = row
    wish = of_text(text, "wish.yaml")
    assert words in wish.error
    assert not wish.says_something


SEEN = Snapshot(
    nics=(
        Nic(address=PF, vendor="8086", device="10c9", name="eth0", alt_names=("enp1s0",), total_vfs=7),
        Nic(address=OTHER, vendor="8086", device="10c9", name="eth1", total_vfs=7),
    )
)


def config_map(text, *, name="nics") -> SeenConfigMap:
    data = {} if text is None else {"interfaces": text}
    return SeenConfigMap(metadata=LeanMeta(name=name, uid=name, resource_version="7"), data=data)


def test_the_short_form_names_nics_as_the_machine_does():
    text = "- {name: enp1s0, type: vfio-pci, numVfs: 4}\n- {name: eth1, numVfs: 2, mtu: 9000, resourceName: fast}\n"
    wish = of_config_maps([config_map(text)], SEEN)
    first, second = wish.spec.nics
    assert (first.address, first.num_vfs, first.device_type(3)) == (PF, 4, DeviceType.VFIO_PCI)
    assert (second.address, second.mtu, second.groups[0].resource_name) == (OTHER, 9000, "fast")
    assert (wish.release, wish.problems, second.groups[0].mtu) == (True, (), 9000)


def test_without_a_config_map_nobody_wishes_anything():
    assert of_config_maps([], SEEN) is None


def test_an_empty_list_gives_everything_back():
    wish = of_config_maps([config_map("[]")], SEEN)
    assert (wish.spec, wish.release) == (NodeSpec(), True)


def test_while_a_nic_is_missing_nothing_is_given_back():
    wish = of_config_maps([config_map("- {name: eth7, numVfs: 1}\n- {name: eth1, numVfs: 1}\n")], SEEN)
    assert [nic.address for nic in wish.spec.nics] == [OTHER]
    assert not wish.release
    assert "no NIC eth7, and nothing is given back meanwhile" in str(wish.problems[0])


SHORT = {
    "no-key": (None, "it has no key interfaces"),
    "no-list": ("name: eth0", "data.interfaces"),
    "a-misspelled-field": ("- {name: eth0, numvfs: 3}", "data.interfaces"),
    "a-type-that-is-none": ("- {name: eth0, numVfs: 3, type: vfio}", "none of netdevice, vfio-pci"),
    "fewer-than-none": ("- {name: eth0, numVfs: -1}", "cannot be below 0"),
    "one-nic-by-two-names": ("- {name: eth0, numVfs: 1}\n- {name: enp1s0, numVfs: 2}", f"{PF} is named twice"),
    "no-yaml": ("- {", "document 1"),
    "two-lists": ("- {name: eth0, numVfs: 1}\n---\n- {name: eth1, numVfs: 1}\n", "holds 2 documents"),
}


@pytest.mark.parametrize("row", SHORT.values(), ids=SHORT)
def test_a_bad_short_form_is_an_error_in_words(row):
    text, words = row
    wish = of_config_maps([config_map(text)], SEEN)
    assert words in wish.error
    assert "ConfigMap nics" in wish.error


def test_two_config_maps_for_one_node_are_an_error():
    wish = of_config_maps([config_map("[]"), config_map("[]", name="more")], SEEN)
    assert "nics and more" in wish.error


def test_the_switches_follow_the_configuration_and_the_command_line():
    meta = LeanMeta(name="default")
    config = SeenConfig(metadata=meta)
    plain = switches(config, Given())
    assert (plain.block_plugin, plain.reset_firmware, plain.bridges, plain.parallel) == (True, True, False, False)
    assert switches(None, Given()) == plain
    assert [switches(one, Given(log_level=2)).log_level for one in (None, config)] == [2, 0]
    forced = switches(config, Given(external_drainer=True, parallel=True, bridges=True))
    assert (forced.terms.external, forced.parallel, forced.bridges) == (True, True, True)


def test_t71_gates_and_switches_are_read_from_the_object():
    import msgspec  # noqa: PLC0415

    text = b"""{"metadata": {"name": "default"}, "spec": {"disableDrain": true, "logLevel": 2, "enableInjector": true,
        "featureGates": {"mellanoxFirmwareReset": false, "manageSoftwareBridges": true, "nonsense": true}}}"""
    on = switches(msgspec.json.decode(text, type=SeenConfig), Given())
    assert (on.terms.disabled, on.log_level, on.reset_firmware, on.bridges) == (True, 2, False, True)


def test_a_wish_that_says_nothing_is_told_from_one_that_wishes_nothing():
    assert not Wish().says_something
    assert Wish(release=True).says_something
