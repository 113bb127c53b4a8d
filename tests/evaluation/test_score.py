"""Scoring: results agree with the kept answers, an interrupted run ends with the same bytes, bad input is one line."""

import json
import os
import resource
import shlex
import shutil
import sys

import pyarrow.parquet as pq
import pytest
import yaml

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation import backends
from arith_puzzle.evaluation.options import Options
from arith_puzzle.evaluation.score import resolve_model, score, summary
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.metrics.verify_file import verify_file
from tests.commands import command
from tests.paths import ROOT

main = command("score")

TINY = ROOT / "training" / "bases" / "arith-tiny"
"""A base that solves a few of the puzzles."""


def run(learned, starter, out, splits=("validation",), **more):
    more = {"max_new_tokens": 16, "limit": 200, "batch_size": 32} | more
    return score(str(learned), more.pop("adapter", None), str(starter[0]), "starter", splits and [*splits], out, **more)


def lines(out, split="validation"):
    return [json.loads(line) for line in (out / f"generations-{split}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def scored(starter, tmp_path_factory):
    out = tmp_path_factory.mktemp("score")
    return out, run(TINY, starter, out, limit=None, batch_size=256)


@pytest.fixture(scope="module")
def sampled(starter, tmp_path_factory):
    out = tmp_path_factory.mktemp("sampled")
    return out, run(TINY, starter, out, limit=120, samples=3, k=(1, 3))


def test_results_are_the_metrics_over_the_kept_generations(scored):
    out, results = scored
    item, records = results["splits"]["validation"], lines(out)
    verdicts = [verify(r["numbers"], r["target"], r["response"]) for r in records]
    lenient = sum(verify(r["numbers"], r["target"], normalize(r["response"])).correct for r in records)
    assert item["n"] == len(records) == 1000
    assert item["pass@1"] == pytest.approx(sum(v.correct for v in verdicts) / 1000)
    assert item["pass@1_lenient"] == pytest.approx(lenient / 1000)
    assert item["pass@1_lenient_ci95"] == pytest.approx(wilson_interval(lenient, 1000))
    assert sum(item["reasons"].values()) == pytest.approx(1)
    low, high = item["pass@1_ci95"]
    assert low <= item["pass@1"] <= high and set(item["by_n"]) == {"3", "4"}
    assert item["new_tokens"] == sum(r["new_tokens"] for r in records)
    assert item["at_token_limit"] == sum(r["new_tokens"] == 16 for r in records) / 1000
    assert item["tokens_per_second"] > 0 and item["answers_per_second"] > 0
    assert json.loads((out / "results.json").read_text()) == results
    assert "n=1000" in summary(results)


def test_verify_reads_the_generations_and_agrees(scored, tmp_path):
    out, results = scored
    measured, broken = verify_file(out / "generations-validation.jsonl", tmp_path / "verdicts.jsonl")
    assert not broken and measured["pass@1"] == results["splits"]["validation"]["pass@1"]
    assert measured["reasons"] == results["splits"]["validation"]["reasons"]


def test_the_decoding_is_stated(scored, sampled):
    greedy = {"strategy": "greedy", "temperature": None, "top_p": None, "samples": 1, "shots": 0, "seed": 0}
    place = {"dtype": "fp32", "backend": "transformers", "format": "symbolic", "batch_size": 256, "max_new_tokens": 16}
    assert scored[1]["decoding"] == greedy | place | {
        "chain_of_thought": False, "chat": False, "merged": False, "division": "exact",
    }  # fmt: skip
    drawn = {"strategy": "sample", "temperature": 1.0, "top_p": 1.0, "samples": 3}
    assert sampled[1]["decoding"] == scored[1]["decoding"] | drawn | {"batch_size": 32}
    assert scored[1]["hardware"]["device"] and scored[1]["versions"]["transformers"]


def test_samples_are_drawn_for_each_row_and_pass_at_k_counts_them(sampled):
    out, results = sampled
    item, records = results["splits"]["validation"], lines(out)
    correct = [sum(verify(r["numbers"], r["target"], text).correct for text in r["responses"]) for r in records]
    assert {len(r["responses"]) for r in records} == {3} == {len(r["new_tokens"]) for r in records}
    assert any(len(set(r["responses"])) == 3 for r in records), "samples of a row differ"
    assert item["pass@1"] == pytest.approx(sum(correct) / 360)
    assert item["pass@3"] == pytest.approx(sum(c > 0 for c in correct) / 120)
    assert 0 < item["pass@1"] < item["pass@3"]


def test_the_same_seed_gives_the_same_file_and_another_gives_another(sampled, starter, tmp_path):
    whole = (sampled[0] / "generations-validation.jsonl").read_bytes()
    for seed, same in ((0, True), (1, False)):
        run(TINY, starter, tmp_path / str(seed), limit=120, samples=3, seed=seed)
        assert ((tmp_path / str(seed) / "generations-validation.jsonl").read_bytes() == whole) == same


@pytest.mark.parametrize("lines_left", [5, *(pytest.param(n, marks=pytest.mark.slow) for n in (30, 119))])
def test_a_killed_run_goes_on_with_the_same_bytes(lines_left, sampled, starter, tmp_path):
    """A batch has ten rows of three samples. The file is cut in the middle of a line."""
    out, results = sampled
    whole = (out / "generations-validation.jsonl").read_bytes()
    (tmp_path / "score.json").write_bytes((out / "score.json").read_bytes())
    cut = len(b"".join(whole.splitlines(keepends=True)[:lines_left])) + 20
    (tmp_path / "generations-validation.jsonl").write_bytes(whole[:cut])
    again = run(TINY, starter, tmp_path, limit=120, samples=3, k=(1, 3))
    assert (tmp_path / "generations-validation.jsonl").read_bytes() == whole
    for key in ("generations_sha256", "pass@1", "pass@3", "new_tokens"):
        assert again["splits"]["validation"][key] == results["splits"]["validation"][key]


def test_more_samples_than_a_batch_holds(starter, tmp_path):
    """Of the rows with the smallest numbers the base solves some, of those with the largest hardly any."""
    rows = pq.read_table(starter[0] / "starter" / "validation-00000.parquet").to_pylist()
    rows.sort(key=lambda row: max(row["numbers"]))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:12] + rows[-12:]))
    files = [{"split": "validation", "path": "validation.jsonl"}]
    card = {"configs": [{"config_name": "starter", "data_files": files}]}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")
    results = run(TINY, [folder], tmp_path, limit=None, samples=5, batch_size=4, k=(5,), max_new_tokens=24)
    records = lines(tmp_path)
    assert [len(r["responses"]) for r in records] == [5] * 24
    solved = [any(verify(r["numbers"], r["target"], text).correct for text in r["responses"]) for r in records]
    assert 0 < sum(solved) < 24, "the comparison needs solved and unsolved puzzles"
    assert results["splits"]["validation"]["pass@5"] == pytest.approx(sum(solved) / 24)


