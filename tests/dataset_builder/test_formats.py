"""Formats of puzzles: what is trained, cut to the part that is judged, is right for each of them."""

import re

import numpy as np
import pyarrow as pa
import pytest
import yaml
from datasets import load_dataset

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.formats import FORMATS, PUZZLE_FORMATS
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.puzzle import parse_puzzle, partition_mask, puzzle_keys
from arith_puzzle.dataset_builder.search_traces import searches
from arith_puzzle.evaluation.options import Options
from arith_puzzle.evaluation.prompting import Prompting
from arith_puzzle.evaluation.tasks import Puzzle
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.studies.study import load_study, trainings
from arith_puzzle.training.data.encoding import UNFINISHED
from arith_puzzle.training.data.pretraining_mix import drill_columns
from arith_puzzle.training.recipe import load_recipe, make_recipe
from arith_puzzle.training.sections import DrillsSection
from tests.paths import ROOT

STUDIES = ROOT / "studies"


@pytest.fixture(scope="module")
def table(starter):
    rows = load_dataset(str(starter[0]), "starter", split="train")
    return rows.select(range(300)).with_format("arrow")[:]


@pytest.mark.parametrize("name", PUZZLE_FORMATS)
def test_a_training_answer_is_right_under_the_verifier(name, table):
    form = FORMATS[name]
    prompts, answers = (column.to_pylist() for column in form.texts(table.select(form.columns)))
    puzzles = list(zip(table["numbers"].to_pylist(), table["target"].to_pylist(), strict=True))
    if name in ("search", "procedure", "first_attempt"):  # unsolved puzzles are left out; long searches begin late
        least = 0.4 if name == "first_attempt" else 0.97
        assert least * len(puzzles) < len(prompts) < len(puzzles)
        assert any(text.count("\n") == 2 for text in prompts) == (name == "search")
        asked = [parse_puzzle(text.split("\n")[0]) for text in prompts]
        assert [puzzle for puzzle in puzzles if puzzle in asked] == asked
        puzzles, prompts = asked, [f"{text.split(chr(10))[0]}\n" for text in prompts]
    assert prompts == [form.prompt(*puzzle) for puzzle in puzzles], "what is asked is what was trained"
    for (numbers, target), answer in zip(puzzles, answers, strict=True):
        assert verify(numbers, target, form.strict(answer)).correct, answer
    assert Puzzle(name).question({"numbers": puzzles[0][0], "target": puzzles[0][1]}) == prompts[0]
    assert load_recipe_with(name).dataset.format == name, "every format can be named in a recipe"


def load_recipe_with(name):
    values = yaml.safe_load((ROOT / "training" / "recipes" / "tiny_cpu.yaml").read_text())
    values["dataset"]["format"] = values["score"]["format"] = name
    return make_recipe("test", values)


def test_each_lever_changes_one_thing(table):
    plain_prompts, plain = (column.to_pylist() for column in FORMATS["symbolic"].texts(table))
    levers = [name for name in PUZZLE_FORMATS if name not in ("natural", "search", "procedure")]
    texts = {name: [c.to_pylist() for c in FORMATS[name].texts(table)] for name in levers}
    assert texts["shuffled"][1] == plain and texts["shuffled"][0] != plain_prompts
    assert sum(a != b for a, b in zip(texts["shuffled"][0], plain_prompts, strict=True)) > 200
    for one, other in zip(texts["shuffled"][0], plain_prompts, strict=True):
        assert parse_puzzle(one) == parse_puzzle(other)
    for name in ("either_order", "backward"):
        assert texts[name][0] == plain_prompts
    changed = [re.findall(r"\d+|-\d+", a) for a in texts["either_order"][1]]
    assert texts["either_order"][1] != plain and [sorted(a) for a in changed] == [
        sorted(re.findall(r"\d+|-\d+", b)) for b in plain
    ]
    assert [text.split("\n")[::-1] for text in texts["backward"][1]] == [text.split("\n") for text in plain]
    for column, other in zip(texts["reversed_digits"], texts["symbolic"], strict=True):
        assert column == [re.sub(r"\d+", lambda m: m[0][::-1], text) for text in other]


