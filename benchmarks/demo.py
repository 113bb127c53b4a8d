"""Latency of the demo's page: its first paint while the model loads, and its clicks with 20 visitors at once.

The Space's folder runs as a process, with ``arith-tiny`` and a LoRA adapter of random weights, which loads and
answers like a trained one. The visitors and the browser run on the same cores. So a visitor is a bare connection: the
cost of the sender is not the server's, and the sender collects no garbage.

- First paint: a new server and an empty browser cache each time. The page is opened as soon as the port answers,
  while torch is imported and the model loads. ``puzzle`` is the time until the first number can be tapped.
- Clicks: 20 visitors, each with its own connection, send what the buttons Check and Only the solver send, wait for
  the HTML, think for 0.5 to 1.5 s, and click again. Puzzles have N=5, 6 and 7 and V=60, solvable or not.
- The same while another visitor keeps the model busy without a pause.
- Burst: all 20 click at the same instant, again and again.

About a minute on two idle cores.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from arith_puzzle.common.files import PACKAGE
from benchmarks.verifier import rows

PEOPLE, CLICKS, THINK, BURSTS, PAINTS = 20, 20, (0.5, 1.5), 25, 5
SIZES = (5, 6, 7)
VIEWPORT = {"width": 1280, "height": 900}
SEEN = """new MutationObserver((_, me) => {
  if (document.querySelector("#board button.ap-chip")) { window.puzzleAt = performance.now(); me.disconnect(); }
}).observe(document, {childList: true, subtree: true});"""


def run() -> dict:
    """Measure all of it; returns {"cores", "load_before", "first_paint": [...], "people", "clicks", "burst", ...}, in
    ms."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        adapter = _adapter(Path(folder))
        paints = first_paints(adapter, Path(folder))
        with serving(adapter, Path(folder)) as address:
            clicks = asyncio.run(_people(address))
    return {"cores": os.cpu_count(), "load_before": load, "first_paint": paints, **clicks}


def table(measured: dict) -> str:
    """Format the figures as text."""
    lines = [f"{'first paint, ms':<44}{'median':>8}{'worst':>8}"]
    for name in ("paint", "puzzle"):
        times = sorted(each[name] for each in measured["first_paint"])
        lines.append(f"  {name:<42}{times[len(times) // 2]:>8.0f}{times[-1]:>8.0f}")
    lines.append(f"{f'{PEOPLE} people at once, ms':<44}{'median':>8}{'p95':>8}{'worst':>8}{'clicks':>8}")
    for kind in ("clicks", "while_the_model_answers", "burst"):
        for name, item in measured[kind].items():
            called = f"{name}, {kind.replace('_', ' ')}"
            lines.append(f"  {called:<42}{item['p50']:>8.1f}{item['p95']:>8.1f}{item['max']:>8.1f}{item['n']:>8}")
    lines.append(f"the model's answers meanwhile: {measured['model_answers']}")
    return "\n".join(lines)


