"""Configs by other rules than the paper's: rows, labels, prompts, scores and rewards follow one statement of them."""

import itertools
import json
from fractions import Fraction

import pyarrow.parquet as pq
import pytest
import yaml

import arith_puzzle
from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs.file import load, parse
from arith_puzzle.dataset_builder.formats import BY_RULES, FORMATS
from arith_puzzle.dataset_builder.puzzle import natural_prompt, puzzle_key
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, to_equations, verify
from arith_puzzle.metrics.rewards import graded_reward, reward

RULES = [
    {"rule": rule, "division": division, "form": form}
    for rule, division, form in itertools.product(("all", "subset"), ("exact", "integer", "rational"),
                                                  ("equations", "expression"))
    if (division, form) != ("rational", "equations") and (rule, division, form) != ("all", "exact", "equations")
]  # fmt: skip
SIZES = {"v": 30, "sizes": {3: 1, 4: 1}, "splits": {"train": {"rows": 200}, "test": {"rows": 30, "labels": True}}}


def generate(rows=30, split="test", **keys):
    content = yaml.safe_dump(SIZES | {"name": "own"} | keys, default_flow_style=True, width=10**6)
    return arith_puzzle.generate(content, split, rows=rows)


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(rules.values()))
def test_rows_are_right_by_their_own_rules(rules):
    for solutions in ("generated", "canonical"):
        rows = generate(**rules, solutions=solutions)
        for row in rows:
            assert rules_of(row) == rules
            assert verify(row["numbers"], row["target"], row["completion"], **rules_of(row)).correct
            assert row["num_solutions"] >= 1 and 0 <= row["difficulty"] < 9
            assert rules["rule"] == "all" or row["target"] not in row["numbers"]
            assert (
                row["numbers"] == sorted(set(row["numbers"])) and puzzle_key(row["numbers"], row["target"]) >> 59 == 1
            )
        assert len({row["prompt"] for row in rows}) == len(rows)
    train = generate(200, "train", **rules)
    used = {len(row["numbers"]) - row["completion"].count("\n") - 1 for row in train if rules["form"] == "equations"}
    assert used == ({1} if rules["rule"] == "all" else {1, 2, 3}) or rules["form"] == "expression"


def test_fractions_and_truncated_quotients_do_occur():
    rational = generate(200, "train", rule="all", division="rational", form="expression")
    steps = [step for row in rational for step in to_equations(row["completion"], division="rational")]
    assert any(isinstance(value, Fraction) for *_, value in steps)
    integer = generate(200, "train", rule="all", division="integer", form="equations")
    reasons = {verify(row["numbers"], row["target"], row["completion"]).reason for row in integer}
    assert reasons == {"ok", "inexact_division"}


def test_the_bound_holds_for_numerators_and_denominators():
    rows = generate(200, "train", division="rational", form="expression", bound=40)
    for row in rows:
        for *_, value in to_equations(row["completion"], division="rational"):
            assert abs(Fraction(value).numerator) <= 40 and Fraction(value).denominator <= 40


@pytest.mark.parametrize("operations", ["+", "-*", "+-/", "+-*"])
def test_solutions_have_the_operations_of_the_config(operations):
    for solutions in ("generated", "canonical"):
        rows = generate(operations=operations, form="expression", solutions=solutions, targets=[1, 90])
        found = {op for row in rows for op in "+-*/" if op in row["completion"]}
        assert found and found <= set(operations)
    plain = generate(operations="+-", targets=[1, 90])  # the paper's rules: no columns for them
    assert all(verify(row["numbers"], row["target"], row["completion"]).correct and "rule" not in row for row in plain)


