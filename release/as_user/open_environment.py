"""Download the environment's Space, start its server as the Hub does, and let the oracle play. Prints JSON.

Without openenv the server cannot start. Then the same episodes are played in the Space's folder.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

from huggingface_hub import snapshot_download

from arith_puzzle.common.processes import child, follow_parent

follow_parent()
PLAY = """
import json, sys
from arith_puzzle.environments.episodes import draw, given
from arith_puzzle.environments.game import Game, oracle
rewards = []
for config, split in (("starter", "train"), ("starter", "test"), ("1m", "test"), ("1m", "ood_form"), ("stress", "n15")):
    game = Game(draw(config, split, 1))
    game.answer(oracle(game.puzzle) or "")
    rewards.append(game.reward)
board = [str(number) for number in Game(given(*json.loads(sys.argv[1]).values())).pool]
print(json.dumps({"rewards": rewards, "seen": board}))
"""
PUZZLE, BOARD = {"numbers": [58, 51, 7, 6, 3], "target": 4}, ["3", "6", "7", "51", "58"]
folder = snapshot_download(sys.argv[1], repo_type="space", local_dir=os.path.abspath("space"))
served = importlib.util.find_spec("openenv") is not None


def ask(path: str, body: dict | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return json.load(reply)


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=folder, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


if served:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 1200
    command = [sys.executable, "-m", "uvicorn", "server.app:app", "--port", str(port), "--log-level", "warning"]
    with child(command, cwd=folder, stdout=sys.stderr) as server:
        while True:
            try:
                ask("/health")
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit("the server did not start")
                time.sleep(0.3)
        seen = ask("/reset", PUZZLE)["observation"]["board"]
        found = {"rewards": [float(reward) for reward in run("oracle.py", url).split()], "seen": seen}
else:
    found = json.loads(run("-c", PLAY, json.dumps(PUZZLE)) or '{"rewards": [], "seen": []}')
print(json.dumps({"served": served, "expected": BOARD, **found}))
