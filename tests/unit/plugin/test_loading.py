"""One broken plugin is reported with its reason and never stops, hides or replaces another."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from sriov_core.plugin import API, Match, PluginInfo, hookimpl
from sriov_core.plugin.loading import GROUP, load


def info(name="good", **changes) -> PluginInfo:
    return PluginInfo(**{"name": name, "api": API, "matches": (Match(vendor="ac3e"),), **changes})


def describing(answer):
    @hookimpl
    def describe():
        return answer

    return describe


def raising(error):
    @hookimpl
    def describe():
        raise error

    return describe


@hookimpl
def check(nic, spec):
    return ()


@hookimpl
def discover(function, host, cache={}):  # noqa: B006  # the default is what is wrong with it
    return None


@hookimpl
def set_numvfs(nic, spec):
    return ()


@hookimpl
def bind_driver(nic, wish):
    return ()


@hookimpl(specname="bind_driver")
def bind_my_driver(nic, spec):
    return ()


@hookimpl(tryfirst=True)
def set_vf_options(nic, spec):
    return ()


@hookimpl
async def needs_reboot(nic, spec, steps):
    return ()


@pytest.fixture
def installed(monkeypatch):
    """Install modules made of the given hooks; returns their entry points."""

    def install(**plugins):
        points = []
        for name, hooks in plugins.items():
            module = ModuleType(f"plugin_of_test_{name}")
            for hook in hooks:
                setattr(module, hook.__name__, hook)
            monkeypatch.setitem(sys.modules, module.__name__, module)
            points.append(EntryPoint(name, module.__name__, GROUP))
        return points

    return install


REFUSED = {
    "no describe": ([check], "has no describe(); see plugins.md"),
    "describe that raises": ([raising(RuntimeError("no licence"))], "RuntimeError: no licence"),
    "describe that returns nothing": ([describing(None)], "returned NoneType, not PluginInfo"),
    "misspelled hook": ([describing(info("bad")), set_numvfs], "unknown hook 'set_numvfs'"),
    "unknown argument": ([describing(info("bad")), bind_driver], "wish"),
    "default argument": ([describing(info("bad")), discover], "arguments must have no defaults (found cache)"),
    "hook under another name": ([describing(info("bad")), bind_my_driver], "specname"),
    "tryfirst": ([describing(info("bad")), set_vf_options], "tryfirst"),
    "coroutine": ([describing(info("bad")), needs_reboot], "plain functions, not coroutines"),
    "a later minor": ([describing(info("bad", api=(API[0], API[1] + 1)))], "upgrade sriov-core"),
    "another major": (
        [describing(info("bad", api=(API[0] + 1, 0)))],
        f"for API {API[0]}.x",
    ),
}


@pytest.mark.parametrize(("hooks", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_broken_plugin_is_refused_with_its_reason_and_the_others_load(hooks, reason, installed):
    catalogue = load(points=installed(bad=hooks, good=[describing(info()), check]))
    assert [plugin.info.name for plugin in catalogue.loaded] == ["good"]
    (refused,) = catalogue.refused
    assert refused.name == "bad"
    assert reason in refused.reason
    assert "\n" not in refused.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module_of_anybody", "ModuleNotFoundError"),
        ("sriov_core.errors:SriovError", "is no module; name the module itself"),
        ("sriov_core.errors:Nothing", "AttributeError"),
    ],
    ids=["missing", "class", "nothing"],
)
def test_an_entry_point_that_leads_nowhere_is_refused(value, reason, installed):
    points = [EntryPoint("bad", value, GROUP), *installed(good=[describing(info())])]
    catalogue = load(points=points)
    assert [plugin.info.name for plugin in catalogue.loaded] == ["good"]
    assert reason in catalogue.refused[0].reason


def test_a_module_that_raises_while_it_is_imported_is_refused(tmp_path, monkeypatch):
    (tmp_path / "plugin_that_explodes.py").write_text("raise OSError('no such card')\n")
    monkeypatch.syspath_prepend(tmp_path)
    (refused,) = load(points=[EntryPoint("bad", "plugin_that_explodes", GROUP)]).refused
    assert refused.reason == "OSError: no such card"
    assert refused.info is None


def test_a_refused_plugin_still_says_what_it_would_drive(installed):
    (refused,) = load(points=installed(bad=[describing(info("bad", api=(9, 0)))])).refused
    assert refused.info.matches == (Match(vendor="ac3e"),)


def test_of_two_plugins_with_one_name_the_second_is_refused(installed):
    catalogue = load(points=installed(a=[describing(info("acme"))], b=[describing(info("acme"))]))
    assert [plugin.info.name for plugin in catalogue.loaded] == ["acme"]
    assert "the name acme is already taken" in catalogue.refused[0].reason
    assert catalogue.refused[0].name == "b"


def test_a_disabled_plugin_is_neither_loaded_nor_refused(installed):
    catalogue = load(disabled=["bad"], points=installed(bad=[raising(RuntimeError())], good=[describing(info())]))
    assert [plugin.info.name for plugin in catalogue.loaded] == ["good"]
    assert catalogue.refused == ()
    assert catalogue.disabled == ("bad",)


def test_the_order_of_entry_points_does_not_matter(installed):
    points = installed(b=[describing(info("bb"))], a=[describing(info("aa"))], c=[check])
    assert load(points=points) == load(points=list(reversed(points)))


def test_a_loaded_plugin_says_which_hooks_it_implements(installed):
    (plugin,) = load(points=installed(good=[describing(info()), check])).loaded
    assert plugin.hooks == ("check", "describe")


def test_the_plugins_shipped_with_the_project_come_through_the_same_door():
    names = {plugin.info.name: plugin.distribution for plugin in load().loaded}
    assert {"generic", "intel"} <= set(names)
    assert names["generic"].startswith("sriov-core ")
