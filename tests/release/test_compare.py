"""Several models on the same rows: the demo's table, the notes with scores, and what is refused."""

import json
from pathlib import Path

import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.report import mcnemar
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.release.compare import MAX_NOTE, compare, with_scores
from arith_puzzle.release.stage import NOTES

ROWS = 40
HOSTILE = "x/`a`|<b onclick='y'>"


def scored(folder: Path, right, name: str, *, splits=("test",), first=0) -> dict:
    """Write results.json with the answers beside it; ``right`` says which rows are solved. Returns the results."""
    puzzles = [{"numbers": [2, 3, 4 + first + row], "target": 9 + first + row} for row in range(ROWS)]
    answers = [f"2+3=5\n5+{p['numbers'][2]}={p['target']}" if right(row) else "no" for row, p in enumerate(puzzles)]
    folder.mkdir(parents=True)
    lines = [json.dumps(puzzle | {"response": answer}) for puzzle, answer in zip(puzzles, answers, strict=True)]
    item = aggregate(answers, puzzles)
    item = {"n": item.pop("num_puzzles"), **item}
    for split in splits:
        (folder / f"generations-{split}.jsonl").write_text("\n".join(lines))
    decoding = {"format": "symbolic", "strategy": "greedy", "shots": 0}
    results = {"name": name, "config": "starter", "decoding": decoding, "splits": dict.fromkeys(splits, item)}
    (folder / "results.json").write_text(json.dumps(results))
    return results


@pytest.fixture
def released(tmp_path):
    """(the results of base and adapter, the folder with their answers), on two splits."""
    solves = {"base": lambda row: row < 4, "adapter": lambda row: row % 2 == 0}
    results = {
        who: scored(tmp_path / who, right, f"me/{who}-x", splits=("test", "n9")) for who, right in solves.items()
    }
    return results, tmp_path


def test_the_table_has_all_models_on_the_same_rows_the_best_first(released, tmp_path):
    scored(tmp_path / "other", lambda row: row % 4 != 0, HOSTILE)
    first, second = compare(*released, [tmp_path / "other"])
    assert (first["place"], first["n"]) == ("starter/test", ROWS)
    other, adapter, base = first["models"]
    assert (other["name"], other["kind"], other["asked"]) == (HOSTILE[2:], "other", "symbolic, greedy, 0-shot")
    assert (other["pass@1"], other["pass@1_ci95"]) == (0.75, list(wilson_interval(30, ROWS)))
    assert other["by_n"] == {"3": {"pass@1": 0.75, "ci95": list(wilson_interval(30, ROWS)), "n": ROWS}}
    assert other["pair"] == {"difference": 0.25, "only_model": 20, "only_adapter": 10, "p": mcnemar(20, 10)}
    assert (adapter["name"], adapter["kind"], adapter["pair"]) == ("adapter-x", "adapter", None)
    assert base["pair"]["only_model"] == 2 and base["pair"]["only_adapter"] == 18
    assert [model["kind"] for model in second["models"]] == ["adapter", "base"], "the other was not asked there"
    assert [model["kind"] for model in compare(*released)[0]["models"]] == ["adapter", "base"]


def test_the_notes_have_the_scores_of_the_files_and_fit_the_hub(released, tmp_path):
    folders = [tmp_path / f"other{at}" for at in range(9)]
    for at, folder in enumerate(folders):
        scored(folder, lambda row, at=at: row % 4 != at, f"x/{at}{HOSTILE}{'a' * 80}")
    notes = with_scores(NOTES, compare(*released, folders))
    low, high = wilson_interval(20, ROWS)
    score = f". pass@1 0.500 ({low:.3f} to {high:.3f}) on starter/test, n={ROWS}"
    assert notes["adapter"] == NOTES["adapter"] + score and notes["merged"] == NOTES["merged"] + score
    assert notes["base"].startswith(NOTES["base"] + ". pass@1 0.100 (") and notes["metric"] == NOTES["metric"]
    assert "table of 11 models" in notes["demo"] and notes["demo"].endswith("; …")
    assert len(notes["demo"]) <= MAX_NOTE and "``" in notes["demo"] and list(notes) == list(NOTES)
    few = with_scores(NOTES, compare(*released))["demo"]
    assert f"`adapter-x` 0.500 ({low:.3f} to {high:.3f}); `base-x` 0.100" in few and "…" not in few
    assert with_scores(NOTES, []) == NOTES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"first": 1},
            r"other answered other rows of test than the release \(40 / 40\); score it with .* on starter/test",
        ),
        ({"splits": ("n9",)}, "other has no scores on the split test; score it with .* on starter/test"),
        ("generations-test.jsonl", "other has no answers to judge in generations-test.jsonl; score it"),
        ("results.json", "cannot read .*other/results.json: No such file or directory; give a results.json"),
        ("0.75", "other has answers and results.json that do not agree; score it"),
    ],
)
def test_what_cannot_be_compared_is_one_line(released, tmp_path, change, said):
    scored(tmp_path / "other", lambda row: row % 4 != 0, "x/m", **(change if isinstance(change, dict) else {}))
    path = tmp_path / "other" / ("results.json" if change == "0.75" else str(change))
    if change == "0.75":
        path.write_text(path.read_text().replace('"pass@1": 0.75', '"pass@1": 0.95'))
    elif isinstance(change, str):
        path.unlink()
    scored(tmp_path / "good", lambda row: row % 4 != 0, "x/m")  # the same model
    with pytest.raises(InputError, match=said) as caught:
        compare(*released, [tmp_path / "good", tmp_path / "other"])
    assert "\n" not in str(caught.value)


def test_a_release_looks_for_the_results_before_it_trains(tmp_path, capsys):
    command = [
        "release",
        "tiny_cpu",
        "--to",
        "local",
        "--work",
        str(tmp_path / "work"),
        "--compare",
        str(tmp_path / "no"),
    ]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "cannot read" in error and error.count("\n") == 1 and not (tmp_path / "work" / "train").exists()
