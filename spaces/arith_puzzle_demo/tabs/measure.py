"""The tab "Results": the scores of the released models, and the scores of a visitor's own file of answers."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import charts
import gradio as gr
import logic
import render
from anyio import to_thread
from service import PRIVATE, Service, person
from workers import MAX_ROWS

from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS

MAX_FILE = "4mb"
INTRODUCTION = """
<h2 class="ap-h2">Scores of the released models</h2>
<p class="ap-small">A score, pass@1, is the share of puzzles that a model solves with one answer. N is the count of
given numbers. “Base” is the language model before its training on puzzles; “adapter” is the trained model.</p>
"""
UPLOAD = """
<h2 class="ap-h2">Score your own answers</h2>
<p class="ap-small">Upload a JSONL file of up to {rows:,} rows and {size} MB, with one answer per row:</p>
<pre class="ap-read">{row}</pre>
"""
ROW = '{"numbers": [3, 6, 7, 51, 58], "target": 4, "response": "58-51=7\\n6-7=-1\\n3*-1=-3\\n-3+7=4"}'


def build(service: Service) -> None:
    """Add the tab's parts to the page."""
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            gr.HTML(INTRODUCTION, apply_default_css=False)
            measured = gr.HTML(
                '<p class="ap-small">The results are being read …</p>', apply_default_css=False, elem_id="measured"
            )
        with gr.Column(scale=4, min_width=300):
            gr.HTML(UPLOAD.format(rows=MAX_ROWS, size=MAX_FILE[:-2], row=ROW), apply_default_css=False)
            given = gr.File(label="JSONL file", file_types=[".jsonl", ".json", ".txt"], height=140, elem_id="upload")
            judged = gr.HTML(apply_default_css=False, elem_id="metric")
            verdicts = gr.File(label="Verdict for each row", visible=False, interactive=False, elem_id="verdicts")

    async def show_results() -> str:
        return await to_thread.run_sync(_results, service)

    async def show_metric(path: str | None, request: gr.Request) -> AsyncIterator[tuple]:
        if not path:
            yield "", gr.File(visible=False)
            return
        with tempfile.TemporaryDirectory(prefix="verdicts-") as folder:
            out = Path(folder) / "verdicts.jsonl"
            result = await service.judge_file(path, out, person(request))
            if "error" in result:
                yield render.note(result["error"]), gr.File(visible=False)
            else:  # Gradio copies the yielded file before the folder is deleted, and keeps the copy for an hour
                yield charts.metric(result, REASONS), gr.File(str(out), visible=result["measured"] is not None)

    service.on_load.append((show_results, [measured]))
    gr.on(
        [given.upload, given.clear], show_metric, given, [judged, verdicts], concurrency_limit=None,
        show_progress="hidden", **PRIVATE,
    )  # fmt: skip


def _results(service: Service) -> str:
    try:
        results = service.results.read()
    except logic.Unavailable as error:
        return render.note(str(error))
    missing = ", ".join(results["missing"])
    note = f'<p class="ap-note">Not measured yet: {missing}.</p>' if missing else ""
    parts = [charts.scores(results), charts.comparison(results["comparison"]) + note, charts.heat(results)]
    if len({score["config"] for score in results["scores"]}) > 1:  # the overview comes first, where there is much
        parts.insert(0, parts.pop())
    return "".join(parts) + charts.scaling(results["scaling"])
