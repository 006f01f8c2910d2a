"""The words for what the kernel answers to a write."""

import errno
import os

import pytest

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host.refusals import refused, timed_out
from sriov_core.model.address import Address

PF = Address("0000:01:00.0")


def error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(errno.EBUSY, "only by way of 0. Set 0 first", id="n-to-m"),
        pytest.param(errno.ERANGE, "sriov_totalvfs of the device is the most it offers", id="too-many"),
        pytest.param(errno.ENOMEM, "Boot with pci=realloc", id="mmio-window"),
        pytest.param(errno.ENOMEM, "Above 4G Decoding", id="mmio-window-firmware"),
        pytest.param(errno.ENOENT, "No kernel driver with SR-IOV support is bound", id="no-pf-driver"),
        pytest.param(errno.EINVAL, "a number from 0 to sriov_totalvfs", id="no-number"),
    ],
)
def test_each_refusal_of_a_vf_count_says_what_to_do(code: int, words: str) -> None:
    text = str(refused(PF, "sriov_numvfs", "0 -> 8 VFs", error(code)))
    assert text.startswith(
        f"0000:01:00.0: sriov_numvfs: 0 -> 8 VFs refused with {errno.errorcode[code]} ({os.strerror(code)}). "
    )
    assert words in text


def test_a_device_without_an_eswitch_is_not_said_to_be_gone() -> None:
    text = str(refused(PF, "eswitch mode", "switchdev", error(errno.ENODEV)))
    assert text.endswith("refused with ENODEV (No such device). Its kernel driver offers no devlink eswitch")


def test_the_kernel_s_own_sentence_stands_in_the_text() -> None:
    text = str(refused(PF, "mtu", 9, OSError(errno.EINVAL, "mtu less than device minimum")))
    assert text.startswith("0000:01:00.0: mtu: 9 refused with EINVAL (mtu less than device minimum). ")


def test_an_errno_that_nobody_foresaw_still_points_somewhere() -> None:
    assert str(refused(PF, "x", 1, error(errno.EXDEV))).endswith("(Invalid cross-device link). See dmesg")


def test_a_time_out_is_a_deadline_that_was_exceeded() -> None:
    err = timed_out(PF, "sriov_numvfs", "7 -> 0 VFs", 120, "vf2 is held by pid 7 (qemu). Stop it")
    assert isinstance(err, DeadlineExceeded)
    assert isinstance(err, StepFailed)
    assert str(err) == (
        "0000:01:00.0: sriov_numvfs: 7 -> 0 VFs did not end within 120 s: vf2 is held by pid 7 (qemu). Stop it"
    )


@pytest.mark.parametrize(
    ("attribute", "wanted", "code", "words"),
    [
        pytest.param("devlink", "reload", errno.ENODEV, "Its kernel driver offers no devlink", id="no-devlink"),
        pytest.param("devlink", "reload", errno.ENOENT, "This kernel was built without devlink", id="not-built"),
        pytest.param("devlink", "reload", errno.EINVAL, "could not set the device up again (see dmesg)", id="reload"),
        pytest.param("vdpa", "vhost", errno.ENODEV, "Load the vDPA module of its card", id="no-management-device"),
        pytest.param("vdpa", "vhost", errno.ENOENT, "The kernel has no vDPA loaded. Load module vdpa", id="no-vdpa"),
    ],
)
def test_a_refusal_of_an_option_says_what_to_do(attribute: str, wanted: str, code: int, words: str) -> None:
    text = str(refused(PF, attribute, wanted, error(code)))
    assert text.startswith(f"{PF}: {attribute}: {wanted} refused with {errno.errorcode[code]} (")
    assert words in text
