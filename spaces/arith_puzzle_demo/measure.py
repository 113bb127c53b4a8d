"""The tab Measure: what was measured of the released models, and the metric of a visitor's own answers."""

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
ROW = '{"numbers": [3, 6, 7, 51, 58], "target": 4, "response": "58-51=7\\n6-7=-1\\n3*-1=-3\\n-3+7=4"}'


def build(service: Service) -> None:
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            gr.HTML('<h2 class="ap-h2">The released models</h2>', apply_default_css=False)
            measured = gr.HTML(
                '<p class="ap-small">The results are being read …</p>', apply_default_css=False, elem_id="measured"
            )
        with gr.Column(scale=4, min_width=300):
            gr.HTML(
                f'<h2 class="ap-h2">Your own answers</h2><p class="ap-small">A JSONL file of up to {MAX_ROWS:,} rows '
                f'and {MAX_FILE[:-2]} MB. A row:</p><pre class="ap-read">{ROW}</pre>', apply_default_css=False,
            )  # fmt: skip
            given = gr.File(label="JSONL file", file_types=[".jsonl", ".json", ".txt"], height=140, elem_id="upload")
            judged = gr.HTML(apply_default_css=False, elem_id="metric")
            verdicts = gr.File(label="Verdicts", visible=False, interactive=False, elem_id="verdicts")

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
            else:  # Gradio keeps a copy of what is yielded, for an hour, before the folder goes
                yield charts.metric(result, REASONS), gr.File(str(out), visible=result["measured"] is not None)

    service.on_load.append((show_results, [measured]))
    gr.on(
        [given.upload, given.clear],
        show_metric,
        given,
        [judged, verdicts],
        concurrency_limit=None,
        show_progress="hidden",
        **PRIVATE,
    )


def _results(service: Service) -> str:
    try:
        results = service.results.read()
    except logic.Unavailable as error:
        return render.note(str(error))
    missing = ", ".join(results["missing"])
    said = f'<p class="ap-note">Not measured yet: {missing}.</p>' if missing else ""
    return charts.scores(results) + said + charts.heat(results) + charts.scaling(results["scaling"])
