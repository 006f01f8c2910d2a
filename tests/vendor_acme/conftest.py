"""From the project's root these tests wait until pip installed the package: contract/test_third_party.py."""

collect_ignore = ["tests"]
