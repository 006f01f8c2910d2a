"""Access to the API server as its administrator, with no code of the product: the view of the test."""

import json
import time
from pathlib import Path
from typing import Any

import attrs
import urllib3

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
DEADLINE_S = 60

_REVIEWS = "authorization.k8s.io/v1"

Document = dict[str, Any]


class Refused(Exception):
    """The API server did not do what the test set up."""


@attrs.frozen
class Admin:
    """Requests as one user, the administrator unless made otherwise; safe to share between threads."""

    url: str
    _pool: urllib3.PoolManager
    _headers: dict[str, str] = attrs.field(factory=dict)

    @classmethod
    def with_certificate(cls, url: str, *, ca_file: Path, certificate: Path, key: Path) -> "Admin":
        """Requests as the user that the certificate names."""
        return cls(url, _pool(ca_file, certificate, key))

    @classmethod
    def with_token(cls, url: str, *, ca_file: Path, token: str) -> "Admin":
        """Requests as the service account that the token is of."""
        return cls(url, _pool(ca_file), {"Authorization": f"Bearer {token}"})

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.clear()

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """The status and what was answered (JSON, else text). urllib3.exceptions.HTTPError when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Content-Type": content_type}
        reply = self._pool.request(method, self.url + path, body=data, headers=headers)
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return reply.status, json.loads(reply.data) if is_json else reply.data.decode()

    def done(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> Any:
        """What was answered; Refused when the status is not 2xx."""
        status, said = self.request(method, path, body, content_type=content_type)
        if not 200 <= status < 300:
            text = said.get("message", said) if isinstance(said, dict) else said
            raise Refused(f"{method} {path}: {status}: {text}")
        return said

    def find(self, path: str) -> Document | None:
        """The object there, or None."""
        status, said = self.request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise Refused(f"GET {path}: {status}: {said}")
        found: Document = said
        return found

    def create(self, document: Document) -> Document:
        """The object as it is stored."""
        path = self.path(document)
        stored: Document = self.done("POST", path.rpartition("/")[0], document)
        return stored

    def apply(self, document: Document) -> Document:
        """The object as it is stored after server-side apply by the field manager ``test``, with force."""
        query = "?fieldManager=test&force=true"
        stored: Document = self.done("PATCH", self.path(document) + query, document, content_type=APPLY)
        return stored

    def remove(self, path: str) -> None:
        """Delete the object there at once, whatever holds it: finalizers and graceful termination."""
        status, said = self.request("DELETE", f"{path}?gracePeriodSeconds=0")
        if status < 300 and said.get("metadata", {}).get("finalizers"):
            status, said = self.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE)
        if status >= 300 and status != 404:
            raise Refused(f"{path} cannot be removed: {status}: {said}")

    def allows(self, user: str, verb: str, resource: str, *, groups: tuple[str, ...] = (), **where: str) -> bool:
        """Whether RBAC lets that user do it, as far as the API server knows by now: it learns of roles a moment late.

        ``where`` is namespace, name and group; a subresource follows the resource behind a slash.
        """
        attributes = {"verb": verb, **where}
        attributes["resource"], _, attributes["subresource"] = resource.partition("/")
        spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
        review = {"apiVersion": _REVIEWS, "kind": "SubjectAccessReview", "spec": spec}
        answer: bool = self.done("POST", f"/apis/{_REVIEWS}/subjectaccessreviews", review)["status"]["allowed"]
        return answer

    def path(self, document: Document) -> str:
        """Where an object of this kind, name and namespace is."""
        version, kind, metadata = document["apiVersion"], document["kind"], document["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        kinds = self.done("GET", root)["resources"]
        (found,) = [one for one in kinds if one["kind"] == kind and "/" not in one["name"]]
        place = f"/namespaces/{metadata.get('namespace', 'default')}" if found["namespaced"] else ""
        return f"{root}{place}/{found['name']}/{metadata['name']}"

    def create_namespace(self, name: str, **labels: str) -> None:
        """A namespace with its default service account, which pods need and the controller manager would make."""
        self.done("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        accounts, account = f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}}
        end = time.monotonic() + DEADLINE_S
        # Admission may still see one of this name that was just removed, and lets nothing be made in that.
        while self.request("POST", f"{accounts}?dryRun=All", account)[0] == 403 and time.monotonic() < end:
            time.sleep(0.02)
        self.done("POST", accounts, account)

    def remove_namespace(self, name: str) -> None:
        """Delete a namespace and everything in it at once."""
        self.done("DELETE", f"/api/v1/namespaces/{name}")  # nothing new can be made in it from now on
        for kind in self._namespaced():
            root, _, plural = kind.rpartition("/")
            place = f"{root}/namespaces/{name}/{plural}"
            # A kind whose definition has just gone is told of for a moment longer.
            for found in (self.find(place) or {"items": []})["items"]:
                self.remove(f"{place}/{found['metadata']['name']}")
        emptied = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}}
        status, said = self.request("PUT", f"/api/v1/namespaces/{name}/finalize", emptied)
        if status not in (200, 404):  # where a controller of namespaces runs, it may have been faster
            raise Refused(f"the namespace {name} cannot be removed: {status}: {said}")

    def _namespaced(self) -> list[str]:
        """The kinds whose objects have a namespace, as ``/apis/GROUP/VERSION/PLURAL``, each in one version."""
        groups = self.done("GET", "/apis")["groups"]
        roots = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
        found = []
        for root in roots:
            kinds = (self.find(root) or {"resources": []})["resources"]
            usable = [one for one in kinds if one["namespaced"] and {"list", "delete"} <= set(one["verbs"])]
            found += [f"{root}/{one['name']}" for one in usable]
        return found


def _pool(ca_file: Path, certificate: Path | None = None, key: Path | None = None) -> urllib3.PoolManager:
    files = {"ca_certs": ca_file, "cert_file": certificate, "key_file": key}
    given: dict[str, Any] = {name: str(path) for name, path in files.items() if path}
    return urllib3.PoolManager(maxsize=8, retries=False, timeout=DEADLINE_S, **given)
