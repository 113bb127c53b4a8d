"""Make many chat calls to an OpenAI-compatible endpoint or an Inference Provider, with huggingface_hub's client.

Calls run concurrently, within a limit of requests per minute. Temporary failures (429, 5xx, a dropped or late reply)
are retried with growing waits. Any other failure stops the run with a one-line error, after the calls in flight are
stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import AsyncInferenceClient
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.reply_store import Reply, Store, call_key

TRIES = 8
"""Maximum number of tries for one call."""
TRIES_BEFORE_ANY_REPLY = 3
"""Maximum number of tries while the endpoint has never replied: its address is probably wrong."""
LONGEST_WAIT = 60.0
"""Longest wait between two tries, in seconds, before random jitter."""
NO_KEY = "none"
"""The key that is sent if the user gives none. Otherwise the client would send the user's Hub token to any endpoint."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Endpoint:
    """The server that gets the calls. Its key is never written to a file or a message.

    Attributes:
        model: the model's name on the server. It is part of every call's key in the store.
        url: the base URL of an OpenAI-compatible server, or None for an Inference Provider.
        provider: the Inference Provider's name; "auto" lets the Hub choose. Ignored if there is a ``url``.
        key: the API key or Hub token, or None.
        timeout: maximum time for one reply, in seconds.

    Raises:
        InputError: a bad URL, or an Inference Provider without a key.
    """

    model: str
    url: str | None = None
    provider: str = "auto"
    key: str | None = field(default=None, repr=False)
    timeout: float = 600.0

    @property
    def public(self) -> dict[str, str]:
        """What a file may say about the endpoint: its address, or its provider."""
        return {"url": self.url} if self.url else {"provider": self.provider}

    def __post_init__(self) -> None:
        parts = urlsplit(self.url or "http://x")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise InputError(
                "an endpoint is an http(s) URL without name, password or query; give the key with --key-env"
            )
        if not self.url and not self.key:
            raise InputError("an Inference Provider needs a Hub token; set the variable that --key-env names")


@dataclass
class Limits:
    """Limits on the rate of calls.

    Attributes:
        concurrency: maximum number of calls at a time.
        requests_per_minute: maximum number of calls per minute; 0 means no limit.
        first_wait: wait before the second try of a call, in seconds. Each further wait is twice as long.

    Raises:
        InputError: a limit out of range.
    """

    concurrency: int = 8
    requests_per_minute: float = 0
    first_wait: float = 0.5

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.requests_per_minute < 0:
            raise InputError("--concurrency must be at least 1 and --requests-per-minute at least 0")


