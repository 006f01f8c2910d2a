"""The device plugin's config as text: byte for byte when written, tolerant when read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors, encode, read
from sriov_core.errors import SpecError


def config(*resources: Resource) -> PluginConfig:
    return PluginConfig(resource_list=resources or None)


def resource(name: str = "a", **selectors: Any) -> Resource:
    return Resource(resource_name=name, selectors=Selectors(**selectors))


FULL = Selectors(
    vendors=("8086",),
    devices=("154c",),
    drivers=("iavf",),
    pci_addresses=("0000:86:02.0",),
    pf_names=("ens1f0#0-3",),
    root_devices=("0000:86:00.0",),
    link_types=("ether",),
    ddp_profiles=("gtp",),
    is_rdma=True,
    need_vhost_net=True,
    vdpa_type="vhost",
)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        pytest.param(config(), '{"resourceList":null}', id="nothing"),
        pytest.param(PluginConfig(resource_list=()), '{"resourceList":null}', id="an-empty-list"),
        pytest.param(
            config(Resource(resource_name="resX", exclude_topology=True, selectors=Selectors(pf_names=("eno1#0-3",)))),
            '{"resourceList":[{"resourceName":"resX","excludeTopology":true,"selectors":{"pfNames":["eno1#0-3"],'
            '"IsRdma":false,"NeedVhostNet":false},"SelectorObj":null}]}',
            id="the-example-of-the-conformance-suite",
        ),
        pytest.param(
            config(Resource(resource_name="a", selectors=FULL)),
            '{"resourceList":[{"resourceName":"a","selectors":{"vendors":["8086"],"devices":["154c"],'
            '"drivers":["iavf"],"pciAddresses":["0000:86:02.0"],"pfNames":["ens1f0#0-3"],'
            '"rootDevices":["0000:86:00.0"],"linkTypes":["ether"],"ddpProfiles":["gtp"],"IsRdma":true,'
            '"NeedVhostNet":true,"vdpaType":"vhost"},"SelectorObj":null}]}',
            id="every-key-in-its-place",
        ),
        pytest.param(
            config(Resource(resource_name="a", selectors=(Selectors(), Selectors(is_rdma=True)))),
            '{"resourceList":[{"resourceName":"a","selectors":[{"IsRdma":false,"NeedVhostNet":false},'
            '{"IsRdma":true,"NeedVhostNet":false}],"SelectorObj":null}]}',
            id="a-list-of-selectors",
        ),
    ],
)
def test_a_config_is_written_as_the_plugin_and_other_tools_know_it(written: PluginConfig, text: str) -> None:
    assert encode(written) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"resourceList":null}', config(), id="null"),
        pytest.param("{}", config(), id="no-list"),
        pytest.param(
            '{"RESOURCELIST":[{"ResourceName":"a","SELECTORS":{"ISRDMA":true,"pfnames":["x"]},"selectorobj":null}]}',
            config(resource(is_rdma=True, pf_names=("x",))),
            id="keys-in-any-case",
        ),
        pytest.param(
            '{"resourceList":[{"resourceName":"a","selectors":[{"vendors":["8086"]},{"isRdma":true}]}]}',
            config(Resource(resource_name="a", selectors=(Selectors(vendors=("8086",)), Selectors(is_rdma=True)))),
            id="selectors-as-a-list",
        ),
        pytest.param(
            '{"resourceList":[{"resourceName":"a","selectors":[]}]}',
            config(Resource(resource_name="a", selectors=())),
            id="an-empty-list-of-selectors-is-for-the-check",
        ),
        pytest.param(
            '{"resourceList":[{"resourceName":"a","resourcePrefix":"p","deviceType":"auxNetDevice",'
            '"excludeTopology":true,"additionalInfo":{"*":{"k":"v"}},"selectors":{"auxTypes":["sf"],"pKeys":["0x1"],'
            '"acpiIndexes":["101"],"vendors":null}}]}',
            config(
                Resource(
                    resource_name="a",
                    resource_prefix="p",
                    device_type="auxNetDevice",
                    exclude_topology=True,
                    selectors=Selectors(aux_types=("sf",), p_keys=("0x1",), acpi_indexes=("101",)),
                )
            ),
            id="what-others-write",
        ),
    ],
)
def test_a_config_is_read_as_tolerantly_as_the_plugin_reads_it(text: str, expected: PluginConfig) -> None:
    assert read(text) == (expected, ())


def test_an_unknown_key_is_reported_because_it_makes_the_selector_take_more() -> None:
    found, faults = read('{"resourceList":[{"resourceName":"a","selectors":{"pfName":["ens1f0"]}}],"version":1}')
    assert found == config(resource())
    assert [(fault.path, fault.remedy) for fault in faults] == [
        ("version", "Allowed here: resourceList"),
        ("resourceList[0].selectors.pfName", "Did you mean pfNames?"),
    ]


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        pytest.param('"a"', "resourceList[0]", id="no-object"),
        pytest.param('{"selectors":{}}', "resourceList[0].resourceName", id="no-name"),
        pytest.param('{"resourceName":5,"selectors":{}}', "resourceList[0].resourceName", id="a-number-as-name"),
        pytest.param(
            '{"resourceName":"b","excludeTopology":"yes","selectors":{}}',
            "resourceList[0].excludeTopology",
            id="a-text-as-truth-value",
        ),
        pytest.param('{"resourceName":"b"}', "resourceList[0].selectors", id="no-selectors"),
        pytest.param(
            '{"resourceName":"b","selectors":{"vendors":"8086"}}',
            "resourceList[0].selectors.vendors",
            id="a-text-as-list",
        ),
        pytest.param(
            '{"resourceName":"b","selectors":[{},{"isRdma":"true"}]}',
            "resourceList[0].selectors[1].IsRdma",
            id="the-second-selector",
        ),
    ],
)
def test_a_resource_that_cannot_be_understood_is_left_out_and_the_others_stay(entry: str, path: str) -> None:
    found, faults = read(f'{{"resourceList":[{entry},{{"resourceName":"a","selectors":{{"vendors":["8086"]}}}}]}}')
    assert found == config(resource(vendors=("8086",)))
    assert [fault.path for fault in faults] == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"resourceList":{}}', '{"resourceList":"a"}', "[" * 9999])
def test_a_text_that_is_no_config_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SpecError, match=r"device plugin config: .*resourceList"):
        read(text)


WORDS = st.lists(st.text(max_size=5), max_size=2).map(tuple)
SELECTORS = st.builds(
    Selectors, vendors=WORDS, pf_names=WORDS, root_devices=WORDS, is_rdma=st.booleans(), vdpa_type=st.text(max_size=3)
)
CONFIGS = st.lists(
    st.builds(
        Resource,
        resource_name=st.text(max_size=5),
        exclude_topology=st.booleans(),
        selectors=SELECTORS | st.lists(SELECTORS, max_size=2).map(tuple),
    ),
    max_size=3,
).map(lambda resources: config(*resources))


@given(CONFIGS)
def test_what_is_written_is_read_back(written: PluginConfig) -> None:
    assert read(encode(written)) == (written, ())
