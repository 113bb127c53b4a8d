"""The taskset for verifiers: its gold solutions, and an evaluation of a model behind a local server."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from arith_puzzle.api import solve
from tests.environments.conftest import verdicts, write_rows
from tests.evaluation.answers import answers
from tests.fixtures.chat_server import ChatServer

TASKSET = "arith-puzzle-taskset"


class StreamingServer(ChatServer):
    """Replies as a stream of one chunk, which is how verifiers asks."""

    @staticmethod
    def send(request, status, value, headers=()):
        if "choices" not in value:
            return ChatServer.send(request, status, value, headers)
        choice = {"index": 0, "delta": value["choices"][0]["message"], "finish_reason": "stop"}
        chunk = value | {"object": "chat.completion.chunk", "choices": [choice]}
        request.send_response(status)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())
        request.close_connection = True


def run(verifiers, folder, command, *arguments, status=0):
    """The output of a command of verifiers, in an empty folder."""
    environment = {**os.environ, "PATH": f"{verifiers.parent}{os.pathsep}{os.environ['PATH']}", "PRIME_API_KEY": "none"}
    done = subprocess.run([verifiers.parent / command, TASKSET, *map(str, arguments)], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=600)  # fmt: skip
    assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [("starter", "test"), ("1m", "ood_form"), ("mine.yaml", "test")])
def test_gold_solutions_pass_and_nothing_else_does(verifiers, tmp_path, chosen):
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nv: 60\nsizes: {4: 1}\nrule: subset\ndivision: rational\nform: expression\n"
        "splits: {test: {rows: 50}}\n"
    )
    config, split = chosen
    run(verifiers, tmp_path, "vf-validate", "--runtime.type", "subprocess", "--rich", "False",
        "--taskset.config", config, "--taskset.split", split, "--taskset.rows", 20)  # fmt: skip
    (summary,) = tmp_path.glob("outputs/*/summary.json")
    checks = json.loads(summary.read_text())["checks"]
    assert {name: check["valid"] for name, check in checks.items()} == {"gold": 20, "noop": 20}


@pytest.mark.slow
def test_its_verdicts_are_those_of_verify(verifiers, tmp_path):
    rows = answers()
    write_rows(tmp_path / "answers.jsonl", rows)
    command = [verifiers, Path(__file__).with_name("judge_answers.py"), tmp_path / "answers.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(rows) > 600 and json.loads(done.stdout) == verdicts(rows)


@pytest.mark.slow
def test_an_evaluation_gives_the_verdicts_of_verify(verifiers, tmp_path):
    def reply(body):
        asked = re.search(r"target (-?\d+) from the numbers ([\d, ]+)", str(body["messages"][-1]["content"]))
        (right,) = solve([int(number) for number in asked[2].split(",")], int(asked[1]))
        kinds = (right, f"{right}\n", f" {right}", f"{right}\n\n", f"The answer:\n{right}", "1+1=2")
        return kinds[int(asked[1]) % len(kinds)]

    server = StreamingServer(reply)
    said = run(verifiers, tmp_path, "vf-eval", "--env.agent.harness.id", "null", "--client.base-url", server.url,
               "--env.agent.runtime.type", "subprocess", "--model", "local", "--env.taskset.rows", 24,
               "--push", "False")  # fmt: skip
    assert "reward" in said
    (traces,) = tmp_path.glob("outputs/*/traces.jsonl")
    rows = [json.loads(line) for line in traces.read_text().splitlines()]
    rewards = {row["task"]["data"]["idx"]: (row["task"]["data"]["target"], row["traces"][0]) for row in rows}
    assert len(rewards) == 24
    for target, trace in rewards.values():
        assert not trace["errors"]
        assert trace["rewards"]["solved"]["score"] == float(target % 6 < 2)  # as it is, or with one newline
