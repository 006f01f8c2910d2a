"""The command lines of a test cluster's programs. The flags are those that 1.20 and today's releases share."""

from collections.abc import Sequence
from pathlib import Path

from servers_build import Binaries

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"""
CLIENT, PEER = "client:0", "peer:0"
"""Sockets in the working directory: etcd 3.4 takes a unix address in the form HOST:PORT only."""


def etcd_argv(etcd: Path, data: Path, *, may_skip_fsync: bool) -> list[str]:
    """One member that listens on unix sockets in its working directory."""
    return [
        str(etcd),
        f"--data-dir={data / 'data'}",
        f"--listen-client-urls=unix://{CLIENT}",
        f"--advertise-client-urls=unix://{CLIENT}",
        f"--listen-peer-urls=unix://{PEER}",
        f"--initial-advertise-peer-urls=unix://{PEER}",
        f"--initial-cluster=default=unix://{PEER}",
        *(["--unsafe-no-fsync"] if may_skip_fsync else []),
    ]


def apiserver_argv(binaries: Binaries, folder: Path, data: Path, port: int, *, audit: bool) -> list[str]:
    """Listens on loopback, believes the authority in `folder`, asks Node and RBAC."""
    # Later ones always give a pod its token so; before, only the controller manager's Secret would let one be made.
    tokens = [] if binaries.at_least(1, 21) else ["--feature-gates=BoundServiceAccountTokenVolume=true"]
    logged = [
        f"--audit-policy-file={folder / 'audit-policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-maxsize=2000",  # megabytes, before a new file is begun
    ]
    return [
        str(binaries.kube_apiserver),
        f"--etcd-servers=unix://{data / CLIENT}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",  # else it looks for a default route, which there may be none of
        f"--secure-port={port}",
        "--permit-port-sharing=true",
        "--endpoint-reconciler-type=none",  # the address of `kubernetes` may not be one of loopback
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--tls-cert-file={folder / 'apiserver.crt'}",
        f"--tls-private-key-file={folder / 'apiserver.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-accounts.key'}",
        f"--service-account-signing-key-file={folder / 'service-accounts.key'}",
        *(logged if audit else []),
        *tokens,
    ]


def manager_argv(manager: Path, folder: Path, controllers: Sequence[str]) -> list[str]:
    """The controllers of these names, as they are called since 1.28, and no others."""
    return [
        str(manager),
        f"--kubeconfig={folder / 'controllers.kubeconfig'}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--root-ca-file={folder / 'ca.crt'}",
        f"--service-account-private-key-file={folder / 'service-accounts.key'}",
    ]
