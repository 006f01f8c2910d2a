"""Why a wish is refused: each problem has its code, says what was wanted and found, and what to do."""

import pytest
from mellanox_values import P1, faulty, firmware, ib, port, release, vfs, wish

from sriov_core.model.desired import NO_GUID, VdpaType, VfGroup
from sriov_core.model.observed import LinkType
from sriov_plugins import mellanox

MISSING = "firmware-tool-missing: mstconfig is not installed"
LOCKED = "firmware-lockdown: the kernel is locked down (integrity), which bars mstconfig from the card"
DPU = "firmware-dpu-mode: the card is in DPU mode"
BROKEN = "firmware-unreadable: mstconfig -e -d 0000:3b:00.0 q: Failed to open the device"
TO_IB = {"link_type": LinkType.IB}
GUID = "02:00:00:00:00:00:00:77"
VDPA = (VfGroup(first=0, last=0, vdpa_type=VdpaType.VIRTIO),)

REFUSED = [
    pytest.param(
        faulty(MISSING),
        wish(16),
        "firmware-tool-missing",
        "16 VFs are wanted, and the card offers 8 now; mstconfig is not installed",
        "Install mstflint, which holds it, or ask for 8 VFs or fewer (numVfs)",
        id="no-tool",
    ),
    pytest.param(
        faulty(LOCKED),
        wish(16),
        "firmware-lockdown",
        "the kernel is locked down (integrity)",
        "Boot once without Secure Boot and set it by hand (mstconfig -d 0000:3b:00.0 set SRIOV_EN=True NUM_OF_VFS=16), "
        "or ask for 8 VFs or fewer (numVfs)",
        id="lockdown",
    ),
    pytest.param(
        faulty(DPU, total_vfs=None),
        wish(16),
        "firmware-dpu-mode",
        "16 VFs are wanted, and the card offers none now; the card is in DPU mode",
        "On the card's own system set it by hand (mstconfig -d 0000:3b:00.0 set SRIOV_EN=True NUM_OF_VFS=16), "
        "or put the card into NIC mode",
        id="dpu-mode",
    ),
    pytest.param(
        faulty(BROKEN),
        wish(**TO_IB),
        "firmware-unreadable",
        "link type IB is wanted, and the port is ETH; mstconfig -e -d 0000:3b:00.0 q: Failed to open the device",
        "Correct what keeps `mstconfig -e -d 0000:3b:00.0 q` from answering",
        id="unreadable",
    ),
    pytest.param(
        port(),
        wish(16),
        "firmware-unreadable",
        "nobody has looked at it",
        "Correct what keeps `mstconfig -e -d 0000:3b:00.0 q` from answering, or ask for 8 VFs or fewer (numVfs)",
        id="not-looked-at",
    ),
    pytest.param(
        faulty(LOCKED),
        release(NUM_OF_VFS=8, SRIOV_EN=True),
        "firmware-lockdown",
        "the firmware settings of before are to be put back",
        "Boot once without Secure Boot and set it by hand (mstconfig -d 0000:3b:00.0 set NUM_OF_VFS=8 SRIOV_EN=True), "
        "or leave the firmware as it is: `sriov-core reset --forget 0000:3b:00.0`",
        id="a-release",
    ),
    pytest.param(
        faulty(MISSING, total_vfs=None),
        release(NUM_OF_VFS=8),
        "firmware-tool-missing",
        "the firmware settings of before are to be put back; mstconfig is not installed",
        "Install mstflint, which holds it, or leave the firmware as it is: `sriov-core reset --forget 0000:3b:00.0`",
        id="a-release-without-the-tool",
    ),
    pytest.param(
        ib(vfs=vfs(3, guid=NO_GUID), mac=None, facts={"guids": "02:00:00:00:00:00:00:01"}),
        wish(3),
        "no-guid",
        "2 VFs need a node GUID and have none (vf1 is the first)",
        "Add GUIDs for 0000:3b:00.0 to /etc/sriov-operator/infiniband/guids",
        id="no-guid-to-derive-others-from",
    ),
    pytest.param(
        port(settings={}),
        wish(16),
        "firmware-no-sriov",
        "its firmware has no SRIOV_EN and no NUM_OF_VFS that could be set",
        "Ask for 8 VFs or fewer (numVfs), or update the card's firmware",
        id="firmware-without-sriov",
    ),
    pytest.param(
        port(settings=firmware()),
        wish(**TO_IB),
        "link-type-fixed",
        "its firmware has no LINK_TYPE_P1 that could be set: the card was made for one link type",
        "Leave linkType out or at ETH, or set it by hand (mstconfig -d 0000:3b:00.0 set LINK_TYPE_P1=IB) "
        "if you know better",
        id="one-link-type",
    ),
    pytest.param(
        port(settings=firmware(p1="VPI")),
        wish(**TO_IB),
        "link-type-fixed",
        "its firmware has LINK_TYPE_P1 at VPI, which is neither ETH nor IB",
        "Leave linkType out or at ETH, or set it by hand (mstconfig -d 0000:3b:00.0 set LINK_TYPE_P1=IB) "
        "if you know better",
        id="a-link-type-that-we-do-not-know",
    ),
    pytest.param(
        port(settings=firmware(p1="ETH"), functions=4),
        wish(**TO_IB),
        "link-type-fixed",
        "the card has 4 functions, so which of its ports this one is cannot be told",
        "Leave linkType out or at ETH, or set it by hand (mstconfig -d 0000:3b:00.0 set LINK_TYPE_P<port>=IB) "
        "if you know better",
        id="too-many-functions",
    ),
    pytest.param(
        port(),
        wish(16, externally_managed=True),
        "external-firmware",
        "16 VFs are wanted, and the card offers 8 now; that takes a change of the card's firmware, and the PF is ext",
        "Have whoever manages the PF change it, or unset externallyManaged",
        id="somebody-elses-pf",
    ),
    pytest.param(
        port(),
        wish(externally_managed=True, **TO_IB),
        "external-firmware",
        "link type IB is wanted, and the port is ETH; that takes a change of the card's firmware, and the PF is ext",
        "Have whoever manages the PF change it, or unset externallyManaged",
        id="somebody-elses-link-type",
    ),
    pytest.param(
        port(device="1017"),
        wish(1, groups=VDPA),
        "no-vdpa",
        "vDPA devices are wanted, and cards before ConnectX-6 Dx cannot make any",
        "Leave vdpaType out for this card, or select others",
        id="vdpa-on-a-connectx-5",
    ),
    pytest.param(
        ib(facts={"guid-pool": "guid-pool: /etc/x: entry 2 is no JSON object"}),
        wish(2),
        "guid-pool",
        "/etc/x: entry 2 is no JSON object",
        "Correct the file; without it, and for PFs that it leaves out, VFs get GUIDs derived from their PF's",
        id="a-wrong-pool",
    ),
    pytest.param(
        ib(facts={"guid-pool": "guid-pool-exhausted: /etc/x has 2 GUIDs for VFs of this PF, and 4 VFs are wanted"}),
        wish(4),
        "guid-pool-exhausted",
        "/etc/x has 2 GUIDs for VFs of this PF, and 4 VFs are wanted",
        "Add GUIDs for 0000:3b:00.0 to the file, or ask for fewer VFs (numVfs)",
        id="a-pool-that-is-too-small",
    ),
]


