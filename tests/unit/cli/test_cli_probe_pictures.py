"""`probe -o dot|svg`: a look at a machine in, a picture out, whatever its parts are called."""

import xml.etree.ElementTree as ET
from pathlib import Path

import attrs
import pytest
from cli_runs import Cli, Files
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.cli.probedot import dot
from sriov_core.cli.probepicture import Box, Kind, picture
from sriov_core.cli.probesvg import svg
from sriov_core.cli.probeview import Report
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, Nic, Node, Owner, Snapshot, Unmanaged, Use, Vf
from sriov_core.plugin.diagnosis import Finding, Severity

VECTORS = Path(__file__).parents[2] / "vectors" / "pictures"
TREES = Path(__file__).parents[2] / "trees"
SVG = "{http://www.w3.org/2000/svg}"
PF = Address("0000:3b:00.0")


def nic(address: Address = PF, **fields: object) -> Nic:
    return Nic(**{"address": address, "vendor": "8086", "device": "1583", "name": "ens1f0", **fields})  # type: ignore[arg-type]


def report(*nics: Nic, **fields: object) -> Report:
    owners = {one.address: Owner(plugin="generic", reason="class") for one in nics}
    return Report(snapshot=Snapshot(nics=nics, owners=owners, **fields))  # type: ignore[arg-type]


def boxes(found: tuple[Box, ...], kind: Kind) -> list[Box]:
    return [one for box in found for one in (*([box] if box.kind is kind else []), *boxes(box.below, kind))]


def vfs(count: int, driver: str | None = "iavf", user: str | None = None) -> tuple[Vf, ...]:
    return tuple(Vf(index=index, kernel_driver=driver, used_by=user) for index in range(count))


@pytest.mark.parametrize("kind", ["dot", "svg"])
@pytest.mark.parametrize("tree", ["intel-xl710", "openstack-iavf", "virtio-vm"])
def test_a_small_machine_is_drawn_as_it_was_before(cli: Cli, tree: str, kind: str) -> None:
    ran = cli("probe", "--host", TREES / f"{tree}.yaml", "-o", kind)
    assert ran.code == 0
    assert ran.out == (VECTORS / f"{tree}.{kind}").read_text()


@pytest.mark.parametrize("kind", ["dot", "svg"])
def test_vfs_are_drawn_with_their_driver(cli: Cli, files: Files, igb: Path, tmp_path: Path, kind: str) -> None:
    saved = tmp_path / "applied.yaml"
    assert cli("apply", "--yes", "-f", files.policy(), "--host", igb, "--save", saved).code == 0
    assert cli("probe", "--host", saved, "-o", kind).out == (VECTORS / f"intel-82576-four-vfs.{kind}").read_text()


def test_a_picture_of_one_nic_holds_no_other(cli: Cli, xl710: Path) -> None:
    out = cli("probe", "ens803f1", "--host", xl710, "-o", "svg").out
    assert ("ens803f1" in out, "ens803f0" in out) == (True, False)


def test_a_failed_finding_gives_exit_code_2(cli: Cli, files: Files, igb: Path, tmp_path: Path) -> None:
    down = tmp_path / "down.yaml"
    assert cli("apply", "--yes", "-f", files.policy(), "--host", igb, "--save", down).code == 0
    down.write_text(down.read_text().replace("up: true", "up: false", 1))
    ran = cli("probe", "--host", down, "-o", "dot")
    assert (ran.code, "see HLT-301" in ran.out) == (2, True)


def test_a_pf_with_a_grave_finding_is_marked_and_one_with_advice_is_not() -> None:
    both = [nic(), nic(Address("0000:3b:00.1"))]
    findings = [
        Finding(code=code, severity=severity, fact="f", remedy="r", nic=one.address)
        for one, code, severity in zip(both, ("HW-1", "HW-2"), (Severity.WARN, Severity.ADVICE), strict=True)
    ]
    found = boxes(picture(attrs.evolve(report(*both), findings=tuple(findings))).boxes, Kind.PF)
    assert [(box.grave, "see HW-1" in box.lines) for box in found] == [(True, True), (False, False)]


def test_watching_and_drawing_exclude_each_other(cli: Cli, xl710: Path) -> None:
    ran = cli("probe", "--watch", "-o", "svg", "--host", xl710)
    assert ran.code == 1
    assert ran.errors[0].startswith("--watch shows text, and -o svg is one picture")


