"""Tokens of service accounts as pods get them, through the API server's TokenRequest."""

from typing import Any

from servers_admin import Admin


def token(
    admin: Admin, namespace: str, service_account: str, *, pod: str | None, node: str | None, seconds: int
) -> str:
    """A token; what it is bound to and is not there is made."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    if admin.find(f"{accounts}/{service_account}") is None:
        admin.done("POST", accounts, {"metadata": {"name": service_account}})
    spec: dict[str, Any] = {"expirationSeconds": seconds}
    if pod or node:
        name = pod or f"{service_account}-{node}"
        uid = _pod(admin, namespace, name, service_account, node)["metadata"]["uid"]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
    reply = admin.done("POST", f"{accounts}/{service_account}/token", {"spec": spec})
    return str(reply["status"]["token"])


def _pod(admin: Admin, namespace: str, name: str, service_account: str, node: str | None) -> dict[str, Any]:
    """The pod of this name, made as it would be when a scheduler had put it on the node."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    found = admin.find(f"{pods}/{name}")
    if found:
        return found
    spec: dict[str, Any] = {
        "serviceAccountName": service_account,
        "containers": [{"name": "main", "image": "none.example/none"}],
        **({"nodeName": node} if node else {}),
    }
    made: dict[str, Any] = admin.done("POST", pods, {"metadata": {"name": name}, "spec": spec})
    return made