@pytest.mark.parametrize(("nic", "spec", "code", "text", "remedy"), REFUSED)
def test_a_wish_is_refused_in_words(nic, spec, code, text, remedy):
    (problem,) = mellanox.check(nic, spec)
    assert (problem.code, problem.nic, problem.remedy) == (code, P1, remedy)
    assert text in problem.text


@pytest.mark.parametrize(
    ("nic", "spec"),
    [
        pytest.param(faulty(MISSING), wish(8), id="no-tool-and-no-need-of-one"),
        pytest.param(faulty(LOCKED), wish(0), id="lockdown-and-no-need-of-the-firmware"),
        pytest.param(faulty(DPU), release(), id="dpu-mode-and-nothing-to-put-back"),
        pytest.param(faulty(MISSING), release(num_vfs=16), id="no-tool-and-no-settings-to-put-back"),
        pytest.param(ib(vfs=vfs(1, guid=NO_GUID, admin_guid=GUID), mac=None), wish(1), id="a-guid-told-in-vain"),
        pytest.param(ib(vfs=vfs(1, guid=NO_GUID)), wish(1), id="a-guid-that-can-be-derived"),
        pytest.param(port(settings=firmware(8)), wish(16), id="firmware-that-can-be-changed"),
        pytest.param(port(settings=firmware(8, p1="ETH")), wish(**TO_IB), id="a-link-type-that-can-be-changed"),
        pytest.param(port(), wish(4, link_type=LinkType.ETH), id="a-link-type-as-wished"),
        pytest.param(port(device="101d"), wish(1, groups=VDPA), id="vdpa-on-a-connectx-6-dx"),
        pytest.param(port(link_type=None), wish(**TO_IB), id="a-port-without-a-netdev"),
        pytest.param(ib(facts={"guids": "02:00:00:00:00:00:00:01"}), wish(1), id="a-pool-that-is-large-enough"),
    ],
)
def test_what_needs_no_firmware_is_not_refused_for_it(nic, spec):
    assert mellanox.check(nic, spec) == ()
