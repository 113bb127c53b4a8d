"""Send requests to a Hub with one rule for retries, and turn its refusals into errors of one line.

huggingface_hub retries some requests (listings, large files) and not others (commits, tags, repos). It waits as long as
``Retry-After`` says, without a limit. Here each request is sent once. If the Hub does not serve it, the whole *step*
that it belongs to starts again. A step first looks at the Hub and then acts. So nothing is sent or done twice, even if
only the Hub's answer was lost.
"""

from __future__ import annotations

import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import parse_ratelimit_headers
from huggingface_hub.utils._http import default_client_factory, hf_request_event_hook
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.stage import Repo

TRIES = 8
"""The maximum number of tries of a step. Between them it waits 1, 2, 4, ... seconds, or as long as the Hub says."""
LONGEST_WAIT = 60
"""The longest wait in seconds that does not come from the Hub."""
TOTAL_WAIT = 900
"""The maximum number of seconds that one command waits. If the Hub asks for more, the command ends."""
RETRIED = {408: "timed out", 429: "too many requests", 500: "error", 502: "bad gateway", 503: "overloaded",
           504: "gateway timed out"}  # fmt: skip
_TIMEOUT = httpx2.Timeout(300, connect=20)  # seconds without an answer; a large commit takes the Hub a while
_REMEDIES = {
    401: "the token is missing or not valid: run `hf auth login`, or set HF_TOKEN",
    402: "the Hub requires a payment or a paid plan, for example for a Gradio Space on free hardware",
    403: "the token may not write there: use one with the role 'write', or another --namespace",
    404: "it does not exist, or the token may not see it",
    409: "the name is taken by something else",
}

Result = TypeVar("Result")


class Busy(Exception):
    """The Hub did not serve a request, and another try may succeed. ``wait``: the seconds it asks for, or None."""

    def __init__(self, why: str, wait: float | None = None):
        super().__init__(why)
        self.wait = wait


class _SingleTryClient(httpx2.Client):
    """Sends each request once, and raises `Busy` if another try may succeed.

    huggingface_hub's own retries do not catch `Busy`.
    """

    def send(self, request: httpx2.Request, **options) -> httpx2.Response:
        # Only the path, because the query of an upload's address is a signature.
        what = f"{request.method} {request.url.path}"
        try:
            response = super().send(request, **options)
        except httpx2.LocalProtocolError:
            raise  # the request itself is wrong, such as a token with a line break
        except httpx2.TransportError as error:
            raise Busy(f"{what}: no answer ({type(error).__name__})") from None
        if response.status_code in RETRIED:
            response.close()
            status = response.status_code
            raise Busy(f"{what}: status {status}, {RETRIED[status]}", _requested_wait(response.headers))
        return response


def _requested_wait(headers: httpx2.Headers) -> float | None:
    """The seconds that a response asks the client to wait, or None."""
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + 1
    asked = headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


class Hub:
    """A Hub with retries. `connect` makes it."""

    def __init__(self, api: HfApi):
        self.api = api
        self._waited = 0.0

    def do(self, doing: str, step: Callable[[], Result]) -> Result:
        """Run ``step()``, again while the Hub is busy, and return its result. Each wait is a line on standard error.

        Args:
            doing: what the step does, for messages: "publishing me/arith-puzzle".
            step: must not repeat what an earlier try has done.

        Raises:
            InputError: the Hub refuses, or is busy for too long. The line holds no token, header or query.
        """
        with _one_line_errors(self.api, doing):
            for attempt in range(1, TRIES + 1):
                try:
                    return step()
                except Exception as error:
                    busy = _cause(error, Busy)  # threads that send large files wrap it
                    if busy is None:
                        raise
                wait = min(2.0 ** (attempt - 1), LONGEST_WAIT) if busy.wait is None else busy.wait
                if attempt == TRIES or self._waited + wait > TOTAL_WAIT:
                    asked = "" if busy.wait is None else f" and asks to wait {busy.wait:,.0f} s"
                    raise InputError(
                        f"{doing}: {self.api.endpoint} did not serve {busy}{asked}; gave up after {attempt} tries and "
                        f"{self._waited:,.0f} s of waiting. What was sent is kept; run the command again"
                    )
                tqdm.write(f"{busy}; next try in {wait:,.0f} s ({attempt} of {TRIES - 1})", file=sys.stderr)
                time.sleep(wait)
                self._waited += wait
        raise AssertionError("the last try returns or raises")


@cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()  # reading all certificates takes longer than most requests


@contextmanager
def connect(api: HfApi) -> Iterator[Hub]:
    """A `Hub` for the block. During the block huggingface_hub sends every request once."""

    def single_try() -> httpx2.Client:
        hooks = {"request": [hf_request_event_hook]}
        return _SingleTryClient(event_hooks=hooks, follow_redirects=True, timeout=_TIMEOUT, verify=_certificates())

    set_client_factory(single_try)
    try:
        yield Hub(api)
    finally:
        set_client_factory(default_client_factory)


def owner(hub: Hub) -> tuple[str, set[str]]:
    """(user, every namespace that the user may write in). Raises InputError if the token is not valid or only reads."""
    me = hub.do("asking who the token belongs to", lambda: hub.api.whoami(cache=True))
    if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise InputError(f"the token of {me['name']} has the role 'read'; publishing needs one with the role 'write'")
    orgs = {org["name"] for org in me.get("orgs", ()) if org.get("roleInOrg") != "read"}
    return me["name"], {me["name"], *orgs}


def where(repo: Repo) -> dict[str, str]:
    """The arguments by which huggingface_hub identifies a repo."""
    return {"repo_id": repo.id, "repo_type": repo.type}


def commit(api: HfApi, *, parent: str, revision: str = "main", **what) -> str:
    """Commit on top of ``parent`` and return the commit's id. Raises Busy if the branch has a newer commit."""
    try:
        return api.create_commit(parent_commit=parent, revision=revision, **what).oid
    except HfHubHTTPError as error:
        if error.response.status_code == 412:  # another client's, or an earlier try's whose answer was lost
            raise Busy(f"{what['repo_id']} has a new commit", 1) from None
        raise


@contextmanager
def _one_line_errors(api: HfApi, doing: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        said = _explain(error)
        if said is None:
            raise
        raise InputError(f"{doing} at {api.endpoint}: {said}") from None


def _explain(error: Exception) -> str | None:
    """What an error means to the person who typed the command. None means a bug of ours."""
    if refusal := _cause(error, HfHubHTTPError):
        status = refusal.response.status_code
        said = _REMEDIES.get(status) or _line(refusal.server_message or "the Hub refused")
        return f"{said} (status {status})"
    if _cause(error, LocalTokenNotFoundError):
        return "there is no token: run `hf auth login`, or set HF_TOKEN"
    if _cause(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to publish"
    if _cause(error, httpx2.LocalProtocolError) or _cause(error, UnicodeEncodeError):
        return "the token contains a character that tokens cannot contain: run `hf auth login` again, or set HF_TOKEN"
    if isinstance(error, (ValueError, RuntimeError)) and "huggingface_hub" in _raised_in(error):
        return _line(str(error))  # a card or name against the Hub's rules, or a failed Xet upload
    return None


def _cause(error: BaseException | None, kind: type[Result]) -> Result | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error


def _raised_in(error: Exception) -> str:
    frame = error.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    return frame.tb_frame.f_code.co_filename


def _line(text: str) -> str:
    """One line of at most 300 characters, without the queries of addresses and without anything like a token."""
    text = re.sub(r"(https?://[^\s?]+)\?\S+", r"\1", " ".join(text.split()))
    return re.sub(r"\bhf_\w+", "hf_...", text)[:300]
