"""Prints the files of which a run of pytest skipped tests, a line each.

Usage: not_ran.py REPORT, of pytest's --junitxml in the form xunit1, which names files.
"""

import sys
from xml.etree import ElementTree as ET

cases = ET.parse(sys.argv[1]).iter("testcase")  # noqa: S314  # the report is pytest's own
skipped = {case.get("file") for case in cases if case.find("skipped") is not None}
sys.stdout.writelines(f"{path}\n" for path in sorted(skipped))