def test_alike_vfs_share_a_box_and_their_users_are_counted() -> None:
    used = tuple(Vf(index=number, kernel_driver="vfio-pci", used_by=f"pid {number} (qemu)") for number in range(6))
    free = tuple(Vf(index=number, kernel_driver="iavf") for number in range(6, 64))
    found = picture(report(nic(num_vfs=64, total_vfs=64, vfs=(*used, *free)))).boxes
    assert [box.lines[:2] for box in boxes(found, Kind.VFS)] == [
        ("vf0-vf5", "driver vfio-pci"),
        ("vf6-vf63", "driver iavf"),
    ]
    assert [box.lines[-1] for box in boxes(found, Kind.USER)] == ["and 2 more"]


def test_nics_stand_under_their_numa_node_and_card() -> None:
    ports = [nic(Address(f"0000:{bus:02x}:00.{port}"), numa_node=bus % 2) for bus in (0x3B, 0x3C) for port in (0, 1)]
    found = picture(report(*ports)).boxes
    assert [box.lines[0] for box in found] == ["NUMA node 0", "NUMA node 1"]
    assert [box.lines[0] for box in boxes(found, Kind.CARD)] == ["card 0000:3c:00", "card 0000:3b:00"]
    assert len(boxes(found, Kind.PF)) == 4


def test_what_nobody_serves_and_what_could_not_be_looked_at_is_drawn_too() -> None:
    function = Function(address=Address("0000:5e:00.0"), vendor="19e5", device="0200")
    shown = report(
        nic(uses=(Use(kind="bond", detail="ens1f0 belongs to bond bond0"),)),
        unmanaged=(Unmanaged(function=function, reason="no plugin drives it"),),
        failures={Address("0000:86:00.0"): "the kernel did not answer"},
    )
    found = boxes(picture(shown).boxes, Kind.PF)
    assert [box.grave for box in found] == [False, True, True]
    assert "used: ens1f0 belongs to bond bond0" in found[0].lines


def test_sixteen_pfs_with_64_vfs_stay_readable() -> None:
    ports = [
        nic(Address(f"0000:{bus:02x}:00.0"), num_vfs=64, total_vfs=64, vfs=vfs(64), numa_node=bus // 8)
        for bus in range(16)
    ]
    root = ET.fromstring(svg(picture(report(*ports))))
    assert int(root.attrib["height"]) < 2000
    assert int(root.attrib["width"]) < 1600
    assert len(list(root.iter(f"{SVG}text"))) < 200


def test_no_box_lies_on_another_and_all_lie_within_the_picture() -> None:
    used = tuple(Vf(index=index, kernel_driver="vfio-pci", used_by=f"pid {index}") for index in range(8))
    uses = tuple(Use(kind="vlan", detail=f"ens1f0 belongs to VLAN {number}") for number in range(9))
    ports = [
        nic(Address("0000:3b:00.0"), num_vfs=72, total_vfs=128, vfs=(*used, *vfs(64)), uses=uses, numa_node=1),
        nic(Address("0000:3b:00.1"), numa_node=1),
        nic(Address("0000:5e:00.0"), num_vfs=8, total_vfs=8, vfs=used, numa_node=0),
    ]
    root = ET.fromstring(svg(picture(report(*ports))))
    whole, *rects = (
        tuple(float(one.attrib.get(name, 0)) for name in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
    )
    for number, (x, y, width, height) in enumerate(rects):
        assert x + width < whole[2]
        assert y + height < whole[3]
        for x2, y2, width2, height2 in rects[number + 1 :]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_a_machine_without_nics_is_a_picture() -> None:
    root = ET.fromstring(svg(picture(Report(snapshot=Snapshot()))))
    assert [text.text for text in root.iter(f"{SVG}text")] == ["this machine, Linux ?"]


@given(name=st.text(), driver=st.text(), user=st.text(min_size=1), hostname=st.text(), reason=st.text())
def test_any_names_give_a_well_formed_picture_without_scripts(name, driver, user, hostname, reason) -> None:
    vf = Vf(index=0, kernel_driver=driver, used_by=user)
    function = Function(address=Address("0000:5e:00.0"), vendor="19e5", device="0200")
    shown = report(
        nic(name=name, kernel_driver=driver, num_vfs=1, total_vfs=4, vfs=(vf,)),
        node=Node(hostname=hostname),
        unmanaged=(Unmanaged(function=function, reason=reason),),
    )
    drawn = svg(picture(shown))
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(drawn.encode()).iter()}
    assert tags == {"svg", "title", "rect", "text", "path"}
    assert drawn == svg(picture(shown))


@given(texts=st.lists(st.text(), min_size=1))
def test_any_text_stays_inside_the_quotes_of_dot(texts) -> None:
    found = picture(report(nic(name=texts[0], uses=tuple(Use(kind="x", detail=text) for text in texts))))
    for line in dot(found).splitlines():
        unescaped = line.replace("\\\\", "").replace('\\"', "")
        assert unescaped.count('"') % 2 == 0
        assert unescaped.endswith((";", "{", "}"))
