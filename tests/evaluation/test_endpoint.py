"""Scoring a model behind a server: the same verdicts and bytes through faults and kills, and no key in any file."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from arith_puzzle.cli import main
from arith_puzzle.dataset_builder.puzzle import natural_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from tests.fixtures.chat_server import ChatServer
from tests.paths import ROOT

SECRET = "sk-never-to-be-seen"
ROWS = 24


@pytest.fixture(scope="module")
def rows(starter):
    return pq.read_table(starter[0] / "starter" / "test-00000.parquet").slice(0, ROWS).to_pylist()


@pytest.fixture
def chat(rows):
    """A server whose model solves two puzzles of three, in three ways of writing."""
    solutions = {f"from the numbers {', '.join(map(str, row['numbers']))}.": row["completion"] for row in rows}

    def reply(body):
        asked = body["messages"][-1]["content"]
        (completion,) = [text for puzzle, text in solutions.items() if puzzle in asked]
        kind = sum(map(ord, asked)) % 3
        return [f"Let me see.\nAnswer:\n{completion}", completion, "Answer:\nI do not know."][kind]

    server = ChatServer(reply)
    yield server
    server.http.shutdown()
    server.http.server_close()


def command(chat, starter, out, *more):
    place = ["--endpoint", chat.url, "--model", "some-model", "--dataset", str(starter[0]), "--split", "test"]
    return ["score", *place, "--limit", str(ROWS), "--concurrency", "2", "--out", str(out), *more]


def results(out):
    found = json.loads((out / "results.json").read_text())
    speeds = ("seconds", "answers_per_second", "tokens_per_second")
    found["splits"] = {name: {key: value for key, value in item.items() if key not in speeds}
                       for name, item in found["splits"].items()}  # fmt: skip
    return {key: value for key, value in found.items() if key != "command"}


def test_answers_are_judged_and_counted_through_faults(chat, starter, rows, tmp_path, monkeypatch, capsys):
    chat.key, chat.script = SECRET, [429, "drop", 503, "nonsense"]
    monkeypatch.setenv("THE_KEY", SECRET)
    more = ["--key-env", "THE_KEY", "--price-in", "1", "--price-out", "2", "--system", "Be brief."]
    assert main(command(chat, starter, tmp_path / "a", *more)) == 0
    found = results(tmp_path / "a")
    answers = [json.loads(line) for line in (tmp_path / "a" / "generations-test.jsonl").read_text().splitlines()]
    assert [answer["numbers"] for answer in answers] == [row["numbers"] for row in rows]
    right = sum(verify(answer["numbers"], answer["target"], answer["response"]).correct for answer in answers)
    assert found["splits"]["test"]["pass@1"] == right / ROWS and 0 < right < ROWS
    assert any(answer["raw"] != answer["response"] for answer in answers)
    assert found["usage"]["calls"] == len(chat.calls) == ROWS and found["usage"]["prompt_tokens"] == 10 * ROWS
    assert found["usage"]["cost_usd"] == pytest.approx((10 * ROWS + 2 * found["usage"]["completion_tokens"]) / 1e6)
    system, user = chat.calls[0]["messages"]
    assert (system["content"], chat.calls[0]["temperature"], chat.calls[0]["max_tokens"]) == ("Be brief.", 0.0, 4096)
    puzzle = next(row for row in rows if natural_prompt(row["numbers"], row["target"]).strip() in user["content"])
    assert puzzle and "Think step by step first." in user["content"]
    assert found["endpoint"] == {"url": chat.url} and found["content"]["model"] == "some-model"
    for path in (tmp_path / "a").rglob("*"):
        assert SECRET not in path.read_text()
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes_without_paying_twice(chat, starter, tmp_path):
    assert main(command(chat, starter, tmp_path / "whole")) == 0
    chat.calls.clear()
    chat.delay = 0.05
    cut = command(chat, starter, tmp_path / "cut")
    child = subprocess.Popen([sys.executable, "-m", "arith_puzzle.cli", *cut], stderr=subprocess.DEVNULL)
    while len(chat.calls) < 5:
        assert child.poll() is None
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    chat.wait_until_idle()
    assert main(cut) == 0
    assert ROWS <= len(chat.calls) <= ROWS + 2  # at most the calls in flight
    assert results(tmp_path / "cut") == results(tmp_path / "whole")
    name = "generations-test.jsonl"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    made = len(chat.calls)
    assert main(cut) == 0 and len(chat.calls) == made
    assert main([*cut, "--concurrency", "5"]) == 0 and len(chat.calls) == made  # the same run, only faster


def test_samples_have_seeds_of_their_own(chat, starter, tmp_path):
    assert main(command(chat, starter, tmp_path / "a", "--samples", "2", "--limit", "4", "--temperature", "0.5")) == 0
    assert len({call["seed"] for call in chat.calls}) == 8 and {call["temperature"] for call in chat.calls} == {0.5}
    assert all(0 <= call["seed"] < 2**31 for call in chat.calls)


def test_a_dead_endpoint_in_the_middle_is_one_line_and_nothing_is_lost(chat, starter, tmp_path, capfd):
    chat.script = ["ok"] * 10 + [404] * 50
    assert main(command(chat, starter, tmp_path / "a")) == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert "the endpoint refused a call (404" in error
    assert not (tmp_path / "a" / "results.json").exists()
    made, chat.script = len(chat.calls), []
    assert made >= 10 and main(command(chat, starter, tmp_path / "a")) == 0
    assert len(chat.calls) == ROWS


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--adapter", "x"], "an endpoint serves the model that --model names"),
        (["--merge"], "--merge is for models that this machine loads"),
        (["--dtype", "bf16"], "--dtype is for models that this machine loads"),
        (["--format", "symbolic"], "--chat needs a prompt in English"),
        (["--format", "search"], "is for models trained on it"),
        (["--chat-template-kwargs", '{"a": 1}'], "the endpoint applies the chat template itself"),
        (["--key-env", "NOT_SET_ANYWHERE"], "the environment variable NOT_SET_ANYWHERE (--key-env) is not set"),
        (["--concurrency", "0"], "--concurrency must be at least 1"),
        (["--endpoint", "ftp://x"], "an endpoint is an http(s) URL"),
        (["--endpoint", "http://me:pw@x/v1"], "without name, password or query"),
    ],
)
def test_bad_options_are_one_line(chat, starter, tmp_path, capsys, more, said):
    assert main(command(chat, starter, tmp_path / "a", *more)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not chat.calls and "pw" not in error


def test_a_model_is_needed(starter, capsys):
    assert main(["score", "--endpoint", "http://127.0.0.1:1/v1", "--dataset", str(starter[0]), "--out", "x"]) == 2
    assert "need --model" in capsys.readouterr().err


@pytest.mark.slow
def test_transformers_serve_answers(starter, tmp_path):
    from arith_puzzle.dataset_builder.aug_gsm8k.local_server import model_name, serve

    folder = tmp_path / "tiny"
    shutil.copytree(ROOT / "training" / "bases" / "arith-tiny", folder)
    (folder / "chat_template.jinja").write_text("{{ messages | length }},6,7:4\n")
    with serve(folder, tmp_path / "log", concurrency=2, reply_tokens=32) as url:
        out = tmp_path / "scores"
        given = ["score", "--endpoint", url, "--model", model_name(folder), "--dataset", str(starter[0])]
        given += ["--split", "test"]
        given += ["--limit", "4", "--max-new-tokens", "32", "--no-chain-of-thought", "--out", str(out)]
        assert main(given) == 0
    found = results(out)
    answers = [json.loads(line) for line in (out / "generations-test.jsonl").read_text().splitlines()]
    assert found["usage"]["calls"] == 4 and all(re.match(r"[\d+*/=-]", answer["response"]) for answer in answers)