def test_the_procedures_answer_is_what_its_search_ends_with(table):
    """Also where the search is long, and its text begins in the middle."""
    searched, answers = FORMATS["search"], FORMATS["procedure"].texts(table)[1].to_pylist()
    assert answers == [searched.strict(text) for text in searched.texts(table)[1].to_pylist()]


def test_a_search_without_an_end_is_judged_whole():
    strict = FORMATS["search"].strict
    assert strict("9,2:7,3,10:7:7-2=5\n:\n9-2=7\n7-2=5") == "9-2=7\n7-2=5"
    assert strict("9,2:7,3,10:7") == "9,2:7,3,10:7"
    assert not verify([2, 2, 9], 5, strict("9,2:7,3,10:7:7-2=5\n:")).correct
    assert Prompting(Puzzle("search")).judged("1,2:3\n:\n1+2=3") == "1+2=3"
    assert Prompting(Puzzle("search")).keeps_raw and not Prompting(Puzzle("symbolic")).keeps_raw


def test_formats_for_trained_models_take_no_shots():
    for extra in ({"shots": 2}, {"chain_of_thought": True, "shots": 2}, {"chat": True}):
        with pytest.raises(InputError, match="for models trained on it"):
            Options(prompt_format="search", **extra)
    assert Options(prompt_format="search").record(backend="transformers", dtype="fp32", rules={})["format"] == "search"


def test_drills_of_a_base_that_searches():
    columns = drill_columns(400, 3, 0.5, limit=2000, v=40, sizes=[3, 5], answers="search")
    sizes, largest = set(), 0
    for prompt, answer in zip(columns["prompt"], columns["completion"], strict=True):
        if prompt.endswith("=\n") or prompt.endswith("="):
            largest = max(largest, *(abs(int(item)) for item in re.findall(r"\d+", prompt + answer)))
            continue
        numbers, target = parse_puzzle(prompt.split("\n")[0])
        sizes.add(len(numbers))
        assert max(numbers) <= 40 and verify(numbers, target, FORMATS["search"].strict(answer)).correct
    assert sizes == {3, 5} and 600 < largest <= 2000
    assert len(drill_columns(30, 3, 1.0)["prompt"]) == 30, "no puzzles at all"


def test_drills_of_a_base_that_answers_as_the_search_does():
    columns = drill_columns(300, 3, 0.5, v=40, sizes=[3, 5], answers="procedure")
    rows = [row for row in zip(columns["prompt"], columns["completion"], strict=True) if not row[0].endswith("=")]
    puzzles = [parse_puzzle(prompt) for prompt, _ in rows]
    assert len(rows) == 150 and {len(numbers) for numbers, _ in puzzles} == {3, 5}
    for (numbers, target), (_, answer) in zip(puzzles, rows, strict=True):
        _, (trace,), _ = searches(np.array([numbers]), np.array([target]))
        assert trace.as_py().endswith(f"\n:\n{answer}") and verify(numbers, target, answer).correct


