"""The tab "Play": the board for the visitor, and beside it the model's attempt at the same puzzle."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr
import logic
import render
from puzzles import LEVELS, MADE_HERE
from service import PRIVATE, Service, person

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import parse_puzzle

HERE = Path(__file__).absolute().parent
FIRST = logic.facts([4, 7, 8, 20], 24, source="", solutions=11)
"""The puzzle that the page shows first."""


def build(service: Service, chosen_model: gr.components.Component) -> None:
    """Add the tab's parts to the page. ``chosen_model`` holds the name of the model that the visitor plays against."""
    with gr.Row(elem_classes="ap-play"):
        with gr.Column(scale=5, min_width=300):
            board = gr.HTML(
                FIRST, html_template=_read("board.html"), js_on_load=_read("board.js"), apply_default_css=False,
                elem_id="board",
            )  # fmt: skip
            mine = gr.HTML(apply_default_css=False, elem_id="mine")
            with gr.Row(elem_classes="ap-choose", equal_height=True):
                level = gr.Dropdown(list(LEVELS), value=LEVELS[0], label="Difficulty", min_width=110, scale=2)
                source = gr.Dropdown(
                    _choices([MADE_HERE]), value=MADE_HERE, label="Puzzles from", min_width=160, scale=3
                )
                new = gr.Button("New puzzle", min_width=120, scale=2, elem_id="new")
        with gr.Column(scale=4, min_width=300):
            gr.HTML('<h2 class="ap-h2">The model at the same puzzle</h2>', apply_default_css=False)
            with gr.Row():
                race = gr.Button("Let the model try", variant="primary", min_width=130, elem_id="race")
                stop = gr.Button("Stop", min_width=60, visible=False, elem_id="stop")
                give_up = gr.Button("Show a solution", min_width=130, elem_id="give-up")
            attempt = gr.HTML(_WAITING, apply_default_css=False, elem_id="attempt")
            solved = gr.HTML(apply_default_css=False, elem_id="shown")
    late, chosen = gr.Timer(2), gr.State((LEVELS[0], MADE_HERE))

    async def show_new(level: str, source: str, request: gr.Request):
        service.stop(request.session_hash, quietly=True)  # the model at the puzzle before
        drawn = await service.sample(level, source)
        if "error" in drawn:
            return gr.skip(), render.note(drawn["error"]), gr.skip(), gr.skip()
        return drawn, "", _WAITING, ""

    async def show_chosen(level: str, source: str, before: tuple[str, str], request: gr.Request):
        """Show a new puzzle if the visitor changed a choice; do nothing if the page itself changed the list."""
        now = (level, source)
        return (*await show_new(*now, request), now) if now != before else (gr.skip(),) * 5

    async def show_first(request: gr.Request):
        """Show the puzzle in the link, if there is one, and fill the list of sources."""
        loading = service.puzzles.loading  # read this before the list: loading may end in between
        sources, given = service.puzzles.sources(), gr.skip()
        with contextlib.suppress(InputError):
            if text := str(request.query_params.get("puzzle", ""))[:400]:
                numbers, target = parse_puzzle(text)
                given = logic.facts(numbers, target, source="from a link", rules=service.rules)
        return (
            given,
            gr.Dropdown(_choices(sources), value=sources[0]),
            (LEVELS[0], sources[0]),
            gr.Timer(active=loading),
        )

    async def show_late():
        """Add the dataset's sources once it is loaded. The visitor's choices and game stay as they are."""
        if service.puzzles.loading:
            return gr.skip(), gr.skip()
        return gr.Dropdown(_choices(service.puzzles.sources())), gr.Timer(active=False)

    async def show_race(board: dict, name: str, request: gr.Request) -> AsyncIterator[tuple]:
        yield render.begins(busy=service.busy), gr.Button(visible=True)
        async for result in service.watch(*_puzzle(board), person(request), name, request.session_hash):
            yield render.attempt(result), gr.skip()
        yield gr.skip(), gr.Button(visible=False)

    async def show_stopped(request: gr.Request) -> None:
        service.stop(request.session_hash)

    async def show_other_model(request: gr.Request) -> str:
        service.stop(request.session_hash, quietly=True)
        return _WAITING

    async def show_solution(board: dict, request: gr.Request) -> str:
        result, near = await service.solve_with_nearest(*_puzzle(board), person(request))
        return render.solved(result, near)

    def show_played(event: gr.EventData) -> str:
        given = event._data if isinstance(event._data, dict) else {}
        return render.played(service.judge(*_puzzle(given), given.get("answer")))

    quick = {"queue": False, "show_progress": "hidden", **PRIVATE}
    new.click(show_new, [level, source], [board, mine, attempt, solved], **quick)
    gr.on(
        [level.change, source.change], show_chosen,  # ``input`` would also fire when a list is closed unchanged
        [level, source, chosen], [board, mine, attempt, solved, chosen],
        **quick,
    )  # fmt: skip
    board.submit(show_played, None, mine, **quick)
    # It runs in the browser. A reply of the server could arrive after the verdict of the next attempt, and erase it.
    board.change(None, None, mine, js="() => ''", **PRIVATE)
    race.click(
        show_race, [board, chosen_model], [attempt, stop], concurrency_limit=None, show_progress="hidden", **PRIVATE
    )
    stop.click(show_stopped, None, None, **quick)
    chosen_model.change(show_other_model, None, attempt, **quick)
    give_up.click(show_solution, board, solved, **quick)
    late.tick(show_late, None, [source, late], **quick)
    service.on_load.append((show_first, [board, source, chosen, late]))


_WAITING = '<p class="ap-small ap-waiting">Its equations appear here one by one, and each is checked at once.</p>'


def _choices(sources: list[str]) -> list[tuple[str, str]]:
    """The sources of puzzles as (label, value) for the list."""
    return [("random numbers" if source == MADE_HERE else f"dataset: {source}", source) for source in sources]


def _puzzle(board: object) -> tuple[object, object]:
    """(numbers, target) as the page sends them. They are untrusted input."""
    given = board if isinstance(board, dict) else {}
    return given.get("numbers"), given.get("target")


def _read(name: str) -> str:
    # Gradio also evaluates the template as a JavaScript template literal, where these characters are special.
    text = (HERE / name).read_text(encoding="utf-8")
    assert name.endswith(".js") or not set("`$\\{") & set(text)
    return text
