"""Tests of the engine with an HTTP server that refuses, drops and garbles calls, and of the whole pipeline."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from arith_puzzle.common.endpoint import Endpoint, Engine, Limits
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.reply_store import Store
from tests.commands import command

main = command("augment")

SECRET = "sk-test-0123456789-never-to-be-seen"
FAST = Limits(concurrency=4, first_wait=0.01)
MESSAGES = [{"role": "user", "content": "Solve.\n####.\n\nWhat is 2+2?"}]


def ask(engine, count):
    async def one(seed):
        return await engine.reply(MESSAGES, {"temperature": 1.0, "max_tokens": 50}, seed)

    return engine.run(list(range(count)), one, title="test")


def augment(source, test, chat, tmp_path, *more, store="store.jsonl", out="run"):
    return [
        "model", "--source", str(source), "--against", f"gsm8k-test={test}", "--endpoint", chat.url,
        "--model", "m", "--store", str(tmp_path / store), "--out", str(tmp_path / out), "--terms", "none", *more,
    ]  # fmt: skip


def test_passing_faults_are_tried_again_and_stored_calls_are_not_made(chat, tmp_path):
    chat.script = [429, 503, "drop", "nonsense", 500, "ok"]
    with Store(tmp_path / "s.jsonl") as store:
        first = ask(Engine(Endpoint("m", chat.url), store, FAST), 6)
        assert len(chat.calls) == 6 and len(store) == 6
        again = Engine(Endpoint("m", chat.url), store, FAST)
        assert ask(again, 6) == first
    assert len(chat.calls) == 6 and again.made == 0 and again.used[0] == 60


def test_a_retry_after_header_is_heeded(chat, tmp_path):
    chat.script = [429]
    with Store(tmp_path / "s.jsonl") as store:
        ask(Engine(Endpoint("m", chat.url), store, FAST), 1)
    assert chat.times[1] - chat.times[0] >= 0.3


def test_requests_per_minute(chat, tmp_path):
    with Store(tmp_path / "s.jsonl") as store:
        started = time.monotonic()
        ask(Engine(Endpoint("m", chat.url), store, Limits(8, requests_per_minute=600)), 8)
    for place, arrived in enumerate(sorted(chat.times)):
        assert arrived - started >= place * 0.1


def test_concurrency(chat, tmp_path):
    together = threading.Barrier(8)  # passes when eight calls are open at the same time
    answering, peaks = set(), []

    def reply(body):
        answering.add(body["seed"])
        together.wait(600)
        peaks.append(len(answering))
        together.wait(600)
        answering.remove(body["seed"])
        return "#### 4"

    chat.reply = reply
    with Store(tmp_path / "s.jsonl") as store:
        assert len(ask(Engine(Endpoint("m", chat.url), store, Limits(8)), 16)) == 16
    assert peaks == [8] * 16


def test_without_a_key_the_hub_token_stays_here(chat, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 30)
    with Store(tmp_path / "s.jsonl") as store:
        ask(Engine(Endpoint("m", chat.url), store, FAST), 1)
    assert chat.keys == ["none"]


@pytest.mark.parametrize(("provider", "says"), [("auto", "non-Hugging Face API key"), ("nobody", "not supported")])
def test_a_provider_that_the_client_refuses_is_one_line(tmp_path, provider, says):
    with Store(tmp_path / "s.jsonl") as store, pytest.raises(InputError, match=says) as caught:
        ask(Engine(Endpoint("org/model", provider=provider, key=SECRET), store, FAST), 2)
    assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
    with pytest.raises(InputError, match="needs a Hub token"):
        Endpoint("org/model", provider=provider)
    assert SECRET not in repr(Endpoint("org/model", provider=provider, key=SECRET))


def test_what_was_answered_before_a_fatal_fault_is_kept(chat, tmp_path):
    chat.script = ["ok", "ok", "ok", 404]
    send, refused = chat.send, threading.Event()

    def watched(request, status, *rest):
        send(request, status, *rest)
        if status == 404:
            refused.set()

    def reply(body):
        refused.wait(600)  # the first three replies come after the refusal
        return "#### 4"

    chat.send, chat.reply = watched, reply
    with Store(tmp_path / "s.jsonl") as store:
        with pytest.raises(InputError, match=r"refused a call \(404"):
            ask(Engine(Endpoint("m", chat.url), store, FAST), 50)
        assert 3 <= len(store) == len(chat.calls) < 10


def test_a_dead_endpoint_is_one_line(gsm8k, tmp_path, capfd, chat):
    chat.http.shutdown()
    chat.http.server_close()
    assert main(augment(*gsm8k, chat, tmp_path)) == 2
    err = capfd.readouterr().err.splitlines()
    assert err[-1].startswith("arith-puzzle augment: no answer from the endpoint in 3 tries")
    assert "Traceback" not in "".join(err) and not (tmp_path / "run").exists()


def test_a_wrong_key_is_one_line_and_seen_nowhere(gsm8k, tmp_path, capfd, chat, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    chat.key = "another"
    command = augment(*gsm8k, chat, tmp_path, "--key-env", "MY_KEY", "--strategies-per-question", "1")
    assert main(command) == 2
    out, err = capfd.readouterr()
    assert chat.keys[0] == SECRET and "refused the key (401" in err.splitlines()[-1]
    assert SECRET not in out + err
    chat.key = SECRET
    assert main(command) == 0
    out, err = capfd.readouterr()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET not in out + err and SECRET.encode() not in written and chat.url.encode() not in written


def test_a_model_that_answers_nonsense(gsm8k, tmp_path, capfd, chat):
    chat.reply = lambda body: "la la la"
    assert main(augment(*gsm8k, chat, tmp_path, "--paths", "2")) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert "no pair is left of 75 new questions and 6 paths" in last and "malformed" in last
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--endpoint", "ftp://x/v1"], "http(s) URL"),
        (["--endpoint", "http://user:pw@x/v1"], "without name, password"),
        (["--paths", "0"], "--paths must be at least 1"),
        (["--temperature", "3"], "--temperature must be in 0..2"),
        (["--key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (["--against", "gsm8k-test"], "NAME=FILE"),
        (["--against", "mmlu=x"], "one of gsm8k-test, gsm-plus, svamp, gsm-hard, math-500, math-test"),
        (["--source", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
    ],
)
def test_bad_input_is_one_line(gsm8k, tmp_path, capfd, chat, more, says):
    assert main(augment(*gsm8k, chat, tmp_path, *more)) == 2
    err = capfd.readouterr().err
    assert says in err and len(err.splitlines()) == 1 and not chat.times


def test_the_same_seed_and_store_give_the_same_bytes(gsm8k, tmp_path, chat):
    command = augment(*gsm8k, chat, tmp_path, "--concurrency", "3", "--results", str(tmp_path / "results.json"))
    assert main(command) == 0
    calls = len(chat.calls)
    assert main([*augment(*gsm8k, chat, tmp_path, "--concurrency", "1", out="again")]) == 0
    assert len(chat.calls) == calls  # all replies come from the store
    for name in ("rows.parquet", "report.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["report"] == report and results["calls_made"] == calls and "--concurrency 3" in results["command"]
    questions, paths = report["questions"], report["paths"]
    assert questions["asked"] == 75 == questions["kept"] + sum(questions["dropped"].values())
    assert paths["sampled"] == paths["kept"] + sum(paths["dropped"].values()) == 4 * (questions["kept"] + 3)
    assert questions["dropped"]["malformed"] == 0 and questions["calls_tried_again"] > 0
    for reason in ("no_answer", "wrong_annotation", "wrong_answer", "duplicate"):
        assert paths["dropped"][reason] > 0, reason
    assert report["against"]["math-test"] == "not compared"
    assert report["usage"]["prompt_tokens"] == 10 * calls


@pytest.mark.slow
def test_a_killed_run_goes_on_without_paying_twice(gsm8k, tmp_path, chat):
    chat.delay = 0.03
    few = ("--concurrency", "4", "--strategies-per-question", "2", "--paths", "2")
    whole = augment(*gsm8k, chat, tmp_path, *few, store="whole.jsonl", out="whole")
    assert main(whole) == 0
    wanted = len(chat.calls)
    chat.calls.clear()
    command = [sys.executable, "-m", "arith_puzzle.cli", "augment"]
    command += augment(*gsm8k, chat, tmp_path, *few, store="cut.jsonl", out="cut")
    for calls in (3, 30):  # killed while it samples questions, then while it samples paths
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while len(chat.calls) < calls:
            assert child.poll() is None
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        chat.wait_until_idle()
    assert main(command[4:]) == 0
    assert wanted <= len(chat.calls) <= wanted + 2 * 4  # at most the calls in flight
    assert (tmp_path / "cut" / "rows.parquet").read_bytes() == (tmp_path / "whole" / "rows.parquet").read_bytes()


def test_a_damaged_store_at_the_command(gsm8k, tmp_path, chat, capfd):
    command = augment(*gsm8k, chat, tmp_path, "--strategies-per-question", "1", "--paths", "1")
    assert main(command) == 0
    calls, store = len(chat.calls), tmp_path / "store.jsonl"
    whole, rows = store.read_bytes(), (tmp_path / "run" / "rows.parquet").read_bytes()
    store.write_bytes(whole[:-20])
    capfd.readouterr()
    assert main(command) == 0
    assert "removed an incomplete last record" in capfd.readouterr().out
    assert len(chat.calls) == calls + 1 and store.read_bytes() == whole
    assert (tmp_path / "run" / "rows.parquet").read_bytes() == rows
    store.write_bytes(b"x" + whole)
    assert main(command) == 2
    err = capfd.readouterr().err
    assert err.startswith("arith-puzzle augment: ") and "store.jsonl:1 is not a record" in err
    assert len(err.splitlines()) == 1 and store.read_bytes() == b"x" + whole and len(chat.calls) == calls + 1