def test_drills_with_large_numbers_hold_no_puzzle_of_the_evaluation_splits():
    """Walks obey the partition by key as all else does; puzzles are small."""
    asked = {"limit": 2000, "v": 60, "sizes": [3, 4], "answers": "search", "walk_share": 0.5}
    columns = drill_columns(800, 3, 0.25, **asked)
    assert len(columns["prompt"]) == len(columns["completion"]) == 800
    walked, puzzles, found = [], [], 0
    for prompt, answer in zip(columns["prompt"], columns["completion"], strict=True):
        if prompt.endswith("="):
            continue
        numbers, target = parse_puzzle(prompt.split("\n")[0])
        assert partition_mask(puzzle_keys(np.array([numbers]), np.array([target])), "train").all()
        done = not answer.endswith(UNFINISHED)
        assert done == verify(numbers, target, FORMATS["search"].strict(answer)).correct
        if len(numbers) > 4 or max(numbers) > 60:
            found += done
            walked.append(numbers)
        elif done:
            puzzles.append(numbers)
    assert len(walked) > 300 and 150 <= len(puzzles) < 300, "some walks are as small"
    assert {len(numbers) for numbers in walked} >= {3, 5, 8, 12, 15} and max(map(max, walked)) > 1000
    asked_too = [prompt for prompt in columns["prompt"] if prompt.count("\n") == 1 and prompt.count(",") > 3]
    assert not asked_too, "a walk through more than four numbers is no question"
    assert columns == drill_columns(800, 3, 0.25, **asked)
    assert 0.4 * len(walked) < found < 0.75 * len(walked)
    with pytest.raises(InputError, match=r"needs drills\.format: search"):
        drill_columns(10, 3, 0.5, walk_share=0.5)
    with pytest.raises(InputError, match="sum to more than 1"):
        drill_columns(10, 3, 0.75, answers="search", walk_share=0.5)


def test_lists_to_sort_hold_their_numbers_and_no_puzzle():
    columns = drill_columns(330, 3, 0.0, limit=1000, list_share=1.0)
    largest, sizes = 0, set()
    for prompt, completion in zip(columns["prompt"], columns["completion"], strict=True):
        assert prompt.endswith("=") and ":" not in prompt
        shown, ordered = ([int(number) for number in text.split(",")] for text in (prompt[:-1], completion))
        assert ordered == sorted(shown, reverse=True) and shown[:-1] == sorted(shown[:-1])
        largest, sizes = max(largest, *shown), sizes | {len(shown)}
    assert 900 < largest <= 1000 and sizes == set(range(2, 13))
    with pytest.raises(InputError, match="sum to more than 1"):
        drill_columns(10, 3, 0.75, list_share=0.5)


def test_the_first_attempt_gives_the_puzzles_that_it_solves_and_their_answers():
    rows = generate_shard(CONFIGS["starter"], "test", 0, 0).slice(0, 200)
    every, kept = (
        dict(zip(*(column.to_pylist() for column in FORMATS[name].texts(rows)), strict=True))
        for name in ("procedure", "first_attempt")
    )
    assert 100 < len(kept) < len(every) and kept.items() <= every.items()
    for row in rows.to_pylist():
        _, _, (attempt,) = searches(np.array([row["numbers"]]), np.array([row["target"]]))
        assert (row["prompt"] in kept) == (attempt == 0)


def test_searches_of_six_attempts_contain_no_puzzle_with_larger_numbers():
    """The remaining numbers of an attempt are a puzzle, too: after a sum they may be above V."""
    asked = {"v": 20, "sizes": [4], "answers": "search"}
    largest = []
    for columns in (drill_columns(400, 3, 0.0, attempts=6, **asked), drill_columns(400, 3, 0.0, **asked)):
        texts = map("".join, zip(columns["prompt"], columns["completion"], strict=True))
        inside = [
            line.split(":")[0] for text in texts for line in text.split("\n") if re.fullmatch(r"[\d,]+:\d+", line)
        ]
        assert len(inside) >= 800, "each trace has its puzzle and the remaining numbers"
        largest.append(max(int(number) for numbers in inside for number in numbers.split(",")))
    assert largest[0] <= 20 < largest[1]
    with pytest.raises(InputError, match=r"drills\.attempts needs drills\.format"):
        drill_columns(10, 3, 0.5, attempts=6)


