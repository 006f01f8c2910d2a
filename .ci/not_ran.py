"""Prints the files of which a run of pytest skipped tests, a line each: `not_ran.py REPORT`, of --junitxml in xunit1."""

import sys
from xml.etree import ElementTree

cases = ElementTree.parse(sys.argv[1]).iter("testcase")
sys.stdout.writelines(f"{path}\n" for path in sorted({case.get("file") for case in cases if case.find("skipped") is not None}))
