"""Every judge gives the same verdicts, strict and lenient, row by row; and every harness runs as its users run it.

A judge takes rows (``tests.evaluation.answers``) and a folder, and returns {"strict", "lenient"} for each row. A runner
does the same in a throw-away environment, by a script of ``harness_runners``. A judge or a runner that is added to
JUDGES or RUNNERS is compared with all others.
"""

import importlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import natural_prompt
from arith_puzzle.environments.game import Game, Puzzle
from arith_puzzle.evaluation.harnesses.lm_eval import utils
from arith_puzzle.evaluation.harnesses.places import HARNESSES
from arith_puzzle.evaluation.harnesses.scoring import question, scores
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS, rules_of, verify
from arith_puzzle.metrics.rewards import reward, reward_for
from tests.evaluation.answers import answers, by_rules, write
from tests.packaging import test_install
from tests.paths import ROOT

wheel = test_install.wheel
SCRIPTS = Path(__file__).with_name("harness_runners")
TORCH = "torch==2.13.0"
VIEWS = ("strict", "lenient")


def expected(rows: list[dict]) -> list[dict[str, float]]:
    """The verdicts of ``verify`` and ``verify_lenient``."""
    return [
        {
            view: float(judge(row["numbers"], row["target"], row["response"], **rules_of(row)).correct)
            for view, judge in (("strict", verify), ("lenient", verify_lenient))
        }
        for row in rows
    ]


def by_group(judge):
    """A judge of rows with any rules, from one of rows with the same rules."""

    def judged(rows, folder):
        found = [{}] * len(rows)
        for group, places in enumerate(by_rules(rows).values()):
            verdicts = judge([rows[at] for at in places], folder / f"{group}.jsonl")
            for at, verdict in zip(places, verdicts, strict=True):
                found[at] = verdict
        return found

    return judged


def file_of_answers(rows, path):
    """`arith-puzzle verify FILE`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert main(["verify", str(path)]) == 0
    records = list(map(json.loads, Path(f"{path}.verdicts.jsonl").read_text().splitlines()))
    return [
        {"strict": float(record["correct"]), "lenient": float(record.get("lenient", record)["correct"])}
        for record in records
    ]


def rewards(rows, _):
    """The rewards, with the dataset's columns as TRL gives them."""
    columns = {name: [row[name] for row in rows] for name in ("numbers", "target", *RULE_COLUMNS) if name in rows[0]}
    responses = [row["response"] for row in rows]
    views = zip(reward(responses, **columns), reward_for(lenient=True)(responses, **columns), strict=True)
    return [dict(zip(VIEWS, values, strict=True)) for values in views]


def metric(compute):
    """The metric, row by row, by a function with the arguments of ``aggregate``."""

    def judged(rows, _):
        measured = [compute(predictions=[row["response"]], references=[row]) for row in rows]
        return [{"strict": each["pass@1"], "lenient": each["pass@1_lenient"]} for each in measured]

    return judged


def episodes(rows, _):
    """The environment's game: an episode of each row's puzzle, which the response answers."""

    def play(row, response):
        game = Game(Puzzle(tuple(row["numbers"]), row["target"], rules_of(row)))
        game.answer(response)
        return game.reward

    extracted = [verify_lenient(r["numbers"], r["target"], r["response"], **rules_of(r)).extracted for r in rows]
    texts = [row["response"] if text is None else text for row, text in zip(rows, extracted, strict=True)]
    return [{"strict": play(r, r["response"]), "lenient": play(r, text)} for r, text in zip(rows, texts, strict=True)]


JUDGES = {
    "the environment's game": episodes,
    "arith-puzzle verify": by_group(file_of_answers),
    "reward": by_group(rewards),
    "aggregate": metric(aggregate),
    "lm_eval's process_results": lambda rows, _: [
        utils.process_results(utils.document(row), [row["response"]]) for row in rows
    ],
    "scoring": lambda rows, _: [scores(row, row["response"]) for row in rows],
}


@pytest.fixture(scope="module")
def all_answers():
    rows = answers()
    assert len(rows) >= 600
    verdicts = expected(rows)
    for view in VIEWS:
        assert 0.1 < sum(verdict[view] for verdict in verdicts) / len(rows) < 0.5
    reasons = {verify(row["numbers"], row["target"], row["response"], **rules_of(row)).reason for row in rows}
    assert len(reasons) == 13, "every reason occurs"
    return rows


