"""The tab "Ask": any puzzle, the model's answers, and the exact solver's solutions beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import gradio as gr
import logic
import render
from service import PRIVATE, Service, person

EXAMPLES = (("3, 6, 7, 51, 58", "4"), ("5, 8, 13, 40", "1"), ("1, 1, 1", "7"))


def build(service: Service, chosen_model: gr.components.Component) -> None:
    """Add the tab's parts to the page. ``chosen_model`` holds the name of the model that is asked."""
    limit = logic.MAX_INPUT_CHARS
    with gr.Row(elem_classes="ap-puzzle"):
        numbers = gr.Textbox(EXAMPLES[0][0], label="Numbers", max_length=limit, scale=4, min_width=200)
        target = gr.Textbox(EXAMPLES[0][1], label="Target", max_length=limit, scale=1, min_width=80)
    with gr.Row(elem_classes="ap-knobs"):
        samples = gr.Slider(
            1, logic.MAX_SAMPLES, value=1, step=1, label="Samples", min_width=120,
            info="How many answers the model writes",
        )  # fmt: skip
        temperature = gr.Slider(
            0, logic.MAX_TEMPERATURE, value=0, step=0.1, label="Temperature", min_width=120,
            info="0: always the likeliest answer; higher: more varied. Several samples at 0 use 1.",
        )  # fmt: skip
        seed = gr.Number(
            0, label="Seed", precision=0, minimum=0, min_width=90, info="The same seed repeats the same answers"
        )
    with gr.Row():
        both = gr.Button("Ask the model and the solver", variant="primary", min_width=220, elem_id="ask")
        stop = gr.Button("Stop", min_width=60, visible=False, elem_id="stop-asking")
        alone = gr.Button("Only the solver", min_width=130)
    gr.Examples(
        [list(each) for each in EXAMPLES], [numbers, target], label="Examples", api_visibility="private",
        example_labels=[f"{numbers} → {target}" for numbers, target in EXAMPLES],
    )  # fmt: skip
    with gr.Row():
        with gr.Column(min_width=300):
            answered = gr.HTML(apply_default_css=False, elem_id="answered")
        with gr.Column(min_width=300):
            solved = gr.HTML(apply_default_css=False, elem_id="solved")

    def session(request: gr.Request) -> str:
        return f"{request.session_hash}, tab Ask"

    async def show_model(
        numbers, target, samples, temperature, seed, name, request: gr.Request
    ) -> AsyncIterator[tuple]:  # fmt: skip
        heat = temperature or (1.0 if samples > 1 else 0)  # greedy answers would all be the same
        if heat:
            yield render.working("The model is answering …"), gr.Button(visible=False)
            result = await service.ask(numbers, target, samples, heat, seed, person(request), name)
            yield render.samples(result, heat), gr.skip()
            return
        yield render.begins(busy=service.busy), gr.Button(visible=True)
        async for result in service.watch(numbers, target, person(request), name, session(request)):
            whole = result.get("done") and not result.get("stopped")
            yield render.answer(result) if whole else render.attempt(result), gr.skip()
        yield gr.skip(), gr.Button(visible=False)

    async def show_stopped(request: gr.Request) -> None:
        service.stop(session(request))

    async def show_solution(numbers, target, request: gr.Request) -> str:
        result, near = await service.solve_with_nearest(numbers, target, person(request))
        return render.solved(result, near)

    puzzle = [numbers, target]
    asking = [both.click, numbers.submit, target.submit]
    hidden = {"show_progress": "hidden", **PRIVATE}
    gr.on(
        asking, show_model, [*puzzle, samples, temperature, seed, chosen_model], [answered, stop],
        concurrency_limit=None, **hidden,
    )  # fmt: skip
    stop.click(show_stopped, None, None, queue=False, **hidden)
    gr.on([*asking, alone.click], show_solution, puzzle, solved, queue=False, **hidden)
