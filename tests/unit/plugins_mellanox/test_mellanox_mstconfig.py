"""What the tool prints, in its documented forms and broken in every way: a table, or a complaint in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.plugin import Answer, Setting
from sriov_plugins.mellanox import nvconfig
from sriov_plugins.mellanox.mstconfig import Table, table

DEVICE = "0000:3b:00.0"
HEAD = f"""
Device #1:
----------

Device type:    ConnectX5
Name:           MCX516A-CCA_Ax
Description:    ConnectX-5 EN network interface card; 100GbE dual-port QSFP28
Device:         {DEVICE}

"""
COLUMNS = "Configurations:                              Default         Current         Next Boot\n"
NEWEST_COLUMNS = (
    "Configurations:                         Default              Current              Next Boot           \n"
)


def answered(out: str, code: int = 0, err: str = "") -> Table:
    return table(Answer(code=code, out=out, err=err), DEVICE)


def row(name: str, *values: str, mark: str = " ") -> str:
    return f"{mark}        {name:<36}{''.join(f'{value:<16}' for value in values)}\n"


def setting(out: str, name: str = "NUM_OF_VFS") -> tuple[str, str] | None:
    found = answered(out).settings.get(name)
    return (found.current, found.next) if found else None


VFS = row("NUM_OF_VFS", "8", "8", "16", mark="*")
NAMED = row("SRIOV_EN", "True(1)", "False(0)", "True(1)", mark="*")

GOOD = [
    pytest.param(HEAD + COLUMNS + VFS, "NUM_OF_VFS", ("8", "16"), id="a-number-that-the-next-boot-changes"),
    pytest.param(HEAD + COLUMNS + NAMED, "SRIOV_EN", ("False", "True"), id="a-name-with-its-number"),
    pytest.param((HEAD + COLUMNS + VFS).replace("\n", "\r\n"), "NUM_OF_VFS", ("8", "16"), id="lines-that-end-in-crlf"),
    pytest.param(
        "\x1b[1m" + HEAD + "\x1b[0m" + COLUMNS + f"\x1b[31m{VFS}\x1b[0m", "NUM_OF_VFS", ("8", "16"), id="in-colours"
    ),
    pytest.param(COLUMNS + VFS, "NUM_OF_VFS", ("8", "16"), id="without-a-word-about-the-device"),
    pytest.param(VFS, "NUM_OF_VFS", ("8", "16"), id="without-a-heading"),
    pytest.param("Konfigurationen:  Vorgabe  Jetzt  Danach\n" + VFS, "NUM_OF_VFS", ("8", "16"), id="a-foreign-heading"),
    pytest.param("Configurations:  Vorgabe  Jetzt\n" + VFS, "NUM_OF_VFS", ("8", "16"), id="half-a-foreign-heading"),
    pytest.param(
        NEWEST_COLUMNS
        + "*RO     NUM_OF_VFS                                      8                    8                    16\n",
        "NUM_OF_VFS",
        ("8", "16"),
        id="the-newest-form",
    ),
    pytest.param(
        "Configurations:                                    Current         Next Boot\n" + row("NUM_OF_VFS", "8", "16"),
        "NUM_OF_VFS",
        ("8", "16"),
        id="firmware-without-defaults",
    ),
    pytest.param(
        COLUMNS + VFS + row("NUM_OF_VFS", "1", "2", "3"), "NUM_OF_VFS", ("8", "16"), id="twice-the-first-counts"
    ),
    pytest.param(COLUMNS + row("SRIOV_EN", "N/A", "True(1)", "True(1)"), "SRIOV_EN", ("True", "True"), id="no-default"),
    pytest.param(
        COLUMNS + row("PCI_ATOMIC_MODE", "A_VALUE_THAT_IS_MUCH_WIDER_THAN_ITS_COLUMN(0) ", "ODD(7)", "ODD(7)") + VFS,
        "PCI_ATOMIC_MODE",
        ("ODD", "ODD"),
        id="a-value-wider-than-its-column",
    ),
    pytest.param(
        COLUMNS + row("HOST_CHAINING_DESCRIPTORS", *["Array[0..7]"] * 3) + row("X[3]", "1", "1", "1") + VFS,
        "NUM_OF_VFS",
        ("8", "16"),
        id="among-arrays",
    ),
    pytest.param(
        HEAD + COLUMNS + VFS + "The '*' shows parameters with next value different from default/current value.\n",
        "NUM_OF_VFS",
        ("8", "16"),
        id="with-the-footnote",
    ),
]


@pytest.mark.parametrize(("out", "name", "expected"), GOOD)
def test_a_setting_is_what_is_in_effect_and_what_the_next_boot_brings(out, name, expected):
    assert setting(out, name) == expected
    assert answered(out).complaint == ""


BROKEN = [
    pytest.param("", id="nothing"),
    pytest.param("\n\n \t\n", id="blank-lines"),
    pytest.param(HEAD + COLUMNS, id="a-table-without-rows"),
    pytest.param(HEAD + COLUMNS + "         NUM_OF_VFS\n", id="a-name-alone"),
    pytest.param(HEAD + COLUMNS + row("NUM_OF_VFS", "8", "8"), id="a-line-cut-short"),
    pytest.param(HEAD + COLUMNS + row("NUM_OF_VFS", "8", "N/A", "16"), id="what-is-in-effect-could-not-be-read"),
    pytest.param(HEAD + COLUMNS + row("NUM_OF_VFS", "8", "8", "N/A"), id="the-next-boot-could-not-be-read"),
    pytest.param(HEAD + COLUMNS + row("num_of_vfs", "8", "8", "16"), id="another-spelling"),
    pytest.param(HEAD + COLUMNS + row("MY_NUM_OF_VFS_TOO", "8", "8", "16"), id="a-name-that-only-contains-it"),
    pytest.param("NUM_OF_VFS=8\n", id="another-tool"),
    pytest.param("\x00\xff\x1b[", id="no-text-at-all"),
]


@pytest.mark.parametrize("out", BROKEN)
def test_what_is_not_there_is_no_setting(out):
    assert setting(out) is None


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        pytest.param(
            Answer(code=3, out="-E- Failed to open the device\n"), "Failed to open the device", id="the-tools-own-words"
        ),
        pytest.param(Answer(code=3, out=HEAD, err="-E- In vain\n"), "In vain", id="its-words-on-standard-error"),
        pytest.param(
            Answer(code=127, out="", err="sh: not found\n"),
            "it ended with code 127: sh: not found",
            id="another-program",
        ),
        pytest.param(Answer(code=139, out=""), "it ended with code 139 and said nothing", id="a-crash"),
        pytest.param(
            Answer(code=0, out="hello\n"), "its answer holds no table of parameters", id="success-without-a-table"
        ),
        pytest.param(
            Answer(code=0, out="Configurations:            Next Boot\n" + row("NUM_OF_VFS", "8")),
            "this firmware does not tell what is in effect, only what the next boot brings",
            id="a-card-before-connectx-4",
        ),
        pytest.param(Answer(code=1, out="-E- \x07" + "x" * 999), "?" + "x" * 199, id="endless-and-unprintable"),
    ],
)
def test_without_a_table_the_complaint_says_why(answer, complaint):
    assert table(answer, DEVICE) == Table(complaint=complaint)


def test_a_table_before_an_error_is_good_for_what_it_shows():
    out = HEAD + COLUMNS + VFS + "-E- Failed to query some of the TLVs:\n"
    assert answered(out, code=3).settings == {"NUM_OF_VFS": Setting(current="8", next="16")}


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        pytest.param((("0000:86:00.0", "1"), (DEVICE, "2")), "2", id="ours-is-the-second"),
        pytest.param((("0000:86:00.0", "1"), ("3b:00.0", "2")), "2", id="ours-without-its-domain"),
        pytest.param((("0000:86:00.0", "1"), ("/dev/mst/mt4119_pciconf0", "2")), "1", id="none-of-them-the-first"),
        pytest.param(((DEVICE, ""), ("0000:86:00.0", "1")), "1", id="ours-without-a-table"),
    ],
)
def test_of_several_devices_the_one_in_question_counts(devices, expected):
    out = ""
    for number, (device, value) in enumerate(devices, start=1):
        out += f"Device #{number}:\n----------\nDevice:   {device}\n{COLUMNS}"
        out += row("NUM_OF_VFS", value, value, value) if value else ""
    assert setting(out) == (expected, expected)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        pytest.param(" RO     SRIOV_EN   True(1)  True(1)  True(1)\n", {"SRIOV_EN"}, id="read-only"),
        pytest.param("*RO     SRIOV_EN   True(1)  True(1)  False(0)\n", {"SRIOV_EN"}, id="read-only-and-changing"),
        pytest.param("* RO    SRIOV_EN   True(1)  True(1)  False(0)\n", {"SRIOV_EN"}, id="its-marks-apart"),
        pytest.param("*       SRIOV_EN   True(1)  True(1)  False(0)\n", set(), id="changing"),
        pytest.param("        ROCE_CONTROL  1  1  1\n", set(), id="a-name-that-begins-like-the-mark"),
    ],
)
def test_what_the_tool_does_not_set_is_known(line, fixed):
    assert answered(COLUMNS + line).fixed == fixed


SHOWN = [
    pytest.param("NUM_OF_VFS", "10", "10", id="a-count"),
    pytest.param("NUM_OF_VFS", "010", "10", id="a-count-with-a-zero-in-front"),
    pytest.param("NUM_OF_VFS", "ten", None, id="a-count-in-words"),
    pytest.param("NUM_OF_VFS", "-1", None, id="a-negative-count"),
    pytest.param("NUM_OF_VFS", "٣", None, id="a-count-in-other-digits"),
    pytest.param("NUM_OF_VFS", "9" * 30, None, id="a-count-without-end"),
    pytest.param("SRIOV_EN", "True(1)", "True", id="a-flag"),
    pytest.param("SRIOV_EN", "1", "True", id="a-flag-as-a-number"),
    pytest.param("SRIOV_EN", "FALSE(0)", "False", id="a-flag-in-capitals"),
    pytest.param("SRIOV_EN", "Perhaps(2)", None, id="no-flag"),
    pytest.param("LINK_TYPE_P1", "ETH(2)", "ETH", id="ethernet"),
    pytest.param("LINK_TYPE_P2", "IB(1)", "IB", id="infiniband"),
    pytest.param("LINK_TYPE_P1", "2", "ETH", id="ethernet-as-a-number"),
    pytest.param("LINK_TYPE_P1", "VPI(3)", "VPI", id="a-type-that-we-do-not-know"),
]


@pytest.mark.parametrize(("name", "shown", "expected"), SHOWN)
def test_of_the_settings_those_that_we_change_are_understood(name, shown, expected):
    found = nvconfig.understood(answered(COLUMNS + row(name, shown, shown, shown))).get(name)
    assert found == (expected and Setting(current=expected, next=expected))


def test_a_setting_that_cannot_be_set_is_none_of_ours():
    line = " RO     SRIOV_EN   True(1)  True(1)  True(1)\n"
    assert nvconfig.understood(answered(COLUMNS + line)) == {}


OWNERS = ("INTERNAL_CPU_PAGE_SUPPLIER", "INTERNAL_CPU_ESWITCH_MANAGER", "INTERNAL_CPU_IB_VPORT0")


def bluefield(owner: str, engine: str, model: str = "EMBEDDED_CPU(1)", owners=OWNERS) -> str:
    values = {**dict.fromkeys(owners, owner), "INTERNAL_CPU_OFFLOAD_ENGINE": engine, "INTERNAL_CPU_MODEL": model}
    return COLUMNS + "".join(row(name, value, value, value) for name, value in values.items() if value)


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        pytest.param(bluefield("ECPF(0)", "ENABLED(0)"), True, id="dpu-mode"),
        pytest.param(bluefield("EXT_HOST_PF(1)", "DISABLED(1)"), False, id="nic-mode"),
        pytest.param(bluefield("EXT_HOST_PF(1)", "ENABLED(0)"), False, id="a-mix-that-nobody-documents"),
        pytest.param(bluefield("ECPF(0)", "ENABLED(0)", "SEPARATED_HOST(0)"), False, id="separated-host"),
        pytest.param(bluefield("", "ENABLED(0)"), True, id="dpu-mode-of-a-bluefield-3-that-shows-two-settings"),
        pytest.param(bluefield("", "DISABLED(1)"), False, id="nic-mode-of-a-bluefield-3"),
        pytest.param(COLUMNS + VFS, False, id="a-connectx"),
    ],
)
def test_a_card_that_manages_itself_is_known(out, expected):
    assert nvconfig.is_dpu(answered(out).settings) is expected


PIECES = st.sampled_from(
    [
        *HEAD.splitlines(keepends=True),
        COLUMNS,
        NEWEST_COLUMNS,
        VFS,
        NAMED,
        "*",
        "RO",
        "NUM_OF_VFS",
        "\r",
        "N/A",
        "(1)",
        "\x1b[",
    ]
)


@given(st.lists(PIECES | st.text(max_size=20)).map("".join), st.integers(0, 255), st.text(max_size=40))
def test_no_text_whatever_raises(out, code, err):
    found = table(Answer(code=code, out=out, err=err), DEVICE)
    nvconfig.understood(found)
    assert found.complaint.isprintable()
    assert bool(found.settings) != bool(found.complaint)


@given(st.integers(0, 127), st.integers(0, 127), st.sampled_from(["", "\r"]))
def test_what_the_tool_prints_is_what_is_read(current, coming, ending):
    mark = "*" if current != coming else " "
    out = (HEAD + COLUMNS + row("NUM_OF_VFS", "8", str(current), str(coming), mark=mark)).replace("\n", f"{ending}\n")
    assert setting(out) == (str(current), str(coming))
