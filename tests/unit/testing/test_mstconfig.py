"""mstconfig and mstfwreset as they speak: tables in both layouts, errors with their exit codes, and what a set changes.

The tables are typed off what the tools print, as their sources lay it out (mlxconfig/mlxcfg_ui.cpp of mstflint).
"""

import pytest

from sriov_core.testing import mstconfig
from sriov_core.testing.facts import CardFacts

NARROW = """
Device #1:
----------

Device type:    ConnectX5       
Name:           MCX556A-ECA_Ax  
Description:    N/A             
Device:         0000:3b:00.1    

Configurations:                              Default         Current         Next Boot
         MEMIC_SIZE_LIMIT                    _256KB(1)       _256KB(1)       _256KB(1)       
         HOST_CHAINING_DESCRIPTORS           Array[0..7]     Array[0..7]     Array[0..7]     
*        NUM_OF_VFS                          0               8               16              
*        SRIOV_EN                            False(0)        True(1)         True(1)         
         LINK_TYPE_P1                        ETH(2)          ETH(2)          ETH(2)          
The '*' shows parameters with next value different from default/current value.
"""  # noqa: W291  # the tool pads its last column

WIDE = """
Device #1:
----------

Device type:        ConnectX5           
Name:               MCX556A-ECA_Ax      
Description:        N/A                 
Device:             0000:3b:00.1        

Configurations:                                          Default             Current         Next Boot
        MEMIC_SIZE_LIMIT                            _256KB(1)            _256KB(1)            _256KB(1)           
 RO     HOST_CHAINING_DESCRIPTORS                   Array[0..7]          Array[0..7]          Array[0..7]         
*       NUM_OF_VFS                                  0                    8                    16                  
*       SRIOV_EN                                    False(0)             True(1)              True(1)             
        LINK_TYPE_P1                                ETH(2)               ETH(2)               ETH(2)              
The '*' shows parameters with next value different from default/current value.

The 'RO' shows parameters which are for read only and cannot be changed
"""  # noqa: W291  # the tool pads its last column

CHANGED = """
Device #1:
----------

Device type:        ConnectX5           
Name:               MCX556A-ECA_Ax      
Description:        N/A                 
Device:             0000:3b:00.0        

Configurations:                                          Next Boot       New
        NUM_OF_VFS                                  8                    32                  
        LINK_TYPE_P1                                ETH(2)               IB(1)               

 Apply new Configuration? (y/n) [n] : y
Applying... Done!
-I- Please reboot machine to load new configurations.
"""  # noqa: W291  # the tool pads its last column


def card(**facts):
    return CardFacts(
        **{
            "functions": ["0000:3b:00.0", "0000:3b:00.1"],
            "type": "ConnectX5",
            "name": "MCX556A-ECA_Ax",
            "default": {
                "MEMIC_SIZE_LIMIT": "_256KB(1)",
                "HOST_CHAINING_DESCRIPTORS": "Array[0..7]",
                "NUM_OF_VFS": "0",
                "SRIOV_EN": "False(0)",
                "LINK_TYPE_P1": "ETH(2)",
            },
            "current": {"NUM_OF_VFS": "8", "SRIOV_EN": "True(1)"},
            "read_only": ["HOST_CHAINING_DESCRIPTORS"],
            **facts,
        }
    )


def say(line, *cards, **how):
    return mstconfig.answer(cards or (card(),), line.split(), **how)


@pytest.mark.parametrize(("table", "text"), [("narrow", NARROW), ("wide", WIDE)], ids=["narrow", "wide"])
def test_a_query_is_printed_as_the_tool_does(table, text):
    asked = card(next={"NUM_OF_VFS": "16"})
    found = say("mstconfig -e -d 0000:3b:00.1 q", asked, table=table)
    assert (found.code, found.out, found.err) == (0, text, "")


def test_a_value_wider_than_its_column_is_parted_by_a_space():
    wide = card(default={"P2P_ORDERING_MODE_LONG": "DEVICE_DEFAULT_MODE(0)"}, current={}, read_only=[])
    line = say("mstconfig -e -d 3b:00.0 q", wide, table="narrow").out.splitlines()[-1]
    assert line.split()[1:] == ["DEVICE_DEFAULT_MODE(0)"] * 3


def test_without_verbosity_only_the_next_boot_is_shown_and_nothing_differs():
    lines = say("mstconfig -d 3b:00.0 q NUM_OF_VFS", table="narrow").out.splitlines()
    assert lines[-2].split() == ["Configurations:", "Next", "Boot"]
    assert lines[-1].split() == ["NUM_OF_VFS", "8"]


