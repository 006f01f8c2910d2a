"""Opens the connection to the API server: in a pod, by a kubeconfig, with tokens read again before they expire.

The one place that imports the ``kubernetes`` package, and only inside of functions: it costs 140 ms.
"""

import os
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sriov_core.errors import HostError
from sriov_core.kube.failures import Unavailable

if TYPE_CHECKING:
    from sriov_core.kube.transport import PooledTransport

HOME_CONFIG = "~/.kube/config"
SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

_KUBECONFIG = (
    "A kubeconfig is YAML with kind: Config, clusters, users, contexts and a current-context, as kubectl config view "
    "prints it"
)

# A peer that vanished without a word is noticed after 30 + 3 * 5 s, like client-go's HTTP/2 ping
# (k8s.io/apimachinery/pkg/util/net/http.go: 30 s idle, 15 s for the answer).
_KEEP_ALIVE = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


def connect(
    kubeconfig: str | None = None,
    *,
    user_agent: str,
    context: str | None = None,
    connections: int = 64,
    environ: Mapping[str, str] = os.environ,
    service_account: str = SERVICE_ACCOUNT,
) -> "PooledTransport":
    """The transport for a kubeconfig file, the one in KUBECONFIG or ~/.kube/config, or the pod's service account.

    In a pod without ``kubeconfig`` and KUBECONFIG, the service account. ``context`` is one of the kubeconfig's, its
    current one unless given. Raises HostError that says where was looked.
    A pod's token is read again each minute, an exec plugin is asked again before its token expires, and the files of
    authorities and client certificates are read with every new connection. All of it is read anew when the API server
    does not know who asks, and a kubeconfig with its address when nobody answers and the file has changed.
    """
    from sriov_core.kube.transport import PooledTransport, Way  # noqa: PLC0415

    chosen = kubeconfig or environ.get("KUBECONFIG")
    in_pod = not chosen and SERVICE_HOST in environ

    def load() -> Any:
        if in_pod:
            return _loaded(service_account, lambda empty: _load_service_account(service_account, environ, empty))
        path = os.path.expanduser(chosen or HOME_CONFIG)
        _must_be_there(path)
        return _loaded(path, lambda empty: _load_kubeconfig(path, context, empty))

    def way(configuration: Any) -> Way:
        return Way(_pool(configuration, connections), _headers(configuration, user_agent), configuration.host)

    configuration = load()
    files = "" if in_pod else os.path.expanduser(chosen or HOME_CONFIG)
    return PooledTransport(configuration.host, way(configuration), lambda: way(load()), lambda: _stamps(files))


def _pool(configuration: Any, connections: int) -> Any:
    """Of the library's REST client only the pool is used: it knows proxies, authorities and client certificates."""
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415

    configuration.connection_pool_maxsize = connections
    configuration.socket_options = list(_KEEP_ALIVE)
    return RESTClientObject(configuration).pool_manager


def _load_service_account(folder: str, environ: Mapping[str, str], configuration: Any) -> None:
    from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

    loader = InClusterConfigLoader(f"{folder}/token", f"{folder}/ca.crt", environ=environ)
    loader.load_and_set(configuration)


def _load_kubeconfig(path: str, context: str | None, configuration: Any) -> None:
    from kubernetes.config import load_kube_config  # noqa: PLC0415

    load_kube_config(path, context, client_configuration=configuration, persist_config=False)


def _loaded(looked: str, load: Callable[[Any], None]) -> Any:
    """The library's configuration, filled by ``load`` from where was looked."""
    import yaml  # noqa: PLC0415
    from kubernetes.client import Configuration  # noqa: PLC0415
    from kubernetes.config import ConfigException  # noqa: PLC0415

    configuration = Configuration()
    try:
        load(configuration)
    except (ConfigException, yaml.YAMLError, OSError) as error:
        raise _unusable(looked, str(error)) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # What the library makes of a file that is YAML and no kubeconfig.
        raise _unusable(looked, f"it is no kubeconfig. {_KUBECONFIG}") from error
    return configuration


def _stamps(paths: str) -> tuple[tuple[int, int, int] | None, ...]:
    """What differs when one of the files was replaced or written."""
    return tuple(_stamp(path) for path in paths.split(os.pathsep) if path)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _must_be_there(path: str) -> None:
    """KUBECONFIG may name several files, of which one has to be there. HostError otherwise."""
    wrong = []
    for one in filter(None, path.split(os.pathsep)):
        try:
            with open(one, "rb"):
                return
        except OSError as error:
            wrong.append("there is no such file" if isinstance(error, FileNotFoundError) else str(error.strerror))
    raise _unusable(path, "; ".join(dict.fromkeys(wrong)) or "no file is named")


def _unusable(looked: str, why: str) -> HostError:
    lines = " ".join(why.split()).rstrip(".")
    return HostError(
        f"No way to the API server was found in {looked}: {lines}. Name a kubeconfig with --kubeconfig or KUBECONFIG, "
        f"put one at {HOME_CONFIG}, or run in a pod with a service account"
    )


def _headers(configuration: Any, user_agent: str) -> Callable[[], Mapping[str, str]]:
    """What goes with each request: asking the library for it is what makes it look whether a token has grown old."""

    def headers() -> dict[str, str]:
        try:
            settings = configuration.auth_settings().values()
        except Exception as error:  # exec plugins, token files, clouds: the library lets through anything
            why = f"{type(error).__name__}: {error}"
            raise Unavailable(f"the credentials for {configuration.host} cannot be read: {why}") from error
        known = {one["key"]: one["value"].strip() for one in settings if one["in"] == "header" and one["value"]}
        return {"User-Agent": user_agent, **known}

    return headers
