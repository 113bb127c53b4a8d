"""The functions behind the tabs and the API. Each returns a dict. Requests for model and solver wait in queues."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import gradio as gr
import logic
from anyio import to_thread
from model import Models
from puzzles import Puzzles
from released import Results
from turns import Turns
from workers import Workers

from arith_puzzle.common.errors import InputError

PRIVATE = {"api_visibility": "private"}
SOLVERS = 2
FILE_SECONDS = 20.0
_END, _STOPPED = object(), object()


def person(request: gr.Request | None) -> str:
    """The visitor behind a request, by address. On a Space, the proxy in front of it sends the address in a header.

    A visitor can forge this header and so appear as several visitors. The total number of waiting requests is bounded.
    """
    if request is None:
        return ""
    named = request.headers.get("x-forwarded-for", "") if os.environ.get("SPACE_ID") else ""
    return named.split(",")[0].strip()[:64] or (request.client.host if request.client else "")


class Service:
    """The demo's models, puzzles, results, solver and file reader. Each has its own queue where visitors take turns.

    All models share one queue, because they share the machine.
    """

    def __init__(self, models: Models, puzzles: Puzzles, results: Results):
        self.models, self.puzzles, self.results = models, puzzles, results
        self.solver, self.files = Workers(SOLVERS), Workers(1, FILE_SECONDS)
        # Waiting and running requests together must stay below the 40 threads of Gradio's queue.
        self._model_turns = Turns("the model", 1, waiting=24)
        self._solver_turns = Turns("the solver", SOLVERS, waiting=64)  # does not use that queue
        self._file_turns = Turns("the file reader", 1, waiting=8)
        self._stops: dict[str, Callable] = {}
        self.on_load: list = []
        """(function, outputs) pairs that the page calls when a visitor opens it."""

    @property
    def rules(self) -> logic.Rules:
        """The options of ``verify`` by which all puzzles of this page are solved and judged."""
        return self.puzzles.rules

    def judge(self, numbers, target, answer, prose: bool = False) -> dict:
        """``logic.judge`` by the page's rules."""
        return logic.judge(numbers, target, answer, prose, self.rules)

    def close(self) -> None:
        """Stop the worker processes."""
        self.solver.close()
        self.files.close()

    async def ask(self, numbers, target, samples, temperature, seed, who: str, name: str = "") -> dict:
        """``logic.ask`` of the model of that name, in turn."""

        @logic.calm
        def ask() -> dict:
            model = self.models.find(name)
            return logic.ask(numbers, target, samples, temperature, seed, model.sample, model.form, self.rules)

        return await _in_turn(self._model_turns, who, ask)

    @property
    def busy(self) -> bool:
        """Whether a model is answering, so that the next visitor must wait."""
        return self._model_turns.free == 0

    def stop(self, session: str, *, quietly: bool = False) -> None:
        """End the ``watch`` of a session, if there is one. ``quietly``: without a last result."""
        if stop := self._stops.get(session):
            stop(_END if quietly else _STOPPED)

    async def watch(self, numbers, target, who: str, name: str = "", session: str = "") -> AsyncIterator[dict]:
        """``logic.watch`` of the model of that name, in turn; or ``{"error": …}``.

        It ends early when the visitor leaves, or by ``stop``. Then the last result has ``stopped``.

        Args:
            session: of the visitor's page, for ``stop``.
        """
        results, gone, last = asyncio.Queue(), threading.Event(), None
        give = partial(asyncio.get_running_loop().call_soon_threadsafe, results.put_nowait)

        def run(given: list[int], goal: int) -> None:
            model = self.models.find(name)
            form = model.form
            prompt = logic.question(given, goal, form, self.rules)
            with contextlib.closing(model.stream(prompt, len(given) - 1)) as stream:
                for result in logic.watch(given, goal, stream, form, self.rules):
                    if gone.is_set():
                        return
                    give(result)

        async def answer() -> None:
            try:
                puzzle = logic.read_puzzle(numbers, target)
                async with self._model_turns.of(who):
                    await to_thread.run_sync(run, *puzzle)
            except (InputError, logic.Unavailable) as error:
                results.put_nowait({"error": str(error)})
            finally:
                give(_END)  # after the results that the thread gave

        task = asyncio.create_task(answer())
        self._stops[session] = give
        try:
            while (result := await results.get()) is not _END:
                if result is _STOPPED:
                    halted = {"done": True, "stopped": True, "verdict": f"{logic.STOPPED}."}
                    yield last | halted if last else {"error": logic.STOPPED}
                    return
                last = result
                yield result
        finally:
            gone.set()
            task.cancel()
            if self._stops.get(session) is give:
                del self._stops[session]

    async def solve(self, numbers, target, who: str) -> dict:
        """``logic.solve``, in turn."""
        return await _in_turn(self._solver_turns, who, logic.solve, numbers, target, self.solver, self.rules)

    async def solve_with_nearest(self, numbers, target, who: str) -> tuple[dict, dict | None]:
        """``solve``, and if there is no solution, ``logic.nearest``: the nearest target that has one."""
        result = await self.solve(numbers, target, who)
        if result.get("solvable") is not False:
            return result, None
        return result, await _in_turn(self._solver_turns, who, logic.nearest, numbers, target, self.solver, self.rules)

    async def judge_file(self, path: str, out: Path, who: str) -> dict:
        """``workers.judge_file``, in turn; or ``{"error": …}``."""

        def judge() -> dict:
            found, complete = self.files("judge_file", path, str(out), self.rules)
            if not complete:
                raise logic.Unavailable(f"the file took more than {FILE_SECONDS:.0f} s: send a smaller one")
            return found[0]

        return await _in_turn(self._file_turns, who, logic.calm(judge))

    async def sample(self, level: str, source: str) -> dict:
        """A random puzzle: ``Puzzles.draw``, with the number of solutions counted for small puzzles."""
        return await to_thread.run_sync(self._sample, level, source)

    @logic.calm
    def _sample(self, level: str, source: str) -> dict:
        drawn = self.puzzles.draw(source, level)
        if drawn["num_solutions"] is None and len(drawn["numbers"]) <= 5:
            found, complete = self.solver("solve", drawn["numbers"], drawn["target"], logic.COUNT_CAP, self.rules)
            drawn["num_solutions"] = len(found) if complete else None
        return drawn


async def _in_turn(turns: Turns, who: str, function, *arguments) -> dict:
    try:
        async with turns.of(who):
            return await to_thread.run_sync(function, *arguments)
    except logic.Unavailable as error:
        return {"error": str(error)}