def first_paints(adapter: Path, home: Path) -> list[dict]:
    """Open the page; returns ``paint`` and ``puzzle`` in ms since navigation, and whether the model was still
    loading."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(PAINTS):
            with serving(adapter, home) as address:
                page = browser.new_context(viewport=VIEWPORT).new_page()
                page.add_init_script(SEEN)
                page.goto(address)
                page.wait_for_function("window.puzzleAt")
                paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                loading = page.locator("#status .ap-loading").count() == 1
                found.append({"paint": round(paint), "puzzle": round(page.evaluate("puzzleAt")), "loading": loading})
                page.context.close()
        browser.close()
    return found


@contextmanager
def serving(adapter: Path, home: Path):
    """Run a demo until the end of the block; yields its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "ARITH_PUZZLE_PORT": str(port), "ARITH_PUZZLE_ADAPTER": str(adapter), "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(home / "gradio"),
    }  # fmt: skip
    app = subprocess.Popen(
        [sys.executable, PACKAGE / "spaces" / "arith_puzzle_demo" / "app.py"], cwd=home, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and app.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        else:
            raise RuntimeError("the demo did not start; run python spaces/arith_puzzle_demo/app.py to see why")
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(30)


async def _people(address: str) -> dict:
    import httpx

    gc.freeze()  # a collection that walks torch and peft takes as long as several clicks
    # The server closes idle connections after 5 s. A client that keeps them as long can write to a closing one.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=1)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        while (await client.post("/gradio_api/run/status", json={"data": []})).json()["data"][0]["model"] == "loading":
            await asyncio.sleep(0.5)
        buttons = _buttons((await client.get("/config")).json())
        clicks = await _everyone(address, buttons, CLICKS, THINK, None)
        burst = await _everyone(address, buttons, BURSTS, None, asyncio.Barrier(PEOPLE))
        stop, answers = asyncio.Event(), [0]
        visitor = asyncio.create_task(_let_the_model_answer(client, stop, answers))
        try:
            beside = await _everyone(address, buttons, CLICKS, THINK, None)
        finally:
            stop.set()
            await visitor
    return {"people": PEOPLE, "clicks": clicks, "while_the_model_answers": beside, "burst": burst,
            "model_answers": answers[0]}  # fmt: skip


async def _everyone(address: str, buttons: dict, clicks: int, think: tuple | None, barrier) -> dict:
    taken: dict[tuple[str, int], list[float]] = {}

    async def person(number: int) -> None:
        rng = random.Random(number)
        puzzles = _clicks(rng, clicks)
        async with _connection(address) as click:
            for name, size, data in puzzles:
                body = json.dumps({"data": data, "session_hash": f"person{number}", **buttons[name]}).encode()
                if think:
                    await asyncio.sleep(rng.uniform(*think))
                else:
                    await barrier.wait()
                started = time.perf_counter()
                status, answer = await click(body)
                taken.setdefault((name, size), []).append((time.perf_counter() - started) * 1000)
                if status != 200 or "ap-verdict" not in json.loads(answer)["data"][0]:
                    raise RuntimeError(f"{name} answered {status}: {answer[:200]!r}")

    await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    found = {f"{name}, N={size}": times for (name, size), times in taken.items() if name == "solve"}
    for button in buttons:
        found[button] = [ms for (name, _), times in taken.items() if name == button for ms in times]
    return {name: _quantiles(times) for name, times in sorted(found.items())}


@asynccontextmanager
async def _connection(address: str):
    """Yield click(body) -> (status, body of the answer), over one connection that stays open, like a browser's."""
    at = urlsplit(address)
    reader, writer = await asyncio.open_connection(at.hostname, at.port, limit=1 << 20)
    head = f"POST /gradio_api/run/predict HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n"

    async def click(body: bytes) -> tuple[int, bytes]:
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", answer)
        return int(answer.split(maxsplit=2)[1]), await reader.readexactly(int(length[1]))

    try:
        yield click
    finally:
        writer.close()
        await writer.wait_closed()


def _clicks(rng: random.Random, count: int) -> list[tuple[str, int, list]]:
    """Return (button, N, what it sends): half Judge, half the solver. Solver targets may be out of reach."""
    judged = rows(count, seed=rng.randrange(1 << 30))
    found = []
    for row in judged:
        if rng.random() < 0.5:
            numbers = ",".join(map(str, row.numbers))
            found.append(("judge", len(row.numbers), [numbers, str(row.target), row.response, True]))
        else:
            size = rng.choice(SIZES)
            numbers = ",".join(map(str, rng.sample(range(1, 61), size)))
            found.append(("solve", size, [numbers, str(rng.randint(1, 60) * rng.choice((1, 61)))]))
    return found


def _quantiles(times: list[float]) -> dict:
    ordered = sorted(times)
    at = {f"p{q}": round(ordered[min(len(ordered) - 1, q * len(ordered) // 100)], 1) for q in (50, 95)}
    return {"n": len(ordered), **at, "max": round(ordered[-1], 1)}


def _buttons(config: dict) -> dict[str, dict]:
    """Return what the page sends when a button is clicked; the ids come from its configuration."""
    names = {"Check": "judge", "Only the solver": "solve"}
    labels = {part["id"]: part["props"].get("value") for part in config["components"] if part["type"] == "button"}
    return {
        names[labels[target]]: {"fn_index": each["id"], "trigger_id": target}
        for each in config["dependencies"]
        for target, event in each["targets"]
        if event == "click" and labels.get(target) in names
    }


async def _let_the_model_answer(client, stop: asyncio.Event, answers: list[int]) -> None:
    while not stop.is_set():
        posted = await client.post("/gradio_api/call/ask", json={"data": ["4,7,8,20", 24, 1, 0.0, 0, ""]})
        result = await client.get(f"/gradio_api/call/ask/{posted.json()['event_id']}")
        if '"steps"' not in result.text:
            raise RuntimeError(f"the model did not answer: {result.text[:200]}")
        answers[0] += 1


def _adapter(folder: Path) -> Path:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, adapter = PACKAGE / "training" / "bases" / "arith-tiny", folder / "adapter"
    config = LoraConfig(r=16, target_modules="all-linear")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(adapter)
    AutoTokenizer.from_pretrained(base).save_pretrained(adapter)
    return adapter