def test_a_set_shows_what_it_changes_and_changes_the_next_boot():
    changed = card()
    found = say("mstconfig -d 0000:3b:00.0 -y set NUM_OF_VFS=32 LINK_TYPE_P1=1", changed)
    assert (found.code, found.out) == (0, CHANGED)
    assert changed.next == {"NUM_OF_VFS": "32", "LINK_TYPE_P1": "IB(1)"}
    assert changed.current == {"NUM_OF_VFS": "8", "SRIOV_EN": "True(1)"}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        pytest.param("SRIOV_EN=True", "True(1)", id="a-flag-in-words"),
        pytest.param("SRIOV_EN=1", "True(1)", id="a-flag-as-a-number"),
        pytest.param("SRIOV_EN=FALSE", "False(0)", id="a-flag-in-capitals"),
        pytest.param("LINK_TYPE_P1=ib", "IB(1)", id="a-link-type"),
        pytest.param("LINK_TYPE_P1=3", "VPI(3)", id="a-link-type-as-a-number"),
        pytest.param("NUM_OF_VFS=0x10", "16", id="a-number-in-hex"),
    ],
)
def test_values_are_taken_in_words_and_in_numbers(argument, value):
    changed = card()
    assert say(f"mstconfig -d 3b:00.0 -y set {argument}", changed).code == 0
    assert list(changed.next.values()) == [value]


REFUSED = {
    "an unknown setting": ("set SRIOV=1", 3, "-E- The Device doesn't support SRIOV parameter"),
    "an unknown setting asked for": ("q SRIOV", 3, "-E- The Device doesn't support SRIOV parameter"),
    "a word that is none": ("set SRIOV_EN=maybe", 3, "-E- Unknown value maybe"),
    "a number that is none": ("set NUM_OF_VFS=many", 3, "-E- Cannot parse the value"),
    "an enumeration out of range": ("set LINK_TYPE_P1=9", 3, "-E- Unknown value 9"),
    "more than the firmware takes": (
        "set NUM_OF_VFS=128",
        3,
        "Applying... Failed!\n-E- Parameter NUM_OF_VFS' value is larger than maximum allowed 127",
    ),
    "a setting that is read only": ("set HOST_CHAINING_DESCRIPTORS=1", 3, "is read only"),
    "no assignment": ("set NUM_OF_VFS", 3, "-E- Invalid"),
    "nothing to set": ("set", 3, "-E- No parameters"),
    "no command": ("", 3, "-E- No command found"),
}


@pytest.mark.parametrize(("words", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_has_the_tools_words_and_code_and_changes_nothing(words, code, text):
    refused = card()
    found = say(f"mstconfig -d 3b:00.0 -y {words}", refused)
    assert (found.code, text in found.out) == (code, True), found.out
    assert refused == card()


def test_nobody_to_answer_its_question_aborts_a_set():
    refused = card()
    found = say("mstconfig -d 3b:00.0 set NUM_OF_VFS=4", refused)
    assert (found.code, found.out.splitlines()[-1]) == (2, " Apply new Configuration? (y/n) [n] : -E- Aborted by user.")
    assert refused == card()


@pytest.mark.parametrize(
    ("facts", "how", "out", "err"),
    [
        pytest.param({"functions": []}, {}, "-E- Failed to open the device\n", "", id="no-such-device"),
        pytest.param({"failure": "Failed to get device type"}, {}, "-E- Failed to get device type\n", "", id="broken"),
        pytest.param(
            {},
            {"lockdown": "integrity"},
            "-E- Failed to open the device\n",
            "write counter to semaphore: Operation not permitted\n",
            id="lockdown",
        ),
    ],
)
def test_a_device_that_cannot_be_opened_fails_every_call(facts, how, out, err):
    for command in ("-e -d 0000:3b:00.0 q", "-d 0000:3b:00.0 -y set NUM_OF_VFS=4"):
        found = say(f"mstconfig {command}", card(**facts), **how)
        assert (found.code, found.out, found.err) == (3, out, err)


class TestReset:
    LINE = "mstfwreset -d 0000:3b:00.0 --skip_driver -l 3 -y reset"

    def test_the_card_loads_what_was_set(self):
        changed = card(next={"NUM_OF_VFS": "16"})
        found = say(self.LINE, changed)
        assert found.code == 0
        assert "-I- Sending Reset Command To Fw             -Done\n" in found.out
        assert found.out.endswith("-I- FW was loaded successfully.\n")
        assert (changed.current["NUM_OF_VFS"], changed.next) == ("16", {})

    @pytest.mark.parametrize(
        ("line", "facts", "how", "text"),
        [
            pytest.param(
                LINE,
                {"reset_failure": "Reset-level '3' is not supported in the current state of this device"},
                {},
                "-E- Reset-level '3' is not supported in the current state of this device.\n",
                id="not-supported-now",
            ),
            pytest.param(LINE.replace("-l 3", "-l 4"), {}, {}, "-E- Reset-level '4' is not supported", id="level"),
            pytest.param(LINE, {}, {"lockdown": "integrity"}, "-E- The tool is not supported on UEFI", id="lockdown"),
            pytest.param(LINE, {"functions": []}, {}, "-E- Failed to Identify Device: 0000:3b:00.0.\n", id="nobody"),
            pytest.param(LINE.replace(" -y", ""), {}, {}, "Continue with reset?[y/N] -E- Aborted", id="no-answer"),
        ],
    )
    def test_what_it_cannot_do_it_says_and_leaves_the_card(self, line, facts, how, text):
        refused = card(next={"NUM_OF_VFS": "16"}, **facts)
        found = say(line, refused, **how)
        assert (found.code, text in found.out) == (1, True), found.out
        assert refused.next == {"NUM_OF_VFS": "16"}

    def test_without_a_command_it_is_used_wrongly(self):
        assert say("mstfwreset -d 3b:00.0").code == 2
