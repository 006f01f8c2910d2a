"""A real Kubernetes API server on loopback, with an etcd of its own: started, killed and restarted by tests.

By hand: ``python tests/cluster/servers.py build`` puts the programs into the cache, and ``run --folder DIR`` runs a
server until it is interrupted.
"""

import argparse
import json
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import servers_tokens as tokens
import urllib3
from servers_admin import Admin, Refused
from servers_arguments import AUDIT_POLICY, CLIENT, PEER, apiserver_argv, etcd_argv, manager_argv
from servers_build import Binaries, binaries, run
from servers_certificates import Authority, Pair, kubeconfig, signing_key
from servers_debian import CannotRun
from servers_program import Memory, Program, Reserved

__all__ = ["Admin", "Authority", "Binaries", "CannotRun", "DidNotStart", "Pair", "Refused", "Server", "binaries"]

READY_S = 60
WATCH_S = 0.5
LAST_LINES = 3
CONTROLLERS = ("garbage-collector-controller", "namespace-controller")


class DidNotStart(Exception):
    """A server has ended, or was not ready in time; the text has the end of its log."""


@attrs.define(kw_only=True)
class Server:
    """One cluster: an API server that asks Node and RBAC, and etcd. Nothing of a node runs, pods are objects only."""

    folder: Path
    url: str
    authority: Authority
    admin: Admin
    binaries: Binaries
    _memory: Memory
    _reserved: Reserved
    _etcd: Program
    _apiserver: Program
    _managers: list[Program] = attrs.field(factory=list)

    @classmethod
    def start(
        cls,
        folder: Path,
        binaries: Binaries,
        *,
        audit: bool = False,
        names: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> "Server":
        """A server that is ready. Its certificates and logs are below `folder`; DidNotStart has the end of a log.

        `names` are those by which its certificate knows it besides loopback's, `options` more ones of the API server.
        """
        folder.mkdir(parents=True, exist_ok=True)
        authority, memory, reserved = Authority(), Memory.make(), Reserved.any()
        url = f"https://127.0.0.1:{reserved.port}"
        certificate, key = _write_files(folder, authority, names)
        skips = "--unsafe-no-fsync" in run([str(binaries.etcd), "--help"], timeout_s=READY_S)
        etcd = etcd_argv(binaries.etcd, memory.path, may_skip_fsync=skips)
        apiserver = [*apiserver_argv(binaries, folder, memory.path, reserved.port, audit=audit), *options]
        server = cls(
            folder=folder,
            url=url,
            authority=authority,
            admin=Admin.with_certificate(url, ca_file=folder / "ca.crt", certificate=certificate, key=key),
            binaries=binaries,
            memory=memory,
            reserved=reserved,
            etcd=Program("etcd", etcd, memory.path, folder / "etcd.log"),
            apiserver=Program("kube-apiserver", apiserver, folder, folder / "kube-apiserver.log"),
        )
        server.kubeconfig("admin", path=server.admin_kubeconfig, credentials=Pair.read(folder, "admin"))
        try:
            server.revive()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def port(self) -> int:
        """Where the API server listens."""
        return self._reserved.port

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate and its users'."""
        return self.folder / "ca.crt"

    @property
    def admin_kubeconfig(self) -> Path:
        """For a member of system:masters."""
        return self.folder / "admin.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON object (audit.k8s.io/v1 Event, level Metadata) a request, written before it is answered."""
        return self.folder / "audit.log"

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by their program's name."""
        programs = [self._etcd, self._apiserver, *self._managers]
        return {program.name: program.pid for program in programs if program.pid}

    def kubeconfig(
        self,
        user: str,
        groups: Sequence[str] = (),
        *,
        credentials: Pair | str = "",
        url: str = "",
        path: Path | None = None,
    ) -> Path:
        """A kubeconfig for a user in these groups, who gets a client certificate unless `credentials` says otherwise.

        A service account needs its groups said (system:serviceaccounts and that of its namespace), or its `token` as
        credentials. `url` is for a proxy between, whose certificate `authority` issues.
        """
        login = credentials or self.authority.for_user(user, groups)
        path = path or self.folder / f"{user.replace(':', '_').replace('/', '_')}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig(url or self.url, self.authority.pem, user=user, credentials=login))
        return path

    def as_user(self, user: str, groups: Sequence[str] = ()) -> Admin:
        """Requests of this user, to see what the API server lets it do; `close()` it."""
        folder = self.folder / f"user-{secrets.token_hex(4)}"
        folder.mkdir()
        certificate, key = self.authority.for_user(user, groups).write(folder, "user")
        return Admin.with_certificate(self.url, ca_file=self.ca_file, certificate=certificate, key=key)

    def with_token(self, token: str) -> Admin:
        """Requests of the service account that the token is of; `close()` it."""
        return Admin.with_token(self.url, ca_file=self.ca_file, token=token)

    def audited(self) -> list[dict[str, Any]]:
        """The requests so far, oldest first; one that is just answered may come a moment later.

        Those of nobody, which come before a user is known, are left out.
        """
        whole, _, _ = self.audit_log.read_text().rpartition("\n")  # the last line may be half written
        requests = [json.loads(line) for line in whole.splitlines()]
        return [one for one in requests if one["user"].get("username")]

    def token(
        self,
        namespace: str,
        service_account: str,
        *,
        pod: str | None = None,
        node: str | None = None,
        seconds: int = 3600,
    ) -> str:
        """A service account's token; with `node` it is bound to a pod of that node and names both in its claims.

        What is not there is made: the service account and the pod (`SERVICE_ACCOUNT-NODE` unless named).
        """
        return tokens.token(self.admin, namespace, service_account, pod=pod, node=node, seconds=seconds)

    def start_controller_manager(self, controllers: Sequence[str] = CONTROLLERS) -> None:
        """These controllers, under the names that they have since 1.28; they need some seconds to see everything."""
        if not self.binaries.kube_controller_manager:
            raise CannotRun(f"no kube-controller-manager is beside {self.binaries.kube_apiserver}")
        path = self.folder / "controllers.kubeconfig"
        self.kubeconfig("system:kube-controller-manager", ["system:masters"], path=path)
        argv = manager_argv(self.binaries.kube_controller_manager, self.folder, controllers)
        name = f"kube-controller-manager-{len(self._managers)}"
        manager = Program(name, argv, self.folder, self.folder / f"{name}.log")
        self._managers.append(manager)
        manager.start()

    def stop_controller_managers(self) -> None:
        """End those that were started."""
        while self._managers:
            self._managers.pop().end(signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to the API server."""
        self._apiserver.end(signal.SIGKILL)

    def restart(self) -> None:
        """End the API server when it runs, and start it on the same port with the same objects."""
        self._apiserver.end(signal.SIGTERM)
        self.revive()

    def revive(self) -> None:
        """Start what does not run, and wait until it is ready."""
        if not self._etcd.pid:
            self.start_etcd()
        if not self._apiserver.pid:
            self._apiserver.start()
            self._wait(self._apiserver, self._is_ready)

    def kill_etcd(self) -> None:
        """SIGKILL to etcd; the API server goes on without."""
        self._etcd.end(signal.SIGKILL)

    def start_etcd(self) -> None:
        """Start etcd on what it held, and wait until it, and the API server when that runs, answers again."""
        for name in (CLIENT, PEER):
            (self._memory.path / name).unlink(missing_ok=True)  # one that was killed leaves its sockets
        self._etcd.start()
        self._wait(self._etcd, self._etcd_listens)
        if self._apiserver.pid:
            self._wait(self._apiserver, self._is_ready)

    def check(self) -> None:
        """DidNotStart when a program has ended that was started and not told to end."""
        for program in (self._etcd, self._apiserver, *self._managers):
            if not program.pid:
                ending = f"{program.name} has ended: {program.ending}"
                raise DidNotStart(f"{ending}. The last lines of its log:\n{program.tail(LAST_LINES)}")

    def stop(self) -> None:
        """End all of it and forget the objects; the logs stay."""
        self.stop_controller_managers()
        for program in (self._apiserver, self._etcd):
            program.end(signal.SIGKILL)
        self.admin.close()
        self._memory.release()
        self._reserved.release()

    def _wait(self, program: Program, is_ready: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_S
        while not is_ready():
            if not program.pid:
                raise DidNotStart(f"{program.name} ended: {program.ending}\n{program.tail()}")
            if time.monotonic() > end:
                raise DidNotStart(f"{program.name} was not ready after {READY_S} s:\n{program.tail()}")
            time.sleep(0.02)

    def _etcd_listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(self._memory.path / CLIENT)) == 0

    def _is_ready(self) -> bool:
        try:
            return self.admin.request("GET", "/readyz")[0] == 200
        except urllib3.exceptions.HTTPError:
            return False


def _write_files(folder: Path, authority: Authority, more: Sequence[str]) -> tuple[Path, Path]:
    """What the command lines name; gives the administrator's certificate and key."""
    (folder / "ca.crt").write_bytes(authority.pem)
    names = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    authority.for_server(*names, *more).write(folder, "apiserver")
    key = folder / "service-accounts.key"
    key.touch(mode=0o600)
    key.write_bytes(signing_key())
    (folder / "audit-policy.yaml").write_text(AUDIT_POLICY)
    return authority.for_user("admin", ["system:masters"]).write(folder, "admin")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="put the programs into the cache and say where they are")
    runs = verbs.add_parser("run", help="run a server, print its administrator's kubeconfig, end at SIGINT or SIGTERM")
    runs.add_argument("--folder", type=Path, required=True, help="for its certificates and logs")
    arguments = parser.parse_args()
    try:
        _build() if arguments.verb == "build" else run_until_told(arguments.folder, lambda one: one.admin_kubeconfig)
    except (CannotRun, DidNotStart) as err:
        sys.exit(str(err))


def _build() -> None:
    found = binaries()
    for program in (found.kube_apiserver, found.kube_controller_manager, found.etcd):
        print(program)
    if found.lacking:
        print(f"this is Kubernetes {found.version}, too old for some tests: {found.lacking}", file=sys.stderr)


def run_until_told(
    folder: Path, prepare: Callable[[Server], object], look: Callable[[Server], None] = lambda _server: None
) -> None:
    """Run a server until SIGINT or SIGTERM; what ``prepare`` answers is printed when it may be used.

    ``look`` is called every half second. DidNotStart, with the end of its log, when a program of it ends by itself.
    """
    # Taken by sigtimedwait below; blocked from the start, so that none ends this process while a server starts.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    server = Server.start(folder.resolve(), binaries())
    try:
        print(prepare(server), flush=True)
        while signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, WATCH_S) is None:
            server.check()
            look(server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
