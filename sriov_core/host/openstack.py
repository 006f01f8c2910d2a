"""What OpenStack says of a machine's networks: by its config drive, by a folder of the image, by its metadata service.

All three hold the same file. Source: Nova's documentation, "Metadata" and doc/api_schemas/network_data.json; a MAC
belongs to a link, and networks name their link.
"""

from collections.abc import Callable, Collection
from http import HTTPStatus

import msgspec

from sriov_core.errors import HostError
from sriov_core.host import configdrive
from sriov_core.host.configdrive import ConfigDrive
from sriov_core.host.metadata import Service

PREFIX = "openstack/NetworkID:"
FIXED_FOLDER = "/var/config/openstack"

# The version that is known, then whatever an older or newer cloud has.
_VERSIONS = ("2018-08-27", "latest")
_FILE = "network_data.json"

Networks = dict[str, str]
Read = Callable[[str], str | None]


class _Link(msgspec.Struct):
    id: str
    ethernet_mac_address: str | None = None


class _Network(msgspec.Struct):
    link: str
    network_id: str | None = None


class _NetworkData(msgspec.Struct):
    links: list[_Link]
    networks: list[_Network]


_DECODER = msgspec.json.Decoder(_NetworkData)


class OpenStack:
    """The three places where the networks of this machine are told.

    ``drive`` is None where nothing may be mounted, ``connect`` opens the metadata service with a fresh deadline. Not
    safe for threads by itself.
    """

    def __init__(self, folder: str, drive: ConfigDrive | None, connect: Callable[[], Service]) -> None:
        self._folder = folder
        self._drive = drive
        self._connect = connect
        self._on_disk: Networks | None = None

    def networks(self, macs: Collection[str]) -> Networks:
        """MAC to network, which holds the MACs of ``macs`` if any place tells of them. HostError when none tells.

        The config drive is as it was when the machine was made and so is read once; for a NIC that it does not know
        the service is asked as well.
        """
        complaints: list[str] = []
        if self._on_disk is None:
            self._on_disk = self._read_disks(complaints)
        known = self._on_disk or {}
        if self._on_disk is not None and known.keys() >= set(macs):
            return known
        try:
            return {**known, **self._ask()}
        except HostError as err:
            if self._on_disk is not None:
                return known
            raise HostError(" ".join((*complaints, str(err)))) from None

    def _read_disks(self, complaints: list[str]) -> Networks | None:
        for read in (self._from_drive, self._from_folder):
            try:
                found = read()
            except HostError as err:
                complaints.append(str(err))
                continue
            if found is not None:
                return found
        return None

    def _from_drive(self) -> Networks | None:
        device = self._drive.find() if self._drive else None
        if self._drive is None or device is None:
            return None
        with self._drive.mounted(device) as folder:
            return newest(lambda path: configdrive.text(folder, f"openstack/{path}"), f"config drive {device}")

    def _from_folder(self) -> Networks | None:
        return newest(lambda path: configdrive.text(self._folder, path), self._folder)

    def _ask(self) -> Networks:
        service = self._connect()
        found = newest(lambda path: _answer(service, f"/openstack/{path}"), "the metadata service")
        if found is None:
            raise HostError(f"the metadata service has no {_FILE}, so it is none of OpenStack. Look who answers there")
        return found


def newest(read: Read, where: str) -> Networks | None:
    """The networks by the newest version of the file that is there; None when there is none."""
    for version in _VERSIONS:
        path = f"{version}/{_FILE}"
        if (text := read(path)) is not None:
            return parse(text, f"{path} of {where}")
    return None


def parse(text: str, what: str) -> Networks:
    """MAC in lower case to network; a MAC on several networks is left out. HostError when it is not as documented."""
    try:
        data = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as err:
        raise HostError(f"{what} is not what Nova documents: {err}. Look at it, or at who answers there") from None
    macs = {link.id: link.ethernet_mac_address for link in data.links if link.ethernet_mac_address}
    found: dict[str, set[str]] = {}
    for network in data.networks:
        mac = macs.get(network.link)
        if mac and network.network_id:
            found.setdefault(mac.lower().replace("-", ":"), set()).add(f"{PREFIX}{network.network_id}")
    return {mac: next(iter(ids)) for mac, ids in found.items() if len(ids) == 1}


def _answer(service: Service, path: str) -> str | None:
    reply = service.ask(path)
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    if reply.status != HTTPStatus.OK:
        raise reply.refused("Try again later, and look at the cloud's metadata service")
    return reply.text