@pytest.mark.parametrize("name", JUDGES)
def test_every_judge_gives_the_same_verdicts(name, tmp_path, all_answers):
    """The small form: every 15th answer, and those that only this process can hold."""
    rows = all_answers[::15] + [row for row in answers(surrogates=True) if row not in all_answers]
    assert len(rows) > 60
    assert JUDGES[name](rows, tmp_path) == expected(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*JUDGES, "the metric of evaluate"])
def test_every_judge_gives_the_same_verdicts_on_all_answers(name, tmp_path, all_answers):
    import arith_puzzle

    judge = JUDGES.get(name) or metric(arith_puzzle.load_metric().compute)
    assert judge(all_answers, tmp_path) == expected(all_answers)


def test_a_missing_response_is_wrong_and_a_row_is_asked_by_its_own_rules():
    assert scores({"numbers": [2, 3], "target": 5}, None) == {"strict": 0.0, "lenient": 0.0}
    row = {"numbers": [8, 3], "target": 24, "rule": "subset", "division": "rational", "form": "expression"}
    rules = {name: row[name] for name in RULE_COLUMNS}
    assert utils.document(row)["question"] == question(row) == natural_prompt([8, 3], 24, **rules)
    assert question(row | {"rule": None, "division": None, "form": None}) == natural_prompt([3, 8], 24)
    assert utils.document(row, "symbolic")["question"] == "3,8:24\n"
    assert utils.process_results(utils.document(row), ["3*8"]) == {"strict": 1.0, "lenient": 1.0}
    assert utils.process_results(utils.document(row), ["3 * 8 = 24"]) == {"strict": 0.0, "lenient": 1.0}
    with pytest.raises(ValueError, match="format must be one of natural, symbolic, not 'latin'"):
        question(row, "latin")
    with pytest.raises(ValueError, match="'target' is missing"):
        utils.document({"numbers": [1, 2]})
    with pytest.raises(InputError, match="the metadata have the key 'splits'; write 'split'"):
        utils.load(pretrained="a model", splits="test")


def test_the_tasks_of_lm_eval_name_functions_and_columns_that_exist():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    folder = HARNESSES["lm_eval"].path
    task = yaml.load((folder / "arith_puzzle.yaml").read_text(), Loader)
    symbolic = yaml.load((folder / "arith_puzzle_symbolic.yaml").read_text(), Loader)
    for name in (task["custom_dataset"], task["process_results"]):
        assert callable(getattr(utils, name.removeprefix("utils.")))
    assert {task["doc_to_text"], task["doc_to_target"]} <= set(utils.COLUMNS)
    assert [item["metric"] for item in task["metric_list"]] == list(VIEWS)
    assert symbolic["include"] == "arith_puzzle.yaml" and symbolic["metadata"]["format"] == "symbolic"


def test_the_command_prints_where_the_files_are(capsys):
    for name, harness in HARNESSES.items():
        assert main(["harness", name]) == 0
        printed = capsys.readouterr().out
        assert printed == f"{harness.path}\n" and harness.path.exists()
    assert main(["harness"]) == 0
    table = capsys.readouterr().out
    assert all(name in table and str(harness.path) in table for name, harness in HARNESSES.items())
    assert main(["harness", "helm"]) == 2
    assert capsys.readouterr().err == (
        "arith-puzzle harness: unknown harness 'helm'; known: lm_eval, lighteval, inspect, reasoning_gym\n"
    )


@pytest.mark.parametrize(
    ("name", "module"), [("lighteval", "lighteval_tasks"), ("reasoning_gym", "reasoning_gym_dataset")]
)
def test_a_missing_harness_is_one_line(name, module):
    if HARNESSES[name].installed:
        pytest.skip(f"{name} is installed here")
    with pytest.raises(InputError) as error:
        importlib.import_module(f"arith_puzzle.evaluation.harnesses.{module}")
    assert str(error.value) == f"{name} is not installed; run: pip install {HARNESSES[name].install}"


RUNNERS = {
    "lm_eval": "run_lm_eval.py",
    "lighteval": "run_lighteval.py",
    "inspect": "run_inspect.py",
    "reasoning_gym": "run_reasoning_gym.py",
}
"""Harness -> the file of ``harness_runners`` that is called in its environment with the dataset's folder, the file of
answers, and the file to write: {"rows": a verdict for each row, "means": the harness's own score of each view}."""
PAGES = sorted((ROOT / "docs").glob("*.md"))
"""One of them has a block ``bash install NAME`` for each runner, and blocks ``in NAME`` before what they print."""
WITHOUT_TORCH = ("reasoning_gym",)