def test_older_recipes_keep_their_digests():
    """New fields at their defaults are no part of a digest, else finished runs would be another recipe's."""
    import dataclasses
    import json

    for name, run in (
        ("tiny_base", "training/bases/arith-tiny"), ("search_base", "training/bases/arith-tiny-search"),
        *((name, f"results/{name}") for name in ("tiny_cpu", "paper_search_cpu", "paper_direct_cpu")),
    ):  # fmt: skip
        recipe = load_recipe(ROOT / "training" / "recipes" / f"{name}.yaml")
        assert recipe.digest == json.loads((ROOT / run / "run.json").read_text())["recipe_digest"]
    base = load_recipe(ROOT / "training" / "recipes" / "tiny_base.yaml")
    for change in (
        {"limit": 2000}, {"v": 40}, {"sizes": [3]}, {"format": "search"}, {"walk_share": 0.1}, {"attempts": 6},
        {"list_share": 0.1},
    ):  # fmt: skip
        assert dataclasses.replace(base, drills=dataclasses.replace(base.drills, **change)).digest != base.digest
    assert base.drills.format == DrillsSection(rows=1).format == "symbolic"


def test_drills_keep_their_share_in_a_study():
    study = load_study(STUDIES / "paper_cpu.yaml")
    share = study.base.drills.rows / study.base.dataset.rows
    plan = [training.recipe for training in trainings(study)]
    assert all(recipe.score.limit == study.limit for recipe in plan), "the study's, not the recipe's"
    assert [recipe.dataset.rows for recipe in plan] == sorted(study.rows) and len(plan) == 5
    assert all(recipe.drills.rows == round(share * recipe.dataset.rows) for recipe in plan)
    levers = {each.arm.name: each.recipe for each in trainings(load_study(STUDIES / "paper_drills_cpu.yaml"))}
    assert levers["with drills"].drills.rows == 8000 and levers["without drills"].drills is None
    direct = load_study(STUDIES / "paper_direct_cpu.yaml")
    drills = [each.recipe.drills for each in trainings(direct) if each.recipe.drills]
    assert [(section.rows, section.limit) for section in drills] == [(rows, 1000) for rows in direct.rows]


def test_an_arm_changes_how_it_is_trained_and_scored():
    study = load_study(STUDIES / "levers_cpu.yaml")
    plan = {training.arm.name: training.recipe for training in trainings(study)}
    plain, search = plan["canonical"], plan["search"]
    assert (search.dataset.format, search.score.format, plain.dataset.format) == ("search", "search", "symbolic")
    assert search.sft["max_steps"] == plain.sft["max_steps"] and search.score.max_new_tokens > 2 * 48
    large = plan.pop("SmolLM2-135M with LoRA")
    tokens = {name: recipe.pack * recipe.sft["per_device_train_batch_size"] for name, recipe in plan.items()}
    assert max(tokens.values()) < 1.01 * min(tokens.values()), "a step is as many tokens in every arm"
    assert plan["generated"].dataset.config != plain.dataset.config
    assert (large.lora.r, large.score.limit, large.sft["weight_decay"]) == (16, 200, plain.sft["weight_decay"])
    scratch = [recipe.model for recipe in plan.values() if recipe.model.base is None]
    assert len(scratch) == 3 and plan["Muon"].model == plain.model and plan["Muon"].optimizer == "muon"


def test_a_study_with_an_unknown_format_is_refused(tmp_path):
    values = yaml.safe_load((STUDIES / "levers_cpu.yaml").read_text())
    values["arms"][2]["format"] = "serach"
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(InputError, match="'serach' is not a format of puzzles; known: symbolic"):
        load_study(tmp_path / "study.yaml")


def test_searches_of_a_mixed_table_keep_their_order():
    rows = [([2, 3, 5], 10), ([14, 24, 43, 48], 15), ([2, 4, 8], 599), ([1, 4, 9], 12)]
    table = pa.table({
        "numbers": pa.array([numbers for numbers, _ in rows], pa.list_(pa.int32())),
        "target": pa.array([target for _, target in rows], pa.int32()),
    })  # fmt: skip
    prompts, answers = FORMATS["search"].texts(table)
    del rows[2]  # it has no solution
    for row, prompt, answer in zip(rows, prompts.to_pylist(), answers.to_pylist(), strict=True):
        assert parse_puzzle(prompt) == row and verify(*row, FORMATS["search"].strict(answer)).correct