def test_rows_that_were_replaced_are_no_rows_of_the_same_score(tmp_path, learned):
    """A file of one's own, in the same place: its answers are neither complete nor continued."""
    data = tmp_path / "own.jsonl"
    for target in (5, 6):
        data.write_text(json.dumps({"numbers": [2, 3], "target": target}) + "\n")
        arguments = (str(learned), None, str(data), None, None, tmp_path / "out")
        if target == 5:
            assert score(*arguments, max_new_tokens=4)["splits"]["own"]["n"] == 1
        else:
            with pytest.raises(InputError, match="another run"):
                score(*arguments, max_new_tokens=4)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"numbers": [2.0, 3.7], "target": 6}', "'numbers' must be a list of integers"),
        ('{"numbers": "236", "target": 6}', "'numbers' must be a list of integers"),
        ('{"numbers": [2, true], "target": 3}', "'numbers' must be a list of integers"),
        ('{"numbers": [2, 3], "target": true}', "'target' must be an integer, not True"),
        ('{"numbers": [2, 3], "target": 5.9}', "'target' must be an integer, not 5.9"),
        ('{"numbers": [2, 3]}', "'target' is missing"),
        ('{"numbers": [2, 3], "target": 1180591620717411303424}', "must fit in 64 bits"),
        ('{"numbers": [2, 3], "target": 5, "target": 6}', "the key 'target' is repeated"),
        ("[2, 3]", "not a JSON object"),
    ],
)
def test_a_row_that_is_no_puzzle_is_named_before_a_model_is_loaded(tmp_path, learned, bad, said, monkeypatch):
    """The same rows that ``verify`` refuses, with file and line; in a file with a byte order mark and empty lines."""
    monkeypatch.setattr(backends, "open_backend", lambda *_, **__: pytest.fail("the model was loaded"))
    data = tmp_path / "my own-test.jsonl"
    data.write_text('\ufeff{"numbers": [2, 3], "target": 5}\n\n' + bad + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        score(str(learned), None, str(data), None, None, tmp_path / "out")
    assert str(caught.value).startswith(f"{data}:3: ") and said in str(caught.value)


def test_a_file_of_any_name_is_a_split(tmp_path, learned):
    data = tmp_path / "my own-test.jsonl"
    data.write_text('{"numbers": [2, 3], "target": 5}\n')
    results = score(str(learned), None, str(data), None, None, tmp_path / "out", max_new_tokens=4)
    assert results["splits"]["my own-test"]["n"] == 1
    assert score(str(learned), None, str(data), None, None, tmp_path / "out", max_new_tokens=4) == results


def test_a_folder_whose_name_is_a_pattern_is_one_line(tmp_path, learned, starter):
    shutil.copytree(starter[0], tmp_path / "data [x]")
    with pytest.raises(InputError, match=r"datasets reads '\[' in a path as a pattern; choose another folder"):
        score(str(learned), None, str(tmp_path / "data [x]"), "starter", None, tmp_path / "out")


def test_without_a_split_all_evaluation_splits_are_scored_and_train_is_not(learned, starter, tmp_path):
    results = run(learned, starter, tmp_path, None, limit=10)
    assert set(results["splits"]) == {"validation", "test"}
    assert all(item["n"] == 10 for item in results["splits"].values()) and results["limit"] == 10
    more = run(learned, starter, tmp_path, ["train"], limit=10)
    assert set(more["splits"]) == {"validation", "test", "train"}, "splits that were scored earlier are kept"
    for split in ("validation", "test"):
        assert more["splits"][split] == results["splits"][split]


def test_no_answer_is_generated_twice(scored, starter, monkeypatch):
    out, results = scored
    monkeypatch.setattr(backends, "open_backend", lambda *_, **__: pytest.fail("the model was loaded again"))
    assert run(TINY, starter, out, limit=None, batch_size=256) == results
    (out / "results.json").unlink()
    again = run(TINY, starter, out, limit=None, batch_size=256)
    assert again["splits"]["validation"]["pass@1"] == results["splits"]["validation"]["pass@1"]
    assert again["splits"]["validation"]["seconds"] is None
    (out / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def test_another_runs_folder_is_refused(scored, starter, tmp_path):
    out, _ = scored
    for other in ({"limit": 10}, {"batch_size": 7}, {"seed": 1}, {"max_new_tokens": 17}, {"samples": 1}):
        with pytest.raises(InputError, match="another run"):
            run(TINY, starter, out, **({"limit": None, "batch_size": 256} | other))
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    whole = (out / "generations-validation.jsonl").read_text().splitlines(keepends=True)
    (mixed / "generations-validation.jsonl").write_text("".join([whole[1], *whole[:40]]))
    with pytest.raises(InputError, match=r"validation\.jsonl:1 does not answer row 1 of the split"):
        run(TINY, starter, mixed)


def test_a_config_built_beside_it_changes_nothing_and_other_rows_do(scored, starter, tmp_path):
    out, results = scored
    copied = tmp_path / "arith-puzzle"
    shutil.copytree(starter[0], copied)
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["configs"]["another"] = manifest["configs"]["starter"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert run(TINY, (copied, *starter[1:]), out, limit=None, batch_size=256)["splits"] == results["splits"]
    shutil.copy(copied / "starter" / "test-00000.parquet", copied / "starter" / "validation-00000.parquet")
    with pytest.raises(InputError, match="another run"):
        run(TINY, (copied, *starter[1:]), out, limit=None, batch_size=256)
    (copied / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json is not a JSON object; delete it"):
        run(TINY, (copied, *starter[1:]), out, limit=None, batch_size=256)


def test_two_processes_do_not_score_into_one_folder(learned, starter, tmp_path):
    import fcntl

    tmp_path.joinpath("score.json").touch()
    with tmp_path.joinpath("score.json").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process is scoring"):
            run(learned, starter, tmp_path, limit=5)
    assert run(learned, starter, tmp_path, limit=5)["splits"]["validation"]["n"] == 5


def test_a_full_disk_is_one_line_and_the_run_goes_on_once_there_is_room(learned, starter, tmp_path, monkeypatch):
    """/dev/full gives a real ENOSPC, and RLIMIT_FSIZE a real error in the middle of a line."""
    full, limited, whole = tmp_path / "full", tmp_path / "limited", tmp_path / "whole"
    full.mkdir()
    (full / "generations-validation.jsonl").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"cannot write to .*No space left on device; make room"):
        run(learned, starter, full)
    (full / "generations-validation.jsonl").unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with monkeypatch.context() as quiet, open(os.devnull, "w") as nowhere:
        quiet.setattr(sys, "stderr", nowhere)  # pytest captures stderr in a file that may exceed the limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (7777, hard))
        try:
            with pytest.raises(InputError, match=r"cannot write to .*File too large; make room"):
                run(learned, starter, limited)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (limited / "generations-validation.jsonl").stat().st_size == 7777, "a line was cut"
    run(learned, starter, whole)
    for folder in (full, limited):
        run(learned, starter, folder)
        assert (folder / "generations-validation.jsonl").read_bytes() == (
            whole / "generations-validation.jsonl"
        ).read_bytes()


def test_the_command_that_is_stated_repeats_the_run(adapted, starter, tmp_path, capsys):
    first = score(None, str(adapted), str(starter[0]), "starter", ["test", "validation"], tmp_path / "one", samples=2,
                  temperature=0.9, top_p=0.8, k=(1, 2), limit=12, merge=True, shots=2, max_new_tokens=30, seed=7,
                  batch_size=5)  # fmt: skip
    words = shlex.split(first["command"])
    assert words[:2] == ["arith-puzzle", "score"]
    words[words.index("--out") + 1] = str(tmp_path / "two")
    assert main(words[2:]) == 0
    second = json.loads((tmp_path / "two" / "results.json").read_text())
    assert second["decoding"] == first["decoding"] and second["examples"] == first["examples"]
    for split in ("test", "validation"):
        assert second["splits"][split]["generations_sha256"] == first["splits"][split]["generations_sha256"]
    assert "pass@2" in capsys.readouterr().out


def test_the_adapters_scores_are_not_the_bases_and_merged_they_are_the_same(learned, adapted, starter, tmp_path):
    base, adapter, merged = (
        run(learned, starter, tmp_path / name, adapter=which, merge=name == "merged", limit=100)["splits"]["validation"]
        for name, which in (("base", None), ("adapter", str(adapted)), ("merged", str(adapted)))
    )
    assert base["generations_sha256"] != adapter["generations_sha256"] == merged["generations_sha256"]


def test_the_revision_that_the_adapter_records_is_its_bases_only(learned, adapted, small_base, tmp_path):
    adapter = shutil.copytree(adapted, tmp_path / "adapter", ignore=shutil.ignore_patterns("trackio"))
    config = json.loads((adapter / "adapter_config.json").read_text()) | {"revision": "v1"}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    for model, wanted, revision in (
        (None, None, "v1"), (str(learned), None, "v1"), (str(learned), "v2", "v2"), (str(small_base), None, None)
    ):  # fmt: skip
        _, base, found, _ = resolve_model(Options(), model, wanted, str(adapter), None)
        assert (base, found) == (model or str(learned), revision)


def test_a_model_that_was_not_trained_on_the_task(talker, starter, tmp_path):
    """Natural prompts with shots and chain of thought, and chat. The file holds the judged text and the whole text."""
    thought = score(str(talker), None, str(starter[0]), "starter", ["test"], tmp_path / "a", prompt_format="natural",
                    shots=2, chain_of_thought=True, limit=6, max_new_tokens=20)  # fmt: skip
    assert thought["decoding"]["shots"] == 2 and thought["decoding"]["chain_of_thought"]
    assert [len(example["numbers"]) for example in thought["examples"]] == [3, 4]
    assert all(r["response"] in r["raw"] for r in lines(tmp_path / "a", "test"))
    chat = score(str(talker), None, str(starter[0]), "starter", ["test"], tmp_path / "b", prompt_format="natural",
                 chat=Chat(), limit=6, max_new_tokens=20)  # fmt: skip
    assert chat["decoding"]["chat"] and "raw" not in lines(tmp_path / "b", "test")[0]
    assert chat["splits"]["test"]["generations_sha256"] != thought["splits"]["test"]["generations_sha256"]


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    path = tmp_path_factory.mktemp("problems") / "test.jsonl"
    rows = [{"question": f"Ann has {a} pens and buys {b}. How many?", "answer": f"{a}+{b}={a + b}.\n#### {a + b}"}
            for a in range(1, 4) for b in range(2, 5)]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_gsm8k_by_the_same_machinery(talker, problems, tmp_path):
    from arith_puzzle.metrics.gsm8k_answer.score import score as judge

    results = score(str(talker), None, str(problems), None, None, tmp_path, task="gsm8k", samples=3, max_new_tokens=40,
                    k=(1, 2))  # fmt: skip
    item, records = results["splits"]["test"], lines(tmp_path, "test")
    assert item["n"] == 9 and results["decoding"]["format"] == "alpaca" and "division" not in results["decoding"]
    judged = judge([record["responses"] for record in records], [record["answer"] for record in records])
    assert item["maj1@3"] == judged["maj1@3"] and item["pass@1"] == judged["pass@1"]
    assert item["no_answer"] == judged["no_answer"] < 1, "some answers hold a number"
    assert "maj1@3" in summary(results)
    assert 0 <= item["pass@2_ci95"][0] <= item["pass@2"] <= 1 and item["pass@2"] >= item["pass@1"]
    greedy = score(str(talker), None, str(problems), None, None, tmp_path / "g", task="gsm8k", max_new_tokens=9)
    assert "maj1@3" not in greedy["splits"]["test"] and greedy["splits"]["test"]["n"] == 9


BASE = ["--model", "{base}"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs --model"),
        ([*BASE, "--batch-size", "0"], "--batch-size must be at least 1"),
        ([*BASE, "--limit", "0"], "--limit must be at least 1"),
        ([*BASE, "--split", "nope"], "has no split 'nope'; it has train, validation, test"),
        ([*BASE, "--config", "nope"], "cannot load nope of"),
        (
            [*BASE, "--dataset", "/no/such/folder"],
            "build it with: arith-puzzle build --config starter --out /no/such/folder",
        ),
        (["--model", "/no/such/folder"], "the model '/no/such/folder' is neither a folder nor the id of a Hub repo"),
        (
            ["--adapter", "/no/such/adapter"],
            "the adapter '/no/such/adapter' is neither a folder nor the id of a Hub repo",
        ),
        (["--model", ""], "the model has an empty name"),
        ([*BASE, "--dataset", ""], "the dataset has an empty name"),
        ([*BASE, "--samples", "2", "--temperature", "1e-300"], "--temperature must be at least 0.001"),
        ([*BASE, "--k", "10"], "--k must be in 1..1, the samples of a row, not 10"),
        ([*BASE, "--samples", "4", "--k", "5"], "--k must be in 1..4, the samples of a row, not 5"),
        ([*BASE, "--temperature", "0.7"], "--temperature needs --samples"),
        ([*BASE, "--top-p", "0.7"], "--top-p needs --samples"),
        ([*BASE, "--samples", "2", "--temperature", "0"], "--temperature must be at least 0.001"),
        ([*BASE, "--samples", "2", "--top-p", "1.1"], "--top-p must be above 0 and at most 1"),
        ([*BASE, "--samples", "0"], "--samples must be at least 1"),
        ([*BASE, "--dtype", "bf16"], "--dtype bf16 needs a GPU"),
        ([*BASE, "--merge"], "--merge needs an --adapter"),
        ([*BASE, "--backend", "vllm"], "run: pip install vllm"),
        ([*BASE, "--chat"], "add --format natural"),
        ([*BASE, "--chain-of-thought"], "add it, or --format natural"),
        ([*BASE, "--format", "alpaca"], "the formats of --task puzzle are symbolic, natural"),
        ([*BASE, "--task", "gsm8k", "--chain-of-thought"], "answers to GSM8K show reasoning anyway"),
        ([*BASE, "--task", "gsm8k", "--config", "starter"], "has no column 'query'"),
        ([*BASE, "--shots", "8"], "are more than the model's 256 positions"),
        ([*BASE, "--format", "natural"], "the tokenizer cannot write this prompt"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, starter, small_base, tmp_path, capsys, monkeypatch):
    import torch

    if "bf16" in arguments and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = [part.format(base=small_base) for part in arguments]
    arguments = arguments if "--dataset" in arguments else [*arguments, "--dataset", str(starter[0])]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("arith-puzzle score: ") and message in line and "Traceback" not in line
    assert not (tmp_path / "out" / "results.json").exists()


def broken_adapter(adapted, folder, how):
    shutil.copytree(adapted, folder, ignore=shutil.ignore_patterns("trackio"))
    weights, config = folder / "adapter_model.safetensors", folder / "adapter_config.json"
    if how == "no config":
        config.unlink()
    elif how == "config is not JSON":
        config.write_text("{")
    elif how == "no weights":
        weights.unlink()
    elif how == "half of the weights":
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    elif how == "another shape":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"r": 8}))
    elif how == "weights of another model":
        from safetensors.torch import load_file, save_file

        save_file({name.replace("q_proj", "query"): w for name, w in load_file(weights).items()}, weights)
    return folder


@pytest.mark.parametrize(
    "how",
    ["no config", "config is not JSON", "no weights", "half of the weights", "another shape",
     "weights of another model"],
)  # fmt: skip
def test_a_broken_adapter_is_one_line(how, learned, adapted, starter, tmp_path, capsys):
    adapter = broken_adapter(adapted, tmp_path / "adapter", how)
    arguments = ["--adapter", str(adapter), "--model", str(learned), "--dataset", str(starter[0]), "--limit", "4"]
    assert main([*arguments, "--split", "test", "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("arith-puzzle score: ") and str(adapter) in line, line


@pytest.mark.parametrize("text", ["{", "[1]", '{"recipe": [1]}', '{"content": null}'])
def test_a_damaged_run_json_is_one_line(adapted, starter, tmp_path, capsys, text):
    adapter = shutil.copytree(adapted, tmp_path / "adapter")
    (adapter / "run.json").write_text(text)
    for name, words in (("score", ["--dataset", str(starter[0]), "--split", "test"]), ("merge", [])):
        assert command(name)(["--adapter", str(adapter), *words, "--out", str(tmp_path / name)]) == 2
        assert f"{adapter / 'run.json'} is " in capsys.readouterr().err.splitlines()[-1]


def test_a_file_of_rows_is_reported_by_its_name_and_has_no_config(learned, tmp_path):
    rows = tmp_path / "mine.jsonl"
    rows.write_text('{"numbers": [3, 4], "target": 12}\n')
    results = score(str(learned), None, str(rows), None, None, tmp_path / "out", max_new_tokens=4)
    assert results["config"] is None and list(results["splits"]) == ["mine"]
    assert f" on {rows}: pass@1 " in summary(results)


@pytest.mark.parametrize(
    ("card", "rows", "said"),
    [("---\n: [\n---\n", "{}\n", "the front matter of its card (README.md) is not YAML"),
     ("---\nconfigs: [{config_name: mine, data_files: train.jsonl}]\n---\n", "", "a data file is empty")],
)  # fmt: skip
def test_a_dataset_that_cannot_be_read_is_one_line(learned, tmp_path, capsys, card, rows, said):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text(card)
    (tmp_path / "data" / "train.jsonl").write_text(rows)
    words = ["--dataset", str(tmp_path / "data"), "--config", "mine", "--split", "train"]
    assert main(["--model", str(learned), *words, "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("arith-puzzle score: cannot load mine of") and said in line, line
