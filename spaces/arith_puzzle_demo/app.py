"""The demo Space: solve arithmetic puzzles against a small language model, and see where it goes wrong.

Run it with ``python app.py``. This module builds the page from its tabs and starts the server.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Do not resolve links: a snapshot from the Hub consists of links, and the modules must be found beside the link.
sys.path.insert(0, str(Path(__file__).absolute().parent))

import zerogpu  # noqa: F401 -- must come before anything that may import torch

# isort: split
import api
import backend
import gradio as gr
import render
from model import Models
from puzzles import Puzzles
from released import Results
from service import PRIVATE, Service
from tabs import ask, judge, measure, play
from theme import Paper

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.processes import follow_parent

HERE = Path(__file__).absolute().parent


def build(service: Service) -> gr.Blocks:
    """The page with its four tabs and the API."""
    models = service.models
    with gr.Blocks(
        title="Beat the model: arithmetic puzzles", analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        gr.HTML(render.HEADER, apply_default_css=False)
        first = models.models[0].name
        if len(models.models) > 1:
            names = [
                (render.choice(each.name, searches=each.searches, first=each.name == first), each.name)
                for each in models.models
            ]
            chosen = gr.Radio(names, value=first, label="Play against", elem_id="model", elem_classes="ap-models")
        else:
            chosen = gr.State(first)
        state = gr.HTML(_status(models, first), apply_default_css=False, elem_id="status")
        with gr.Tab("Play", id="play"):
            play.build(service, chosen)
        with gr.Tab("Ask", id="ask"):
            ask.build(service, chosen)
        with gr.Tab("Check", id="judge"):
            judge.build(service)
        with gr.Tab("Results", id="measure"):
            measure.build(service)
        gr.HTML(render.FOOTER, apply_default_css=False)
        api.add(service)

        async def show_status(name: str):
            return _status(models, name), gr.Timer(active=models.loading)

        watch = gr.Timer(2)
        quick = {"queue": False, "show_progress": "hidden", **PRIVATE}
        gr.on([page.load, watch.tick, chosen.change], show_status, chosen, [state, watch], **quick)
        for function, outputs in service.on_load:
            page.load(function, None, outputs, **quick)
    return page.queue(max_size=64, api_open=False)


def _status(models: Models, name: str) -> str:
    model = models.find(name)
    return render.status(model.status(), searches=model.searches)


def main() -> int:
    """Start the demo and serve until it is stopped. Returns the exit status: 2 for bad settings or a taken port."""
    follow_parent()
    environment = backend.environment()
    try:
        settings = backend.Settings.read(HERE / "settings.json", environment)
        port = backend.port(environment)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    sys.setswitchinterval(0.001)  # seconds; clicks wait less for the thread that runs the model
    models, puzzles = Models.of(settings), Puzzles(settings)
    models.start()
    puzzles.start()
    service = Service(models, puzzles, Results(settings))
    page = build(service)
    try:
        page.launch(
            server_name=backend.host(environment), server_port=port, theme=Paper(), css_paths=HERE / "style.css",
            max_file_size=measure.MAX_FILE, mcp_server=importlib.util.find_spec("mcp") is not None,
            footer_links=["api"], run_history=False, ssr_mode=False, share=False, quiet=True, prevent_thread_lock=True,
        )  # fmt: skip
        print(f"The demo is at http://127.0.0.1:{port}", flush=True)
        page.block_thread()
    except OSError:
        print(f"port {port} is taken: set ARITH_PUZZLE_PORT to a free one", file=sys.stderr)
        return 2
    finally:
        service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
