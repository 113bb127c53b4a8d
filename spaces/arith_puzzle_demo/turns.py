"""A fair queue for a resource that few visitors can use at once. One visitor with many requests cannot block others."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import asynccontextmanager

from logic import Unavailable


class Turns:
    """A fair queue: ``async with turns.of(person): …`` waits for a turn. Each round serves one request per visitor.

    At most ``waiting`` requests wait. When the queue is full, a new request replaces the last one of the visitor with
    the most waiting requests. If that is the same visitor, the new request is refused.

    Args:
        what: name of the resource, for the error message.
        places: number of requests that are served at once.
        waiting: maximum number of requests that wait.
    """

    def __init__(self, what: str, places: int, waiting: int):
        self.what, self.free, self.waiting = what, places, waiting
        self._queues: dict[str, deque[asyncio.Future]] = defaultdict(deque)

    @asynccontextmanager
    async def of(self, person: str):
        """Wait for a turn and hold it during the block. Raises Unavailable if too many requests wait."""
        await self._enter(person)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, person: str) -> None:
        if self.free:
            self.free -= 1
            return
        if sum(map(len, self._queues.values())) >= self.waiting:
            greedy = max(self._queues, key=lambda one: len(self._queues[one]))
            if len(self._queues[greedy]) <= len(self._queues.get(person, ())) + 1:
                raise self._refusal()
            self._queues[greedy].pop().set_exception(self._refusal())
        turn = asyncio.get_running_loop().create_future()
        self._queues[person].append(turn)
        try:
            await turn
        except asyncio.CancelledError:  # the visitor left
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()
            raise

    def _leave(self) -> None:
        while self._queues:
            person, queue = next(iter(self._queues.items()))
            del self._queues[person]
            turn = queue.popleft()
            if queue:
                self._queues[person] = queue  # at the end of the round
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def _refusal(self) -> Unavailable:
        return Unavailable(f"{self.what} is busy, {self.waiting} requests wait; try again in a minute")
