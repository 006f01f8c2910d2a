"""What holds of every config of the device plugin, whatever the policies."""

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from plugin_configs import NETWORK, NO_NICS, guest, rendered
from three_ports import nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.pluginconfig import PluginConfig, Resource
from sriov_core.model.observed import Nic, Vf
from sriov_core.policy.nicids import DEFAULT
from sriov_core.policy.pooldevices import held_functions, pool_devices
from sriov_core.policy.render import render
from sriov_core.policy.selection import check, select

FLEET = (
    nic(0, alt_names=("lan0",)),
    nic(1, num_vfs=0, device="1592"),
    nic(2, vendor="15b3", device="1017", vfs=(Vf(index=0, vendor="15b3", device="1018"),)),
    attrs.evolve(guest(3, NETWORK), name="ens803f3"),
    nic(4, name=None, device="f00d", num_vfs=0),
)
NAMES = ("ens803f0", "lan0", "ens803f1", "ens803f2", "ens803f3", "ghost")
ADDRESSES = tuple(str(port.address) for port in FLEET)


@st.composite
def drawn(draw: st.DrawFn, name: str) -> NodePolicy:
    """Policies of every kind, mostly valid ones."""
    num_vfs = draw(st.sampled_from([0, 1, 4, 8]))
    names = []
    for pf in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)):
        first = draw(st.integers(0, max(num_vfs - 1, 0)))
        last = draw(st.integers(first, max(num_vfs - 1, first)))
        names.append(f"{pf}#{first}-{last}" if num_vfs and draw(st.booleans()) else pf)
    selector: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "vendor": st.sampled_from(["8086", "15b3"]),
                "device_id": st.sampled_from(["158b", "1592", "1017", "f00d"]),
                "pf_names": st.just(tuple(names)),
                "root_devices": st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2).map(tuple),
            },
        )
        | st.just({"net_filter": NETWORK})
    )
    vdpa = draw(st.sampled_from(["", "", "", "vhost"]))
    return policy(
        name,
        **(selector or {"pf_names": ()}),
        num_vfs=num_vfs,
        priority=draw(st.sampled_from([10, 99])),
        resource_name=draw(st.sampled_from(["fast", "slow", "deep"])),
        device_type="" if vdpa else draw(st.sampled_from(["", "vfio-pci"])),
        eswitch_mode="switchdev" if vdpa else "",
        vdpa_type=vdpa,
        is_rdma=draw(st.sampled_from([False, False, True])),
        need_vhost_net=draw(st.sampled_from([False, False, True])),
        link_type=draw(st.sampled_from(["", "eth"])),
        exclude_topology=draw(st.booleans()),
        externally_managed=draw(st.sampled_from([False, False, True])),
    )


POLICIES = st.lists(st.sampled_from("abcde"), unique=True, max_size=5).flatmap(
    lambda names: st.tuples(*(drawn(name) for name in names))
)


@given(POLICIES, st.sampled_from([NO_NICS, FLEET]))
def test_the_plugin_accepts_every_config_that_is_rendered(
    policies: tuple[NodePolicy, ...], nics: tuple[Nic, ...]
) -> None:
    assert check(rendered(*policies, nics=nics).config) == ()


@given(POLICIES)
def test_every_function_goes_to_the_resource_whose_policy_holds_it_and_to_no_other(
    policies: tuple[NodePolicy, ...],
) -> None:
    rendering = render(policies, FLEET)
    held: dict[tuple[str, int], str] = {}
    for wish in rendering.spec.nics:
        itself = wish.address == FLEET[3].address
        for group in wish.groups:
            for index in range(group.first, group.last + 1):
                held[str(wish.address), -1 if itself and index == 0 else index] = group.resource_name
    found = rendered(*policies, nics=FLEET)
    by_resource = select(found.config, pool_devices(FLEET, rendering.spec, DEFAULT))
    shares = {device.function: share.resource for share in by_resource.shares for device in share.devices}
    beyond_the_card = {function for function in held if function[0] == str(FLEET[3].address) and function[1] > 0}
    assert {function: name for function, name in shares.items() if function in held} == {
        function: name for function, name in held.items() if function not in beyond_the_card
    }
    assert all(function[1] == -1 for function in shares.keys() - held.keys()), "only PFs that nobody wishes VFs of"
    assert not any(share.taken for share in by_resource.shares), "no resource depends on its place in the list"


@given(POLICIES, st.randoms(use_true_random=False), st.sampled_from([NO_NICS, FLEET]))
def test_the_order_of_policies_and_nics_changes_nothing(
    policies: tuple[NodePolicy, ...], random: Any, nics: tuple[Nic, ...]
) -> None:
    shuffled, ports = list(policies), list(nics)
    random.shuffle(shuffled)
    random.shuffle(ports)
    assert rendered(*shuffled, nics=tuple(ports)) == rendered(*policies, nics=nics)


@given(POLICIES)
def test_pods_get_with_a_function_what_the_policy_that_holds_it_says(policies: tuple[NodePolicy, ...]) -> None:
    rendering = render(policies, FLEET)
    valid = [own for own in policies if next(s for s in rendering.summaries if s.policy == own.metadata.name).is_usable]
    held = held_functions(sorted(valid, key=lambda own: (-own.spec.priority, own.metadata.name)), FLEET, rendering)
    devices = pool_devices(FLEET, rendering.spec, DEFAULT)
    for resource in rendered(*policies, nics=FLEET).config.resources:
        for one in resource.alternatives:
            alone = PluginConfig(resource_list=(Resource(resource_name="x", selectors=one),))
            for device in select(alone, devices).of("x").devices:
                spec = held[device.function].spec
                assert (one.need_vhost_net, one.vdpa_type) == (spec.need_vhost_net, spec.vdpa_type)
                assert one.is_rdma == (spec.is_rdma and not spec.vdpa_type)
