"""`HubError`, the exception that becomes an error response, and the errors that several endpoints share.

The client (`huggingface_hub.utils.hf_raise_for_status`) chooses its exception class by the status and by the headers
`X-Error-Code` and `X-Error-Message`. `HubError` carries exactly these.
"""

from __future__ import annotations


class HubError(Exception):
    """An error response.

    Args:
        status: the HTTP status.
        message: what went wrong, for a person; sent in the JSON and in `X-Error-Message`.
        code: the value of `X-Error-Code`, or None.
        body: further keys of the JSON.
    """

    def __init__(self, status: int, message: str, code: str | None = None, body: dict | None = None):
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body or {}
        self.headers: dict[str, str] = {}


def bad_request(message: str) -> HubError:
    """400: the request breaks a rule. The message states the rule."""
    return HubError(400, message)


def repo_not_found(anonymous: bool) -> HubError:
    """A missing or hidden repo, as the Hub reports it: 401 without a token, 404 with one."""
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


def gated(kind: str, repo_id: str, anonymous: bool) -> HubError:
    """The files of a gated repo are refused: 401 without a token, 403 for a user without access."""
    who = "you must have access to it and be authenticated" if anonymous else "you are not in the authorized list"
    message = f"Access to {kind.removesuffix('s')} {repo_id} is restricted and {who}. Ask for access on its page."
    return HubError(401 if anonymous else 403, message, "GatedRepo")


def moved(address: str) -> HubError:
    """307: the repo was renamed, or its name differs in case. `address` is where the repo answers."""
    error = HubError(307, "Temporary Redirect. Redirecting to " + address)
    error.headers["Location"] = address
    return error


def not_served(what: str) -> HubError:
    """501: the real Hub serves this, the local Hub does not."""
    return HubError(501, f"The local Hub does not serve {what}")
