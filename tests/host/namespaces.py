"""Runs code in a network namespace of its own, with a pair of veth; on demand one of them is a machine's PF."""

import json
import os
import sys

import pytest
from tree import PF, HostTree

from sriov_core.host import tools

NEEDS_ROOT = [
    pytest.mark.root,
    pytest.mark.program("ip", "iproute2"),
    pytest.mark.skipif(
        os.geteuid() != 0 and os.environ.get("CI") != "true", reason="needs root for a network namespace"
    ),
]

HEAD = """
import json, os, sys
from sriov_core.host.rtnetlink import RtNetlink
from sriov_core.host import ethtool, netdevs, tools
def ip(text):
    answer = tools.run(["ip", *text.split()], 20)
    assert answer.code == 0, answer.err
    return answer.out
ip("link add left type veth peer name right")
def index(name):
    return json.loads(ip(f"-j link show {name}"))[0]["ifindex"]
def show(name):
    return json.loads(ip(f"-j link show {name}"))[0]
net = RtNetlink(10, 10)
def refusal(call):
    try:
        call()
    except OSError as err:
        return [err.errno, err.strerror]
"""


def in_namespace(code: str, *, may_leak: bool = False, root: str = "") -> object:
    """What the code prints as JSON, run in a network namespace of its own; no socket may be left open."""
    script = f"{HEAD}\nprint(json.dumps({code}))\nnet.close()\n"
    answer = tools.run(["unshare", "--net", sys.executable, "-W", "error", "-c", script, root], 60)
    assert answer.code == 0, answer.err
    assert may_leak or "Exception ignored" not in answer.err
    return json.loads(answer.out)


MACHINE = """
from sriov_core.errors import SriovError
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from pathlib import Path
pf = Address(sys.argv[2])
Path(f"{sys.argv[1]}/sys/bus/pci/devices/{pf}/net/left/ifindex").write_text(str(index("left")))
def words(call):
    try:
        call()
    except SriovError as err:
        return str(err)
"""


def on_machine(tree: HostTree, code: str) -> object:
    """As `in_namespace`, with a machine whose PF, in the tree's files, has the namespace's link as its netdev."""
    lines = [HEAD, MACHINE, "with LinuxHost(sys.argv[1], live=True) as machine:", f"    print(json.dumps({code}))"]
    argv = ["unshare", "--net", sys.executable, "-c", "\n".join([*lines, "net.close()"]), str(tree.root), PF]
    answer = tools.run(argv, 60)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)