def blocks() -> list[tuple[list[str], str]]:
    """The fenced blocks of the pages: (words of the info string, content)."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    found = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    return [(info.split(), content) for info, content in found]


def requirements(name: str) -> list[str]:
    """What a page's `pip install . ...` installs beside this package."""
    (command,) = [content for words, content in blocks() if words == ["bash", "install", name]]
    pip, install, here, *packages = shlex.split(command)
    assert (pip, install, here) == ("pip", "install", ".") and packages
    return packages if name in WITHOUT_TORCH else [TORCH, *packages]


def test_the_pages_have_every_harness():
    for name in RUNNERS:
        assert requirements(name)
        if name in HARNESSES:
            library = shlex.split(HARNESSES[name].install)[0]
            assert any(package.startswith(library) for package in requirements(name))
        assert [words for words, _ in blocks() if words[1:] == ["in", name]]


@pytest.fixture(scope="module")
def files(tmp_path_factory, all_answers):
    """(the dataset's folder, the file of answers)."""
    return write(all_answers, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module", params=RUNNERS)
def environment(request, wheel, tmp_path_factory):
    """(the runner's name, a function that runs a command in its environment), one environment at a time."""
    home = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    binaries = home / "venv" / "bin"
    install = [binaries / "python", "-m", "pip", "install", "--quiet", *requirements(request.param), wheel]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for tasks in (home / "venv").glob("lib/*/site-packages/lighteval/tasks/tasks"):
        (tasks / "tinyBenchmarks.pkl").touch()  # lighteval downloads this file of another task if it is not there
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHON"))}
    variables = kept | {"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(home), "HF_HOME": str(home / "hf"),
                        "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(home / "cache"),
                        "XDG_DATA_HOME": str(home / "data"), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}  # fmt: skip

    def run(command: list, cwd: Path, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            list(map(str, command)), cwd=cwd, env=variables | more, capture_output=True, text=True, timeout=900
        )

    yield request.param, run
    shutil.rmtree(home)  # some hold gigabytes


@pytest.mark.slow
def test_a_harness_gives_the_same_verdicts_on_all_answers(environment, files, tmp_path, all_answers):
    name, run = environment
    out = tmp_path / "out.json"
    done = run(["python", SCRIPTS / RUNNERS[name], *files, out], tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    found, verdicts = json.loads(out.read_text()), expected(all_answers)
    assert found["rows"] == verdicts
    for view in VIEWS:
        assert found["means"][view] == pytest.approx(sum(verdict[view] for verdict in verdicts) / len(verdicts))


@pytest.mark.slow
def test_the_pages_show_what_a_user_types_and_sees(environment, starter, tmp_path):
    """Each block in a folder like a clone beside the built dataset; every line that they show is printed."""
    name, run = environment
    (tmp_path / "training").symlink_to(ROOT / "training")
    (tmp_path / "arith-puzzle").symlink_to(starter[0])
    shown = blocks()
    for at, (words, content) in enumerate(shown):
        if words[1:] != ["in", name]:
            continue
        program = {"python": ["python", "-c"], "bash": ["bash", "-euo", "pipefail", "-c"]}[words[0]]
        done = run([*program, content], tmp_path)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        printed = {" ".join(line.split()) for line in done.stdout.splitlines()}
        assert shown[at + 1][0] == ["text"]
        missing = [line for line in shown[at + 1][1].splitlines() if " ".join(line.split()) not in printed]
        assert not missing, done.stdout[-3000:]


@pytest.mark.slow
def test_a_dataset_that_is_not_there_is_named(environment, tmp_path):
    name, run = environment
    if name == "reasoning_gym":
        return
    tasks = f"$(arith-puzzle harness {name})"
    command = {
        "lm_eval": f'lm_eval run --model dummy --tasks arith_puzzle --include_path "{tasks}"',
        "lighteval": f'lighteval tasks list --custom-tasks "{tasks}"',
        "inspect": "inspect eval arith_puzzle/arith_puzzle --model mockllm/model --display plain",
    }[name]
    done = run(["bash", "-c", command], tmp_path)
    assert done.returncode != 0
    printed = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.stdout + done.stderr).split())
    assert "there is no folder 'arith-puzzle', and the Hub says: " in printed
    if name != "inspect":  # its task is also in the metric's Space, where the command that builds the folder is not
        assert "build it with: arith-puzzle build --config starter --out arith-puzzle" in printed


@pytest.mark.slow
def test_what_the_dataset_of_reasoning_gym_promises(environment, tmp_path):
    name, run = environment
    if name == "reasoning_gym":
        done = run(["python", SCRIPTS / "check_reasoning_gym.py"], tmp_path)
        assert done.stdout == "done\n", done.stderr[-3000:]
