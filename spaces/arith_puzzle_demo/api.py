"""The named API endpoints, for gradio_client and for agents (MCP). Agents read the docstrings of the endpoints."""

from __future__ import annotations

import tempfile
from pathlib import Path

import gradio as gr
import logic
from anyio import to_thread
from gradio import FileData
from service import Service, person


def add(service: Service) -> None:
    """Add the endpoints to the page."""

    async def ask(
        numbers: str, target: int, samples: int = 1, temperature: float = 0.0, seed: int = 0, model: str = "",
        request: gr.Request = None,
    ) -> dict:  # fmt: skip
        """Ask the model for answers to an arithmetic puzzle. The verifier checks each line.

        Args:
            numbers: the given numbers, separated by commas, such as "3,6,7,51,58".
            target: the integer to reach.
            samples: number of answers, 1 to 16; more than one needs a temperature above 0.
            temperature: sampling temperature, 0 (greedy) to 2.
            seed: the same seed gives the same answers.
            model: name of one of the page's models, which /status lists; empty for the first one.
        """
        result = await service.ask(numbers, target, samples, temperature, seed, person(request), model)
        if "error" in result:
            return result
        asked = service.models.find(model)
        return result | {"adapter": asked.adapter, "base": asked.base}

    async def judge(numbers: str, target: int, answer: str, prose: bool = False) -> dict:
        """Check whether an answer solves an arithmetic puzzle: verdict, first fault, numbers left after each line.

        Args:
            numbers: the given numbers, separated by commas, such as "3,6,7,51,58".
            target: the integer to reach.
            answer: one equation per line, without spaces, such as "58-51=7". Every number and result is used once.
            prose: if the answer is wrong as written, also look for equations in it as free text or LaTeX.
        """
        return await to_thread.run_sync(service.judge, numbers, target, answer, prose)

    async def solve(numbers: str, target: int, request: gr.Request = None) -> dict:
        """Find the exact solutions of an arithmetic puzzle of up to 8 numbers, or prove that there is none.

        Args:
            numbers: the given numbers, separated by commas, such as "3,6,7,51,58".
            target: the integer to reach.
        """
        return await service.solve(numbers, target, person(request))

    async def sample(level: str = "easy", split: str = "") -> dict:
        """Draw a random puzzle from the dataset.

        Args:
            level: "easy", "medium" or "hard", by the dataset's difficulty label.
            split: an evaluation split, or "made here" for random numbers; empty for the default split.
        """
        return await service.sample(level, split)

    async def results() -> dict:
        """The scores of the released models: pass@1 with intervals for each split and N, and splits without a score."""
        return await to_thread.run_sync(logic.calm(service.results.read))

    async def measure_file(file: FileData, request: gr.Request = None) -> dict:
        """Score a JSONL file of answers. Each row has numbers, target and response.

        Args:
            file: the file, at most 4 MB and 20,000 rows.
        """
        path = str(getattr(file, "path", None) or file["path"])
        with tempfile.TemporaryDirectory(prefix="verdicts-") as folder:
            out = Path(folder) / "verdicts.jsonl"
            result = await service.judge_file(path, out, person(request))
            return result if "error" in result else result | {"verdicts": out.read_text(encoding="utf-8")}

    async def status() -> dict:
        """Whether this page has models, and which ones."""
        return service.models.status()

    for function, queued in (
        (ask, True), (judge, False), (solve, False), (sample, False), (results, False), (measure_file, True),
        (status, False),
    ):  # fmt: skip
        gr.api(function, api_name=function.__name__, queue=queued, concurrency_limit=None)
