"""The pushed folder in a new virtual environment with only its requirements: page, MCP, the real ZeroGPU package."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

TORCH = "torch==2.13.0"
ASK_BY_MCP = """
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def main():
    url = sys.argv[1] + "/gradio_api/mcp/"
    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as me:
        await me.initialize()
        tools = {tool.name: tool for tool in (await me.list_tools()).tools}
        judged = await me.call_tool("judge", {"numbers": "2,3", "target": 5, "answer": "2+3=5"})
        solved = await me.call_tool("solve", {"numbers": "1,1,1", "target": 7})
        asked = await me.call_tool("ask", {"numbers": "3,4", "target": 7})
        print(json.dumps({
            "tools": {name: [tool.description, tool.inputSchema["properties"]] for name, tool in tools.items()},
            "answers": [result.content[0].text for result in (judged, solved, asked)],
        }))

asyncio.run(main())
"""


def pip(python: Path, *arguments: str) -> None:
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def python(staged, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip(folder / "bin" / "python", TORCH, "-r", str(staged / "requirements.txt"))
    yield folder / "bin" / "python"
    shutil.rmtree(folder)


@contextmanager
def started(python: Path, staged: Path, environment: dict[str, str]):
    """Run the app and wait until it answers; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begun = time.monotonic()
    app = subprocess.Popen([python, "app.py"], cwd=staged, env=environment | {"ARITH_PUZZLE_PORT": str(port)})
    address = f"http://127.0.0.1:{port}"
    try:
        while time.monotonic() - begun < 600 and app.poll() is None:
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail("the app did not start")
        yield address
    finally:
        app.terminate()
        app.wait(600)


@pytest.mark.slow
class TestRequirementsAlone:
    def test_page_model_and_agents(self, python, staged, clean_environment, tiny_adapter, loaded, tmp_path):
        environment = clean_environment(tmp_path, ARITH_PUZZLE_ADAPTER=str(tiny_adapter))
        with started(python, staged, environment) as address:
            assert "Beat the model" in httpx.get(address).text
            state = loaded(address)[1]
            assert state["model"] == "ready", state
            done = subprocess.run(
                [python, "-c", ASK_BY_MCP, address], env=environment, capture_output=True, text=True, timeout=600
            )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert set(found["tools"]) == {"ask", "judge", "solve", "sample", "results", "measure_file", "status"}
        description, inputs = found["tools"]["judge"]
        assert description.startswith("Check whether an answer solves") and len(inputs) == 4
        assert inputs["target"]["type"] == "integer" and "one equation per line" in inputs["answer"]["description"]
        judged, solved, asked = found["answers"]
        assert "Correct: every equation holds" in judged and "all possibilities were tried" in solved
        assert "steps" in asked

    def test_the_real_package_of_zerogpu(self, python, staged, clean_environment, tmp_path):
        """Without ZeroGPU its decorator exists and does nothing. It is imported before torch."""
        target = tmp_path / "packages"
        pip(python, "--target", str(target), "--no-deps", "spaces==0.51.3")
        code = (
            "import sys, app, zerogpu, model, spaces; "
            "ours = zerogpu.gpu.__module__ if hasattr(zerogpu.gpu, '__module__') else ''; "
            "print(ours != 'zerogpu', 'torch' in sys.modules, model._stream.__module__, spaces.__file__)"
        )
        environment = clean_environment(tmp_path, PYTHONPATH=os.pathsep.join([str(staged), str(target)]))
        done = subprocess.run([python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[:3] == ["True", "False", "model"] and str(target) in done.stdout