class Engine:
    """Answer calls from the store or from the endpoint.

    Args:
        price: US dollars per million prompt tokens and per million completion tokens.

    Attributes:
        made: number of calls that were sent to the endpoint.
        used: [prompt tokens, completion tokens, calls without a reported count], summed over all replies.
    """

    _client: AsyncInferenceClient  # set while run() works
    _bar: tqdm  # set while run() works

    def __init__(self, endpoint: Endpoint, store: Store, limits: Limits, *, price: tuple[float, float] = (0, 0)):
        self._endpoint, self._store, self._limits, self._price = endpoint, store, limits, price
        self._stop = False
        self._next_start = 0.0
        self._answered = False
        self.made = 0
        self.used = [0, 0, 0]

    @property
    def cost(self) -> float:
        """Cost of all replies so far, in US dollars."""
        return sum(tokens * price for tokens, price in zip(self.used, self._price, strict=False)) / 1e6

    def run(self, items: Sequence[T], handle: Callable[[T], Awaitable[R]], *, title: str | None) -> list[R]:
        """Await ``handle(item)`` for all items, several at a time.

        Args:
            handle: a coroutine function, which may call ``reply``.
            title: label of the progress bar; None shows no bar.

        Returns:
            The results in the order of the items.

        Raises:
            InputError: a call failed for good. Replies in flight are stored, so the same command continues the work.
        """
        return asyncio.run(self._run(items, handle, title))

    async def _run(self, items: Sequence[T], handle: Callable[[T], Awaitable[R]], title: str | None) -> list[R]:
        results: dict[int, R] = {}
        todo = iter(enumerate(items))
        self._stop = False
        self._next_start = 0.0

        async def worker() -> None:
            for position, item in todo:
                if self._stop:
                    return
                try:
                    results[position] = await handle(item)
                except BaseException:
                    self._stop = True
                    raise
                self._bar.update()

        endpoint = self._endpoint
        where: dict = {"base_url": endpoint.url} if endpoint.url else {"provider": endpoint.provider}
        client = AsyncInferenceClient(**where, api_key=endpoint.key or NO_KEY, timeout=endpoint.timeout)
        with tqdm(total=len(items), desc=title, unit="item", disable=title is None) as self._bar:
            async with client as self._client:
                workers = [worker() for _ in range(min(self._limits.concurrency, len(items)))]
                ended = await asyncio.gather(*workers, return_exceptions=True)
        failures = [error for error in ended if error is not None and not isinstance(error, _Stopped)]
        if failures:
            raise failures[0]
        return [results[position] for position in range(len(items))]

    async def reply(self, messages: list[dict], parameters: dict, seed: int) -> Reply:
        """The stored reply to this call, or a new one, which is stored first.

        Args:
            messages: the chat, as a list of ``{"role", "content"}``.
            parameters: ``temperature`` and ``max_tokens``.
            seed: seed that is sent to the server. It is part of the call's key.
        """
        key = call_key(self._endpoint.model, parameters, messages, seed)
        reply = self._store.get(key)
        if reply is None:
            reply = await self._call(messages, parameters, seed)
            self._store.add(key, reply)
            self.made += 1
        for place, tokens in enumerate((reply.prompt_tokens, reply.completion_tokens)):
            self.used[place] += tokens or 0
        self.used[2] += reply.completion_tokens is None
        cost = {"cost": f"{self.cost:.4f}"} if any(self._price) else {}
        self._bar.set_postfix(calls=self.made, tokens=self.used[1], **cost, refresh=False)
        return reply

    async def _call(self, messages: list[dict], parameters: dict, seed: int) -> Reply:
        waits = Random(seed)
        for attempt in range(1, TRIES + 1):
            await self._turn()
            try:
                output = await self._client.chat_completion(
                    messages, model=self._endpoint.model, seed=seed, **parameters
                )
                reply = _read(output)
                self._answered = True
                return reply
            except HfHubHTTPError as error:
                status = error.response.status_code
                fault = f"{status}: {self._shown(error)}"
                if status in (401, 403):
                    raise InputError(f"the endpoint refused the key ({fault}); set the variable of --key-env") from None
                if status not in (408, 409, 425, 429) and status < 500:
                    raise InputError(f"the endpoint refused a call ({fault}); fix --model or the parameters") from None
                self._answered |= status == 429
                after = _seconds(error.response.headers.get("Retry-After"))
            except (InferenceTimeoutError, httpx2.HTTPError, OSError) as error:
                fault, after = f"{type(error).__name__}: {self._shown(error)}", 0.0
            except (KeyError, TypeError, AttributeError, IndexError, UnicodeDecodeError, RecursionError):
                fault, after = "its reply is not a chat completion", 0.0
            except ValueError as error:  # the reply is not JSON, or the client refuses the provider
                if not type(error).__name__.endswith("DecodeError"):
                    raise InputError(f"the client refused the call: {self._shown(error)}") from None
                fault, after = "its reply is not JSON", 0.0
            if attempt >= (TRIES if self._answered else TRIES_BEFORE_ANY_REPLY):
                raise InputError(
                    f"no answer from the endpoint in {attempt} tries, last fault {fault}; earlier replies are stored:"
                    " check the endpoint, then run the same command again"
                )
            wait = min(LONGEST_WAIT, self._limits.first_wait * 2 ** (attempt - 1)) * (1 + waits.random() / 2)
            await asyncio.sleep(max(wait, after))
        raise AssertionError("unreachable")

    async def _turn(self) -> None:
        """Wait until the limit of requests per minute allows this call. Raises _Stopped if the run is stopping."""
        if self._limits.requests_per_minute:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next_start)
            self._next_start = start + 60 / self._limits.requests_per_minute
            await asyncio.sleep(start - now)
        if self._stop:
            raise _Stopped

    def _shown(self, error: Exception) -> str:
        """An error's text on one line, without the key, in at most 200 characters."""
        text = " ".join(str(error).split())
        return (text.replace(self._endpoint.key, "***") if self._endpoint.key else text)[:200]


class _Stopped(Exception):
    """The run is stopping because of another call's error."""


def _read(output: Any) -> Reply:
    """Convert the client's output. Raises one of several built-in errors if it is malformed."""
    choice = output.choices[0]
    text = choice.message.content or ""
    if not isinstance(text, str):
        raise TypeError
    counts = [getattr(output.usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    return Reply(text, str(choice.finish_reason), *[n if type(n) is int else None for n in counts])


def _seconds(header: str | None) -> float:
    """A Retry-After header in seconds. A date, the header's other form, gives 0: the growing waits suffice."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(header or 0)))
    except ValueError:
        return 0.0
