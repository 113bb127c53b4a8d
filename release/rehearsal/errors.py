"""The one exception of the rehearsal Hub and the refusals that several endpoints share.

The client (`huggingface_hub.utils.hf_raise_for_status`) chooses its exception class by the status, the header
`X-Error-Code` and the header `X-Error-Message`; `HubError` carries exactly these.
"""

from __future__ import annotations


class HubError(Exception):
    """A refusal: `status` (4xx), `message` for a person, `code` for `X-Error-Code`, `body` added to the JSON."""

    def __init__(self, status: int, message: str, code: str | None = None, body: dict | None = None):
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body or {}
        self.headers: dict[str, str] = {}


def bad_request(message: str) -> HubError:
    """400: what was sent breaks a rule; the message states the rule."""
    return HubError(400, message)


def repo_not_found(anonymous: bool) -> HubError:
    """What the Hub says of a repo that is missing or hidden: 401 to nobody in particular, 404 to a known user."""
    if anonymous:
        return HubError(401, "Invalid username or password.", "RepoNotFound")
    return HubError(404, "Repository not found", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(message: str = "Entry not found") -> HubError:
    return HubError(404, message, "EntryNotFound")


def unauthorized() -> HubError:
    return HubError(401, "Invalid username or password.")


def forbidden(message: str) -> HubError:
    return HubError(403, message)
