"""The demo Space: try an arithmetic puzzle on the model, see each line judged, see a solution.    python app.py"""

from __future__ import annotations

import sys
from pathlib import Path

import gradio as gr

# Not resolved: a snapshot of the Hub is made of links, and Python would look for our modules where they point.
sys.path.insert(0, str(Path(__file__).absolute().parent))

import backend
import logic
import render
from solver import WORKERS, Solver

from dataset_builder.errors import InputError
from metrics.arith_puzzle_verifier.verify import MAX_RESPONSE_CHARS

HERE = Path(__file__).absolute().parent
EXAMPLE = ("3, 6, 7, 51, 58", "4")
SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")

# Each kind of work has places of its own, so that waiting for the model never holds up a verdict.
MODEL = {"concurrency_id": "model", "concurrency_limit": 1}
SOLVER = {"concurrency_id": "solver", "concurrency_limit": WORKERS}
DATASET = {"concurrency_id": "dataset", "concurrency_limit": 2}
VERDICT = {"concurrency_id": "verdict", "concurrency_limit": 4}


def build(model: backend.Model, puzzles: backend.Puzzles, solver: logic.Search) -> gr.Blocks:
    def ask(numbers: str, target: int) -> dict:
        """The model's greedy answer to a puzzle, judged line by line. numbers: "3,6,7,51,58"."""
        result = logic.ask(numbers, target, model.answer)
        return result if "error" in result else result | {"adapter": model.adapter, "base": model.base}

    def judge(numbers: str, target: int, answer: str) -> dict:
        """The verdict on an answer: one equation a line, no spaces. numbers: "3,6,7,51,58"."""
        return logic.judge(numbers, target, answer)

    def solve(numbers: str, target: int) -> dict:
        """A solution of a puzzle of up to 8 numbers and how many there are, or that none exists."""
        return logic.solve(numbers, target, solver)

    def sample() -> dict:
        """A random puzzle of the dataset."""
        result = logic.sample(puzzles.random)
        chosen = puzzles.settings
        where = {"dataset": chosen.dataset, "config": chosen.config, "split": chosen.split}
        return result if "error" in result else result | where

    def status() -> dict:
        """Whether a model answers, and which."""
        return model.status()

    def show_sample():
        result = sample()
        if "error" in result:
            return gr.skip(), gr.skip(), render.note(result["error"]), gr.skip(), gr.skip(), gr.skip()
        return ", ".join(map(str, result["numbers"])), str(result["target"]), "", "", "", ""

    def show_status():
        return render.status(model.status()), gr.Timer(active=model.state == "loading")

    with gr.Blocks(title="Arithmetic puzzles", analytics_enabled=False) as page:
        gr.HTML(apply_default_css=False, value=render.HEADER)
        state = gr.HTML(apply_default_css=False, value=render.status(model.status()), elem_id="status")
        with gr.Row(equal_height=True):
            limit = logic.MAX_INPUT_CHARS
            numbers = gr.Textbox(EXAMPLE[0], label="Numbers", max_length=limit, scale=4, min_width=220)
            target = gr.Textbox(EXAMPLE[1], label="Target", max_length=limit, scale=1, min_width=90)
            take = gr.Button("From the dataset", scale=1, min_width=190, elem_id="take")
        said = gr.HTML(apply_default_css=False, elem_id="said")
        with gr.Tab("Solve"):
            with gr.Row():
                ask_it = gr.Button("Ask the model", variant="primary", min_width=140)
                show_it = gr.Button("Show a solution", min_width=140)
            answered = gr.HTML(apply_default_css=False, elem_id="answered")
            solved = gr.HTML(apply_default_css=False, elem_id="solved")
        with gr.Tab("Judge"):
            answer = gr.Textbox(
                label="An answer, one equation a line", lines=5, max_lines=16, max_length=MAX_RESPONSE_CHARS + 1,
                placeholder="58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4",
            )  # fmt: skip
            judge_it = gr.Button("Judge", variant="primary")
            judged = gr.HTML(apply_default_css=False, elem_id="judged")
        gr.HTML(apply_default_css=False, value=render.HOW)

        puzzle = [numbers, target]
        private = {"api_visibility": "private"}
        take.click(show_sample, None, [*puzzle, said, answered, solved, judged], **DATASET, **private)
        gr.on(
            [ask_it.click, numbers.submit, target.submit],
            lambda *given: render.judged(ask(*given), "The model"), puzzle, answered, **MODEL, **private,
        )  # fmt: skip
        show_it.click(lambda *given: render.solved(solve(*given)), puzzle, solved, **SOLVER, **private)
        judge_it.click(
            lambda *given: render.judged(judge(*given), "This answer"), [*puzzle, answer], judged,
            **VERDICT, **private,
        )  # fmt: skip
        watch = gr.Timer(2)
        gr.on(
            [page.load, watch.tick], show_status, None, [state, watch], queue=False, show_progress="hidden", **private
        )

        for function, places in ((ask, MODEL), (judge, VERDICT), (solve, SOLVER), (sample, DATASET), (status, VERDICT)):
            gr.api(function, api_name=function.__name__, **places)
    return page.queue(max_size=64, default_concurrency_limit=2, api_open=False)


def theme() -> gr.themes.Base:
    """Calm: stone and teal, system fonts."""
    return gr.themes.Base(
        primary_hue="teal", secondary_hue="teal", neutral_hue="stone", radius_size="lg", font=SYSTEM, font_mono=MONO
    ).set(
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
    )


def main() -> int:
    environment = backend.environment()
    try:
        settings = backend.Settings.read(HERE / "settings.json", environment)
        port = backend.port(environment)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    model = backend.Model(settings.adapter, settings.adapter_revision)
    puzzles, solver = backend.Puzzles(settings), Solver()
    model.start()
    puzzles.start()
    page = build(model, puzzles, solver)
    try:
        page.launch(
            server_name=backend.host(environment), server_port=port, theme=theme(), css_paths=HERE / "style.css",
            footer_links=["api"], run_history=False, ssr_mode=False, share=False, quiet=True, prevent_thread_lock=True,
        )  # fmt: skip
        print(f"The demo is at http://127.0.0.1:{port}", flush=True)
        page.block_thread()
    except OSError:
        print(f"port {port} is taken: set ARITH_PUZZLE_PORT to a free one", file=sys.stderr)
        return 2
    finally:
        solver.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
