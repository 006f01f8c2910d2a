"""pytest inside the guest: what a test there says is what it says here."""

GUEST = "/project/tests/lab/guest"
ACCIDENTS = "brought_back or can_be_repeated or crash"
"""The tests of the suite that take more than half of the time on igbvf: two seconds each time a VF is bound."""


def passes(vm, *names, only="", timeout_s=900):
    """Have all tests of files of the folder ``guest`` passed, or those that match ``only`` (pytest -k)."""
    # Without the plugins of others: pytest would compile all of hypothesis anew for its own assertions.
    argv = ["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", "python3", "-m", "pytest", "-q", "-x", "--tb=short"]
    argv += ["-p", "no:cacheprovider", "--durations=8", "-c", "/dev/null", *(["-k", only] if only else [])]
    result = vm.run([*argv, *(f"{GUEST}/{name}" for name in names)], timeout_s=timeout_s, cwd="/tmp")
    assert result.rc == 0, result.out[-8000:] + result.err[-2000:]
    assert " passed" in result.out
    assert "skipped" not in result.out, result.out[-2000:]
