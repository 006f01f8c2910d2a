"""The boot file: what it holds comes back, people can read it, and one that is not whole is refused in words."""

import hashlib
import json

import pytest
from engine_machines import OTHER, PF, spec, wish
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.engine import bootfile
from sriov_core.errors import HostError, SpecError
from sriov_core.model.desired import DeviceType, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType

PATH = "/etc/sriov-core/boot.json"
REMEDY = "Write it anew with `sriov-core install-units -f FILE`"
WHOLE = bootfile.encode(spec(wish(named=True)))


def groups():
    kinds = st.builds(
        lambda device_type, mtu, vdpa, rdma, name: {
            "device_type": device_type,
            "mtu": mtu,
            "vdpa_type": vdpa,
            "is_rdma": rdma,
            "resource_name": name,
            "policy_name": name,
        },
        st.sampled_from(DeviceType),
        st.none() | st.integers(68, 9216),
        st.none() | st.sampled_from(VdpaType),
        st.booleans(),
        st.text("abc-", max_size=4),
    )
    return st.tuples(kinds, kinds).map(
        lambda pair: (VfGroup(first=0, last=1, **pair[0]), VfGroup(first=2, last=9, **pair[1]))
    )


@st.composite
def wishes(draw):
    nics = tuple(
        wish(
            address,
            named=True,
            num_vfs=draw(st.integers(0, 64)),
            mtu=draw(st.none() | st.integers(68, 9216)),
            groups=draw(groups()),
            eswitch_mode=draw(st.sampled_from(EswitchMode)),
            link_type=draw(st.none() | st.sampled_from(LinkType)),
            externally_managed=draw(st.booleans()),
            plugin=draw(st.none() | st.just("acme")),
        )
        for address in draw(st.sampled_from([(), (PF,), (PF, OTHER)]))
    )
    return NodeSpec(nics=nics, rdma_mode=draw(st.sampled_from(["", "shared", "exclusive"])))


@given(wishes())
def test_the_wish_comes_back_as_it_was_written(given_wish):
    found = bootfile.decode(bootfile.encode(given_wish).encode(), PATH)
    assert found.spec == given_wish
    assert bootfile.encode(found.spec) == bootfile.encode(given_wish)


def test_people_read_the_spec_of_a_node_state():
    content = json.loads(WHOLE)
    assert list(content) == ["format", "written_by", "generation", "spec"]
    assert (content["format"], content["written_by"]) == (1, bootfile.WRITTEN_BY)
    assert content["spec"]["interfaces"][0]["pciAddress"] == str(PF)
    assert content["spec"]["interfaces"][0]["vfGroups"][1] == {
        "deviceType": "netdevice",
        "vfRange": "2-3",
        "mtu": 9000,
    }
    assert WHOLE.count("\n") > 10


def test_the_generation_names_the_wish():
    same, other = bootfile.encode(spec(wish(named=True))), bootfile.encode(spec(wish(num_vfs=3)))
    assert same == WHOLE
    assert json.loads(other)["generation"] != json.loads(WHOLE)["generation"]


def test_a_wish_that_the_file_cannot_hold_is_refused():
    with pytest.raises(SpecError, match="cannot hold all of this wish: restore_rdma_mode would be lost"):
        bootfile.encode(NodeSpec(restore_rdma_mode="shared"))


def altered(change, *, rehash=False) -> str:
    """The whole file with a change; with ``rehash`` its generation is that of what it holds then."""
    content = json.loads(WHOLE)
    change(content)
    if rehash:
        canonical = json.dumps(content["spec"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        content["generation"] = f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
    return json.dumps(content)


BAD = {
    "empty": ("", "is damaged: Input data was truncated"),
    "cut-off": (WHOLE[: len(WHOLE) // 2], "is damaged: Input data was truncated"),
    "garbage": ("\0\0\0", "is damaged: JSON is malformed"),
    "no-utf-8": (b'{"format": "\xff"}', "is damaged"),
    "a-list": ("[]", "is damaged: Expected `object`, got `array`"),
    "nested-too-deep": ("[" * 5000, "is damaged"),
    "another-format": (altered(lambda file: file.update(format=2)), "is of another version: its format is 2"),
    "no-format": (altered(lambda file: file.pop("format")), "is of another version: its format is None"),
    "unknown-field": (altered(lambda file: file.update(color="red")), "Object contains unknown field `color`"),
    "missing-field": (altered(lambda file: file.pop("spec")), "Object missing required field `spec`"),
    "edited": (
        altered(lambda file: file["spec"]["interfaces"][0].update(numVfs=7)),
        "is not whole: its spec is not the one that it was written with: somebody changed it, or it is damaged",
    ),
    "unknown-field-in-the-spec": (
        altered(lambda file: file["spec"]["interfaces"][0].update(numvfs=7), rehash=True),
        "spec.interfaces[0].numvfs",
    ),
    "impossible-value": (
        altered(lambda file: file["spec"]["interfaces"][0].update(pciAddress="no address"), rehash=True),
        "spec.interfaces[0].pciAddress",
    ),
    "text-for-a-number": (
        altered(lambda file: file["spec"]["interfaces"][0].update(numVfs="7"), rehash=True),
        "spec.interfaces[0].numVfs",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_file_that_is_not_whole_is_refused_in_words(text, said):
    with pytest.raises(SpecError) as caught:
        bootfile.decode(text if isinstance(text, bytes) else text.encode(), PATH)
    assert said in str(caught.value)
    assert PATH in str(caught.value)
    assert str(caught.value).endswith(REMEDY)


@given(st.integers(0, len(WHOLE) - 2))
def test_a_file_cut_off_anywhere_is_refused(length):
    with pytest.raises(SpecError, match="is damaged"):
        bootfile.decode(WHOLE[:length].encode(), PATH)


def test_a_file_that_is_not_there_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(HostError, match=r"there is no boot file .*/boot\.json\. Write it anew with"):
        bootfile.read(str(tmp_path / "boot.json"))
    with pytest.raises(HostError, match=r"cannot read the boot file .*: Is a directory"):
        bootfile.read(str(tmp_path))