def test_expressions_by_the_papers_rules_are_the_same_solutions():
    equations = generate(30)
    expressions = generate(30, form="expression")
    for plain, infix in zip(equations, expressions, strict=True):
        assert (plain["prompt"], plain["num_solutions"]) == (infix["prompt"], infix["num_solutions"])
        assert len(to_equations(infix["completion"])) == len(plain["completion"].split("\n"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A config from a file, and the same from options."""
    folder = tmp_path_factory.mktemp("rules")
    content = SIZES | {"name": "own", "rule": "subset", "form": "expression", "division": "rational", "seed": 3}
    (folder / "own.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    assert main(["build", "--config", str(folder / "own.yaml"), "--out", str(folder / "file")]) == 0
    options = ["--name", "own", "--v", "30", "--sizes", "{3: 1, 4: 1}", "--rule", "subset", "--form", "expression"]
    options += ["--splits", "{train: {rows: 200}, test: {rows: 30, labels: true}}", "--division", "rational"]
    assert main(["build", *options, "--seed", "3", "--out", str(folder / "options")]) == 0
    return folder


def test_options_build_the_same_bytes_as_a_file(built):
    for name in ("own/train-00000.parquet", "own/test-00000.parquet", "manifest.json"):
        assert (built / "file" / name).read_bytes() == (built / "options" / name).read_bytes()
    manifest = json.loads((built / "file" / "manifest.json").read_text())
    test = manifest["configs"]["own"]["splits"]["test"]
    assert manifest["seed"] == 3
    assert [test[key] for key in ("operations", "rule", "division", "form")] == [
        "+-*/",
        "subset",
        "rational",
        "expression",
    ]
    card = (built / "file" / "README.md").read_text()
    assert 'references=rows, rule="subset", division="rational", form="expression"' in card
    assert "quotients may be fractions; an answer is one infix expression" in card


def test_an_option_replaces_a_key_of_the_file(built, tmp_path):
    path = str(built / "own.yaml")
    assert main(["build", "--config", path, "--v", "40", "--name", "wider", "--out", str(tmp_path / "out")]) == 0
    rows = pq.read_table(tmp_path / "out" / "wider" / "train-00000.parquet").to_pylist()
    assert 30 < max(number for row in rows for number in row["numbers"]) <= 40 and rows[0]["rule"] == "subset"


def test_prompts_of_other_rules_state_them(built):
    table = pq.read_table(built / "file" / "own" / "test-00000.parquet")
    row = table.to_pylist()[0]
    texts = {name: [column.to_pylist()[0] for column in FORMATS[name].texts(table)] for name in BY_RULES}
    assert texts["symbolic"] == [row["prompt"], row["completion"]]
    assert texts["natural"] == [natural_prompt(row["numbers"], row["target"], **rules_of(row)), row["completion"]]
    assert texts["natural"][0] == FORMATS["natural"].question(row)
    said = {
        rules["rule"] + rules["division"] + rules["form"]: natural_prompt([2, 3, 4], 5, **rules) for rules in RULES
    } | {"paper": natural_prompt([2, 3, 4], 5)}
    assert len(set(said.values())) == len(said)
    for name, text in said.items():
        assert ("at most once" in text) == ("subset" in name) and ("one expression" in text) == ("expression" in name)
        assert ("fractions" in text) == ("rational" in name) and ("toward zero" in text) == ("integer" in name)


def test_rewards_follow_the_rows():
    rows = [generate(1, rule="subset", form="expression")[0], generate(1, rule="all", form="expression")[0]]
    columns = {name: [row[name] for row in rows] for name in ("numbers", "target", "rule", "division", "form")}
    answers = [row["completion"] for row in rows]
    assert reward(answers, **columns) == [1.0, 1.0] and reward(answers[::-1], **columns) == [0.0, 0.0]
    assert reward(answers, columns["numbers"], columns["target"]) == [0.0, 0.0]  # equations are expected
    with pytest.raises(ValueError, match="graded_reward is for the paper's rules"):
        graded_reward(answers, **columns)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"rule": "some"}, "rule must be one of all, subset, not 'some'"),
        ({"division": "float"}, "division must be one of exact, integer, rational"),
        ({"form": "lisp"}, "form must be one of equations, expression"),
        ({"division": "rational"}, "division 'rational' needs form 'expression'"),
        ({"operations": "+^"}, 'operations are some of "+-*/", each once'),
        ({"operations": "++"}, "each once"),
        ({"operations": ""}, "each once"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"family": "paper"}, "family is a key of shipped configs"),
        ({"division": "rational", "form": "expression", "bound": 2 * 10**9}, "bound is at most 1,000,000,000"),
        ({"rule": "subset", "sizes": {8: 1}}, "labels and canonical solutions by these rules are for sizes up to 7"),
        ({"rule": "subset", "splits": {"test": {"rows": 9}, "train": {"rows": 9, "paths": 2, "solutions": "canonical"}}},  # noqa: E501
         "paths above 1 is for rule all, division exact and all operations"),
        ({"operations": "/", "sizes": {2: 1}, "v": 4, "splits": {"test": {"rows": 8}}}, "there are exactly"),
    ],
)  # fmt: skip
def test_what_the_rules_do_not_allow_is_one_line(keys, said):
    with pytest.raises(InputError) as error:
        parse("own.yaml", yaml.safe_dump(SIZES | {"name": "own"} | keys))
    assert said in str(error.value) and str(error.value).startswith("own.yaml: ") and "\n" not in str(error.value)


def test_several_paths_are_for_the_papers_rules(built, tmp_path, capsys):
    assert main(["build", "--config", str(built / "own.yaml"), "--paths", "2", "--out", str(tmp_path / "out")]) == 2
    assert "--paths above 1 is for rule all" in capsys.readouterr().err


def test_options_for_a_shipped_config_are_refused(tmp_path, capsys):
    assert main(["build", "--config", "starter", "--v", "9", "--out", str(tmp_path / "out")]) == 2
    assert "--v is for a config of your own, not starter" in capsys.readouterr().err
    assert main(["build", "--name", "a", "--sizes", "{3: [", "--out", str(tmp_path / "out")]) == 2
    assert "--sizes is not YAML" in capsys.readouterr().err


def test_scores_are_by_the_rows_rules(built, tmp_path):
    pytest.importorskip("torch")
    from tests.paths import ROOT

    command = ["score", "--model", str(ROOT / "training/bases/arith-tiny"), "--dataset", str(built / "file")]
    command += ["--config", "own", "--split", "test", "--limit", "3"]
    assert main([*command, "--out", str(tmp_path / "scores")]) == 0
    decoding = json.loads((tmp_path / "scores" / "results.json").read_text())["decoding"]
    assert (decoding["rule"], decoding["division"], decoding["form"]) == ("subset", "rational", "expression")
    answers = [json.loads(line) for line in (tmp_path / "scores" / "generations-test.jsonl").read_text().splitlines()]
    assert all(rules_of(answer) == rules_of(decoding) for answer in answers) and len(answers) == 3
    assert main([*command, "--format", "search", "--out", str(tmp_path / "other")]) == 2


def test_solved_answers_become_training_rows_with_their_rules(built, tmp_path):
    rows = pq.read_table(built / "file" / "own" / "train-00000.parquet").to_pylist()[:20]
    lines = [{key: row[key] for key in ("numbers", "target", "rule", "division", "form")} for row in rows]
    answers = [line | {"responses": [row["completion"], "1+1"]} for line, row in zip(lines, rows, strict=True)]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(map(json.dumps, answers)))
    assert main(["rejection", str(file), "--out", str(tmp_path / "rft")]) == 0
    (shard,) = (tmp_path / "rft").rglob("*.parquet")
    kept = pq.read_table(shard).to_pylist()
    assert [row["completion"] for row in kept] == [row["completion"] for row in rows]
    assert all(rules_of(row) == rules_of(rows[0]) for row in kept)
    file.write_text(
        "\n".join(map(json.dumps, [*answers, lines[0] | {"rule": "all", "response": rows[0]["completion"]}]))
    )
    assert main(["rejection", str(file), "--out", str(tmp_path / "mixed")]) == 2


def test_the_builder_names_its_cache_by_the_content_of_the_file(built, tmp_path):
    builder = pytest.importorskip("arith_puzzle.dataset_builder.builder").ArithPuzzle
    one = builder(str(tmp_path), file=str(built / "own.yaml"))
    one.download_and_prepare()
    table = pq.read_table(built / "file" / "own" / "test-00000.parquet")
    assert one.as_dataset(split="test")["prompt"] == table["prompt"].to_pylist()
    copy = tmp_path / "copy.yaml"
    copy.write_text((built / "own.yaml").read_text())
    same, other = (builder(str(tmp_path), file=str(copy)), None)
    copy.write_text(copy.read_text().replace("v: 30", "v: 31"))
    other = builder(str(tmp_path), file=str(copy), config_name="own")
    assert one.cache_dir == same.cache_dir != other.cache_dir
    with pytest.raises(InputError, match="is called 'own', not 'mine'"):
        builder(str(tmp_path), file=str(copy), config_name="mine")


def test_the_shipped_files_pass_the_checks_of_a_users_file(tmp_path):
    from arith_puzzle.dataset_builder.configs import CONFIGS
    from arith_puzzle.dataset_builder.configs.shipped import TEXTS

    for name, text in TEXTS.items():
        content = yaml.safe_load(text) | {"name": "own"}
        content.pop("family", None)
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        assert load(tmp_path / "own.yaml").splits == CONFIGS[name].splits


def test_a_build_that_would_lose_a_split_is_refused(built, tmp_path, capsys):
    out = tmp_path / "out"
    path = tmp_path / "own.yaml"
    content = yaml.safe_load((built / "own.yaml").read_text())
    path.write_text(yaml.safe_dump(content))
    assert main(["build", "--config", str(path), "--out", str(out)]) == 0
    assert (
        main(["build", "--config", str(path), "--splits", "{test: {rows: 30, labels: true}}", "--out", str(out)]) == 2
    )
    assert "has a config own with the split 'train', which this one lacks" in capsys.readouterr().err
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["configs"]["own"]["splits"]) == {"train", "test"}


def test_more_that_is_one_line(tmp_path, capsys):
    assert main(["build", "--name", "a", "--v", "9" * 5000, "--out", str(tmp_path / "out")]) == 2
    assert "--v is not YAML" in capsys.readouterr().err
    assert main(["build", "--config", "starter", "--out", ""]) == 2
    assert "--out is empty" in capsys.readouterr().err
    options = ["--name", "a", "--v", "9", "--sizes", "{3: 1}", "--splits", "{test: {rows: 5}}", "--division", "integer"]
    assert main(["build", *options, "--style", "countdown", "--out", str(tmp_path / "out")]) == 2
    assert "--style countdown has no rounded division" in capsys.readouterr().err
