"""What the API server answers when it does not do what was asked; each class says what the caller can do. No I/O."""

from sriov_core.errors import SriovError

NO_TRUST = "no trust between"
"""So begins what is said of a server whose certificate is not trusted: it is there, and treated as if it were away."""


class ApiFailure(SriovError):
    """Root of every refusal. ``status`` is the HTTP code, 0 when there was no answer; ``reason`` the server's word."""

    def __init__(self, text: str, *, status: int = 0, reason: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class NotFound(ApiFailure):
    """404: there is no such object, or no such kind."""


class Exists(ApiFailure):
    """409 AlreadyExists: an object of this name is there."""


class Conflict(ApiFailure):
    """409: the object has changed since it was read, or a precondition does not hold: read it again."""


class Gone(ApiFailure):
    """410: the resource version is too old: list again."""


class Forbidden(ApiFailure):
    """403 (or 401): the role lacks a permission; the text names it."""


class Invalid(ApiFailure):
    """400, 415 or 422: the object is refused by its schema, an admission rule or a webhook; trying again is no use."""


class Throttled(ApiFailure):
    """429: too many requests, or a PodDisruptionBudget forbids an eviction: come back later."""


class Unavailable(ApiFailure):
    """No connection, no answer in time, or 5xx: come back later. A write may have been done all the same."""


class Away(Unavailable):
    """No answer at all, or somebody before the API server says that it is away.

    The client tells of it (`sriov_core.kube.troubles`), once for all who ask: who meets it need not.
    """
