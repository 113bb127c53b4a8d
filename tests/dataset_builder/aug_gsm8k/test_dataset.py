"""Tests of the built dataset: `load_dataset`, nested sizes, strategies, manifest and card, by the real commands."""

import json

import pyarrow.parquet as pq
import pytest

from arith_puzzle.dataset_builder.aug_gsm8k import dataset
from arith_puzzle.dataset_builder.aug_gsm8k.judging import KEY, QUESTIONS, TABLE, VERDICTS
from arith_puzzle.dataset_builder.aug_gsm8k.runs import read_run, rows_sha256
from arith_puzzle.model_cards.check import check_card
from tests.commands import command

main = command("augment")


@pytest.fixture
def runs(gsm8k, chat, tmp_path):
    """(folder of a run by rules, folder of a run by a model)."""
    common = ["--source", str(gsm8k[0]), "--against", f"gsm8k-test={gsm8k[1]}"]
    rules, model = tmp_path / "by-rules", tmp_path / "by-model"
    assert main(["rules", *common, "--out", str(rules), "--per-question", "12", "--strategy", "change_numbers"]) == 0
    more = ["--endpoint", chat.url, "--model", "m", "--store", str(tmp_path / "s.jsonl"), "--terms", "M's terms"]
    assert main(["model", *common, *more, "--out", str(model), "--paths", "3", "--price-out", "2"]) == 0
    return rules, model


def build(runs, out, *more):
    return main(["build", *map(str, runs), "--out", str(out), *more])


def test_the_dataset_as_a_user_loads_it(runs, tmp_path, monkeypatch, capsys):
    from datasets import load_dataset

    monkeypatch.setattr(dataset, "SIZES", {"tiny": 10, "small": 25, "huge": 10**6})
    out = tmp_path / "aug-gsm8k"
    assert build(runs, out) == 0
    assert f"{out}: tiny: 10 rows" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["configs"])[:3] == ["all", "tiny", "small"] and "huge" not in manifest["configs"]
    cache = str(tmp_path / "cache")
    loaded = {
        name: load_dataset("aug-gsm8k", name, split="train", cache_dir=cache).to_list() for name in manifest["configs"]
    }
    assert load_dataset("aug-gsm8k", split="train", cache_dir=cache).to_list() == loaded["all"]
    sizes = [loaded[name] for name in ("tiny", "small", "all")]
    assert [len(rows) for rows in sizes[:2]] == [10, 25]
    assert sizes[0] == sizes[1][:10] and sizes[1] == sizes[2][:25]
    for name in ("original", "change_numbers"):
        rows = [row for row in loaded["all"] if row["strategy"] == name]
        assert rows and sorted(map(str, rows)) == sorted(map(str, loaded[name]))
    assert len(loaded["all"]) == sum(len(loaded[n]) for n, c in manifest["configs"].items() if c["by"] == "strategy")
    by_rules = [row for row in loaded["all"] if row["generator"] == "rules"]
    by_model = [row for row in loaded["all"] if row["generator"] == "m"]
    assert len(by_rules) == 36 and by_rules[0]["agreement"] is None
    assert by_model and all(0 < row["agreement"] <= 1 for row in by_model)
    assert {row["answer"] for row in by_model if row["strategy"] == "original"} <= {"76", "40", "210"}
    for file in manifest["files"]:
        assert rows_sha256(pq.read_table(out / file["file"])) == file["sha256"]


def test_the_same_runs_give_the_same_bytes(runs, tmp_path):
    one, two, other = (tmp_path / name / "aug-gsm8k" for name in ("one", "two", "other"))
    for out, seed in ((one, "0"), (two, "0"), (one, "0"), (other, "1")):
        out.parent.mkdir(exist_ok=True)
        assert build(runs, out, "--seed", seed) == 0
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    hashes = [json.loads((out / "manifest.json").read_text())["files"] for out in (one, other)]
    assert hashes[0] != hashes[1]


def test_the_card_shows_what_was_dropped_and_is_valid(runs, gsm8k, tmp_path, capsys):
    out, judged = tmp_path / "aug-gsm8k", tmp_path / "judged"
    assert main(["sample", str(runs[0]), "--source", str(gsm8k[0]), "--rows", "3", "--out", str(judged)]) == 0
    assert "6 rows, 3 each of change_numbers, original" in capsys.readouterr().out
    assert build(runs, out, "--judged", str(judged)) == 2 and main(["judged", str(judged)]) == 2  # no verdict yet
    assert not out.exists()
    key = [json.loads(line) for line in (judged / KEY).read_text().splitlines()]
    first = next(row["row"] for row in key if row["strategy"] == "change_numbers")
    verdicts = [{"row": row["row"]} | dict.fromkeys(QUESTIONS, row["row"] != first) for row in key]
    (judged / VERDICTS).write_text("".join(json.dumps(verdict) + "\n" for verdict in verdicts))
    assert main(["judged", str(judged)]) == 0
    line = "| change_numbers | 3 | 0.667 | 0.208 to 0.939 | 2 | 2 | 2 | 2 |"
    assert line in capsys.readouterr().out and json.loads((judged / TABLE).read_text())["original"]["sound"] == 3
    assert build(runs, out, "--judged", str(judged)) == 0
    card = (out / "README.md").read_text()
    check_card(card, "dataset", out)
    report = read_run(runs[1]).report
    section = card.partition("### `by-model`")[2].splitlines()
    for reason, count in report["paths"]["dropped_original"].items():
        line = next(line for line in section if f"`{reason}`" in line and line.count("|") == 4)
        assert f"| {count:,} | {report['paths']['dropped_new'][reason]:,} |" in line
    assert line in card and "`results/aug_gsm8k/judged`" in card
    assert "**not compared**" in card and "M's terms" in card and "license: other" in card
    assert build(runs[:1], out) == 0
    assert "license: mit" in (out / "README.md").read_text()


def test_bad_input_is_one_line(runs, tmp_path, capsys):
    out = tmp_path / "aug-gsm8k"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    row = {"row": 1, "strategy": "complexity", "query": "?", "response": "!"}
    (stranger / KEY).write_text(json.dumps(row) + "\n")
    (stranger / VERDICTS).write_text(json.dumps({"row": 1} | dict.fromkeys(QUESTIONS, True)) + "\n")
    rows = runs[0] / "rows.parquet"
    for arguments, says in (
        ([str(tmp_path / "nothing"), "--out", str(out)], "is not a finished run"),
        ([str(runs[0]), str(runs[0]), "--out", str(out)], "its own folder name"),
        ([str(runs[0]), "--out", str(tmp_path / "full")], "contains other files"),
        (
            [str(runs[0]), "--out", str(out), "--judged", str(stranger)],
            "key.jsonl:1: the row is not in this dataset",
        ),
    ):
        capsys.readouterr()
        assert main(["build", *arguments]) == 2
        err = capsys.readouterr().err
        assert says in err and len(err.splitlines()) == 1, err
    assert (tmp_path / "full" / "diary.txt").read_text() == "mine" and not out.exists()
    rows.write_bytes((runs[1] / "rows.parquet").read_bytes())  # the rows of another run do not match the report
    assert build(runs[:1], out) == 2
    assert main(["sample", str(runs[1]), "--source", "x", "--rows", "0", "--out", str(tmp_path / "new")]) == 2
