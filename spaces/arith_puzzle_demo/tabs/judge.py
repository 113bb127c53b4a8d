"""The tab "Check": the verifier's verdict on any answer, as equations or as free text."""

from __future__ import annotations

import gradio as gr
import logic
import render
from service import PRIVATE, Service

PROSE = """First I take 58 - 51 = 7.
Then **6 \u2212 7 = -1**, and 3 \u00d7 (-1) = -3.
Finally -3 + 7 = 4, which is the target."""


def build(service: Service) -> None:
    """Add the tab's parts to the page."""
    limit = logic.MAX_INPUT_CHARS
    with gr.Row(elem_classes="ap-puzzle"):
        numbers = gr.Textbox("3, 6, 7, 51, 58", label="Given numbers", max_length=limit, scale=4, min_width=200)
        target = gr.Textbox("4", label="Number to reach", max_length=limit, scale=1, min_width=80)
    answer = gr.Textbox(
        label="Answer: one equation per line, or free text", placeholder="58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4",
        lines=6, max_lines=16, max_length=logic.MAX_ANSWER_CHARS + 1,
    )  # fmt: skip
    with gr.Row():
        judge_it = gr.Button("Check", variant="primary", min_width=120, elem_id="judge")
        prose = gr.Checkbox(True, label="Also look for equations in free text", min_width=160)
    gr.Examples(
        [["58-51=7\n6-7=-1\n3*-1=3\n-3+7=4"], [PROSE]], [answer], label="Examples", api_visibility="private",
        example_labels=["A mistake in line 3", "Free text"],
    )  # fmt: skip
    judged = gr.HTML(apply_default_css=False, elem_id="judged")

    def show(*given) -> str:
        return render.judged(service.judge(*given))

    judge_it.click(show, [numbers, target, answer, prose], judged, queue=False, show_progress="hidden", **PRIVATE)
