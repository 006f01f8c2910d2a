"""Whom to ask for the networks of a machine, by its platform. Imported only in a cloud: HTTP takes long to load."""

from collections.abc import Callable, Collection, Mapping

from sriov_core.errors import HostError
from sriov_core.host import aws
from sriov_core.host.configdrive import ConfigDrive
from sriov_core.host.metadata import Deadline, Service
from sriov_core.host.openstack import FIXED_FOLDER, OpenStack
from sriov_core.host.platform import AWS, OPENSTACK
from sriov_core.host.tools import Tools

METADATA_URL = "http://169.254.169.254"
"""The link-local address that both clouds documented here answer at."""

DEADLINE_S = 5.0

Source = Callable[[Collection[str]], Mapping[str, str]]
"""Asks for the networks of these MACs; may tell of others as well. HostError when nobody answers."""


def source(
    platform: str,
    root: str,
    *,
    live: bool,
    url: str = METADATA_URL,
    drive: ConfigDrive | None = None,
    folder: str = FIXED_FOLDER,
    deadline_s: float = DEADLINE_S,
) -> Source:
    """The source for a platform; one without a cloud has no networks to tell of.

    All requests of one question end within ``deadline_s`` seconds. ``live`` is false for a tree of files of a machine:
    nothing is mounted then, and no service is asked.
    """

    def connect() -> Service:
        if not live:
            raise HostError("A metadata service is asked on the running machine only; this is a tree of files")
        return Service(url, Deadline.after(deadline_s))

    if platform == AWS:
        return lambda _: aws.networks(connect())
    if platform == OPENSTACK:
        own = (drive or ConfigDrive(root, Tools(root, deadline_s).run)) if live else None
        return OpenStack(f"{root}{folder}", own, connect).networks
    return lambda _: {}
