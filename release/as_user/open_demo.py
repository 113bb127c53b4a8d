"""Download the demo's Space, start its app as the Hub does, and send each of its models a puzzle.

Prints {"status", "ask": {adapter: the reply}, "solve"} as JSON.
"""

import json
import os
import socket
import sys
import time

from gradio_client import Client
from huggingface_hub import snapshot_download

from arith_puzzle.common.processes import child, follow_parent

follow_parent()
space, numbers, target = sys.argv[1:]
folder = snapshot_download(space, repo_type="space", local_dir=os.path.abspath("space"))
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
environment = os.environ | {"ARITH_PUZZLE_PORT": str(port)}
with child([sys.executable, "app.py"], cwd=folder, env=environment, stdout=sys.stderr) as app:
    client, deadline = None, time.monotonic() + 1200
    while True:
        try:
            client = client or Client(f"http://127.0.0.1:{port}", verbose=False)
            status = client.predict(api_name="/status")
            if all(each["model"] != "loading" for each in status["models"]):
                break
        except Exception as error:  # it does not listen yet
            status = {"models": [], "reason": str(error)}
        if app.poll() is not None:
            sys.exit(f"app.py ended with status {app.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"app.py did not serve its models in time ({status}); try again when the machine is less busy")
        time.sleep(0.5)
    ready = [each["adapter"] for each in status["models"] if each["model"] == "ready"]
    asked = {adapter: client.predict(numbers, target, model=adapter, api_name="/ask") for adapter in ready}
    solved = client.predict(numbers, target, api_name="/solve") if client else None
    print(json.dumps({"status": status, "ask": asked, "solve": solved}))
