"""Model names from pci.ids."""

from pathlib import Path

import pytest

from sriov_core.host import pciids

IDS = b"""# comment
8086  Intel Corporation
\t10c9  82576 Gigabit Network Connection
\t\t8086 a03c  Gigabit ET Dual Port Server Adapter
# a comment between devices
\t1583  Ethernet Controller XL710 for 40GbE QSFP+
8087  Intel Corp.
\t10c9  Another device of that number
15b3  Mellanox Technologies
\t1017  MT27800 Family [ConnectX-5]"""

CASES = {
    "the-first-device": ("8086", "10c9", "82576 Gigabit Network Connection"),
    "a-device-after-subsystems-and-comments": ("8086", "1583", "Ethernet Controller XL710 for 40GbE QSFP+"),
    "the-same-number-of-another-vendor": ("8087", "10c9", "Another device of that number"),
    "the-last-line-without-its-end": ("15b3", "1017", "MT27800 Family [ConnectX-5]"),
    "a-device-of-the-next-vendor": ("8087", "1583", None),
    "a-subsystem-is-no-device": ("8086", "8086", None),
    "an-unknown-vendor": ("1af4", "1041", None),
    "no-vendor": ("", "", None),
}


@pytest.mark.parametrize(("vendor", "device", "name"), CASES.values(), ids=CASES)
def test_a_device_has_its_name(vendor: str, device: str, name: str | None) -> None:
    assert pciids.model(IDS, vendor, device) == name


def test_an_empty_file_names_nothing() -> None:
    assert pciids.model(b"", "8086", "10c9") is None


def test_the_first_place_that_has_the_file_is_read(tmp_path: Path) -> None:
    assert pciids.read(str(tmp_path)) == b""
    place = tmp_path / "usr" / "share" / "hwdata"
    place.mkdir(parents=True)
    (place / "pci.ids").write_bytes(IDS)
    assert pciids.read(str(tmp_path)) == IDS
