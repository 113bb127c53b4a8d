"""Talking to a Hub: one policy of patience, and one line for what it refuses.

huggingface_hub retries some of its requests by itself (listings, large files) and not others (commits, tags, repos),
and waits as long as ``Retry-After`` says, however long. Here a request is sent once; when it was not served, the whole
*step* it belongs to begins again. A step looks before it acts, so what had arrived is not sent again and nothing is
done twice, even where only the answer was lost.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
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
"""Of one step; between them 1, 2, 4, ... at most ``LONGEST_WAIT`` seconds, or what the Hub asks for."""
LONGEST_WAIT = 60
TOTAL_WAIT = 900
"""Seconds that one command waits in all. A Hub that asks for more is taken at its word: the command ends."""
RETRIED = {408: "timed out", 429: "too many requests", 500: "error", 502: "bad gateway", 503: "overloaded",
           504: "gateway timed out"}  # fmt: skip
_TIMEOUT = httpx2.Timeout(300, connect=20)  # of silence; a large commit takes the Hub a while
_REMEDIES = {
    401: "the token is missing or not valid: run `hf auth login`, or set HF_TOKEN",
    402: "the Hub asks for a paid plan (a Gradio Space on free hardware needs one) or for payment",
    403: "the token may not write there: use one with the role 'write', or another --namespace",
    404: "it is not there, or the token may not see it",
    409: "the name is taken by something else",
}

Result = TypeVar("Result")


class Busy(Exception):
    """A request that was not served, though the next may be. ``wait``: seconds that the Hub asks for, or None."""

    def __init__(self, why: str, wait: float | None = None):
        super().__init__(why)
        self.wait = wait


class _OneTry(httpx2.Client):
    """Sends each request once and says `Busy` where another try may help.

    `Busy` passes through huggingface_hub's own retries, which know it not.
    """

    def send(self, request: httpx2.Request, **options) -> httpx2.Response:
        # The path alone: the query of an upload's address is its signature, and an error's text may quote a header.
        what = f"{request.method} {request.url.path}"
        try:
            response = super().send(request, **options)
        except httpx2.LocalProtocolError:
            raise  # what was to be sent is wrong, such as a token with a line break
        except httpx2.TransportError as error:
            raise Busy(f"{what}: no answer ({type(error).__name__})") from None
        if response.status_code in RETRIED:
            response.close()
            status = response.status_code
            raise Busy(f"{what}: status {status}, {RETRIED[status]}", _asked_wait(response.headers))
        return response


def _asked_wait(headers: httpx2.Headers) -> float | None:
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
    """A Hub that is asked patiently; made by `reaching`."""

    def __init__(self, api: HfApi):
        self.api = api
        self._waited = 0.0

    def do(self, doing: str, step: Callable[[], Result]) -> Result:
        """The result of ``step()``, begun again where the Hub was busy, with a line on standard error for each wait.

        Args:
            doing: what goes on, for messages: "publishing me/arith-puzzle".
            step: does nothing that is done already.

        Raises:
            InputError: the Hub refuses, or was busy for too long. One line, with no header, token or address's query.
        """
        with _in_plain_words(self.api, doing):
            for tried in range(1, TRIES + 1):
                try:
                    return step()
                except Exception as error:
                    busy = _cause(error, Busy)  # large files are sent in threads, which wrap it
                    if busy is None:
                        raise
                wait = min(2.0 ** (tried - 1), LONGEST_WAIT) if busy.wait is None else busy.wait
                if tried == TRIES or self._waited + wait > TOTAL_WAIT:
                    asked = "" if busy.wait is None else f" and asks to wait {busy.wait:,.0f} s"
                    raise InputError(
                        f"{doing}: {self.api.endpoint} did not serve {busy}{asked}; gave up after {tried} tries and "
                        f"{self._waited:,.0f} s of waiting. What has arrived stays: the same command goes on from there"
                    )
                tqdm.write(f"{busy}; next try in {wait:,.0f} s ({tried} of {TRIES - 1})", file=sys.stderr)
                time.sleep(wait)
                self._waited += wait
        raise AssertionError("the last try returns or raises")


@contextmanager
def reaching(api: HfApi) -> Iterator[Hub]:
    """A `Hub` for the block, during which every request of huggingface_hub's is sent once."""

    def one_try() -> httpx2.Client:
        return _OneTry(event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True, timeout=_TIMEOUT)

    set_client_factory(one_try)
    try:
        yield Hub(api)
    finally:
        set_client_factory(default_client_factory)


def owner(hub: Hub) -> tuple[str, set[str]]:
    """(user, every namespace that the user may write in). Raises InputError: no valid token, or one that only reads."""
    me = hub.do("asking who the token belongs to", lambda: hub.api.whoami(cache=True))
    if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise InputError(f"the token of {me['name']} has the role 'read'; publishing needs one with the role 'write'")
    orgs = {org["name"] for org in me.get("orgs", ()) if org.get("roleInOrg") != "read"}
    return me["name"], {me["name"], *orgs}


def where(repo: Repo) -> dict[str, str]:
    """A repo as huggingface_hub's arguments."""
    return {"repo_id": repo.id, "repo_type": repo.type}


def commit(api: HfApi, *, parent: str, revision: str = "main", **what) -> str:
    """One commit on top of ``parent``; its id. Raises Busy where the branch has moved on: look again, then act."""
    try:
        return api.create_commit(parent_commit=parent, revision=revision, **what).oid
    except HfHubHTTPError as error:
        if error.response.status_code == 412:  # someone else's commit, or an earlier try whose answer was lost
            raise Busy(f"{what['repo_id']} has a new commit", 1) from None
        raise


@contextmanager
def _in_plain_words(api: HfApi, doing: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        said = _plain(error)
        if said is None:
            raise
        raise InputError(f"{doing} at {api.endpoint}: {said}") from None


def _plain(error: Exception) -> str | None:
    """What an error means to who typed the command; None for a bug of ours."""
    if refusal := _cause(error, HfHubHTTPError):
        status = refusal.response.status_code
        said = _REMEDIES.get(status) or _line(refusal.server_message or "the Hub refused")
        return f"{said} (status {status})"
    if _cause(error, LocalTokenNotFoundError):
        return "there is no token: run `hf auth login`, or set HF_TOKEN"
    if _cause(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to publish"
    if _cause(error, httpx2.LocalProtocolError) or _cause(error, UnicodeEncodeError):
        return "the token has a character that no token has: run `hf auth login` again, or set HF_TOKEN"
    if isinstance(error, (ValueError, RuntimeError)) and "huggingface_hub" in _raised_in(error):
        return _line(str(error))  # a card or a name that breaks the Hub's rules, or an upload by Xet that failed
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
    """One line of at most 300 characters; no address keeps its query, nothing like a token stays."""
    text = re.sub(r"(https?://[^\s?]+)\?\S+", r"\1", " ".join(text.split()))
    return re.sub(r"\bhf_\w+", "hf_...", text)[:300]
