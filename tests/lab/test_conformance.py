"""The suite that every driver passes on the fake kernel, run inside the guest on the real one."""


def test_the_conformance_suite_passes_on_a_real_kernel(vm):
    vm.reset_nics()

    result = vm.run(
        "cd /tmp && PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 "
        "python3 -m pytest -q -x -p no:cacheprovider --durations=8 -c /dev/null "
        "/project/tests/lab/guest/suite_igb.py",
        timeout_s=900,
    )

    assert result.rc == 0, result.out[-6000:] + result.err[-2000:]
    assert " passed" in result.out
    assert "skipped" not in result.out, result.out[-2000:]
