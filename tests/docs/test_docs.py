"""The README and the pages: what they run runs, what they name exists, and what they show is what the files say."""

import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt

from arith_puzzle.cli import COMMANDS
from arith_puzzle.dataset_builder.search_traces import searches
from arith_puzzle.model_cards import readme
from arith_puzzle.release.inputs import check_recipe
from arith_puzzle.training.recipe import load_recipe
from benchmarks import scale, speedrun
from docs import generate
from tests.paths import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
WORDS = 1200
MADE = {
    "arith-puzzle",
    "aug-gsm8k",
    "runs",
    "canonical",
    "report",
    "mine.yaml",
    "my_puzzles.yaml",
    "my-puzzles",
    "eval",
}
"""First parts of paths that commands of the pages create."""
NO_PATH = {"arith_puzzle/arith_puzzle"}
"""The name of a task of inspect-ai."""


def blocks(page: Path) -> list[tuple[int, list[str], str]]:
    """The fenced blocks of a page: (line, words of the info string, content)."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(token.map[0] + 1, token.info.split(), token.content) for token in tokens if token.type == "fence"]


RUN = [
    pytest.param(
        page, language, content, id=f"{page.relative_to(ROOT)}:{line}", marks=[pytest.mark.slow] * ("slow" in words)
    )
    for page in PAGES
    for line, (language, *words), content in [block for block in blocks(page) if block[1]]
    if "run" in words
]


@pytest.mark.parametrize(("page", "language", "content"), RUN)
def test_blocks_that_are_marked_run(page, language, content, tmp_path, starter):
    """In a folder that looks like a clone in which `arith-puzzle build --config starter` has run."""
    for name in ("metrics", "training", "results", "studies"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "arith-puzzle").symlink_to(starter[0])
    program = {"python": [sys.executable, "-c", content], "bash": ["bash", "-euo", "pipefail", "-c", content]}[language]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "PATH": path}
    environment["OMP_WAIT_POLICY"] = "PASSIVE"  # idle threads that spin take the cores of other processes
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in re.findall(r"# (\S+)$", content, re.MULTILINE) if language == "python" else ():
        assert line in done.stdout  # the comment behind a print says what it prints


def test_every_page_has_a_block_that_runs():
    ran = {param.values[0].name for param in RUN}
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"citing.md", "results.md"}
    assert pages | {"README.md"} <= ran


@cache
def parser(command: str) -> ArgumentParser:
    """The real parser of ``arith-puzzle COMMAND``."""
    made = ArgumentParser(prog=f"arith-puzzle {command}")
    importlib.import_module(f"arith_puzzle.cli.{command}").add_arguments(made)
    return made


def commands(text: str) -> list[list[str]]:
    """The arguments of every ``arith-puzzle ...`` command line in a shell text, without comments."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||;|\|", line):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue
            words = words[next((at for at, word in enumerate(words) if not re.match(r"\w+=", word)), 0) :]
            if words[:1] == ["arith-puzzle"]:
                found.append(words[1:])
    return found


SHOWN = [
    pytest.param(arguments, id=f"{page.relative_to(ROOT)}:{' '.join(arguments)[:70]}")
    for page in PAGES
    for _, info, content in blocks(page)
    if info[:1] == ["bash"]
    for arguments in commands(content)
]


@pytest.mark.parametrize("arguments", SHOWN)
def test_every_command_parses(arguments):
    command, *rest = arguments
    assert command in COMMANDS
    if "--help" in rest:
        return
    errors = io.StringIO()
    try:
        with redirect_stderr(errors):
            parser(command).parse_args(rest)
    except SystemExit:
        pytest.fail(errors.getvalue())


def test_commands_in_running_text_exist():
    for page in PAGES:
        if page.name == "CHANGELOG.md":  # it names commands that are gone
            continue
        for line in re.findall(r"`arith-puzzle ([^`]*)`", page.read_text()):
            command, *rest = line.split()
            assert command in COMMANDS, f"{page.name}: arith-puzzle {line}"
            known = {option for action in parser(command)._actions for option in action.option_strings}
            assert {word for word in rest if word.startswith("--")} <= known, f"{page.name}: arith-puzzle {line}"


def test_every_command_is_explained():
    """On the README or a page of docs/, with a command line."""
    text = "".join(page.read_text() for page in PAGES if page.name not in ("CHANGELOG.md", "CONTRIBUTING.md"))
    assert [name for name in COMMANDS if f"arith-puzzle {name}" not in text] == []


def paths(page: Path) -> set[str]:
    """The paths of the repository that a page names: links, code in running text, and arguments of commands."""
    text = page.read_text(encoding="utf-8")
    found = {target for target in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in target}
    linked = {os.path.relpath((page.parent / target).resolve(), ROOT) for target in found}
    quoted = set(re.findall(r"`([\w./*-]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    shell = "".join(content for _, info, content in blocks(page) if info[:1] == ["bash"])
    words = {word for word in re.split(r"[\s='\"]+", shell)}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    below = {word for word in quoted | words if word.split("/")[0] in folders - MADE and "/" in word}
    return linked | {word for word in below - NO_PATH if "NAME" not in word}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_exists(page):
    missing = [name for name in paths(page) if not list(ROOT.glob(name.rstrip("/")))]
    assert not missing


def test_the_tree_names_every_folder():
    text = (ROOT / "README.md").read_text()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    folders = {name.split("/")[0] for name in tracked if "/" in name and not name.startswith(".")}
    tree = text[text.index("## What is where") :]
    assert folders and [folder for folder in sorted(folders) if f"{folder}/" not in tree] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= WORDS


def test_generated_blocks_are_not_stale(monkeypatch, capsys):
    """After new results: make readme."""
    monkeypatch.setattr(sys, "argv", ["readme", "--check"])
    assert readme.main() == 0, capsys.readouterr().err
    page = scale.PAGE.read_text()
    assert scale.filled(page, json.loads(scale.MEASURED.read_text())) == page


def test_the_runs_of_the_speedrun_are_those_of_results_and_pass_the_mark():
    page = speedrun.PAGE.read_text()
    assert speedrun.filled(page) == page
    runs = [json.loads(path.read_text()) for path in speedrun.RUNS.glob("*.json")]
    assert runs and all(run["pass@1"] > speedrun.GOAL == 0.44 and run["n"] == 2000 for run in runs)
    assert page.count("\n| 20") == len(runs)


def test_the_headline_is_what_the_results_say():
    """The README's claim, from results.json without the code that writes it."""
    splits = json.loads((ROOT / "results/paper_search_cpu/results.json").read_text())["adapter"]["splits"]
    run = json.loads((ROOT / "results/paper_search_cpu/run.json").read_text())
    solved = {name: round(item["pass@1"] * item["n"]) for name, item in splits.items()}
    larger = ("ood_numeric_100", "ood_numeric_1000")
    ours = (
        solved["test"] / splits["test"]["n"],
        sum(solved[name] for name in larger) / sum(splits[name]["n"] for name in larger),
        solved["ood_form"] / splits["ood_form"]["n"],
    )
    text = (ROOT / "README.md").read_text()
    assert f"**{' / '.join(f'{share:.3f}' for share in ours)}**" in text
    assert f"{run['parameters'] / 1e6:.1f} M parameters" in text and "0.44 / 0.33 / 0.35" in text
    page = (ROOT / "docs" / "results.md").read_text()  # written by other code, from the same files
    assert all(f"**{share:.3f}**" in page for share in ours)


def test_the_picture_is_drawn_from_the_results(tmp_path):
    generate.draw(tmp_path / "result.png")
    drawn = (tmp_path / "result.png").read_bytes()
    generate.draw(tmp_path / "again.png")
    assert drawn == (tmp_path / "again.png").read_bytes() and drawn[:4] == b"\x89PNG"
    assert (ROOT / "docs" / "result.png").read_bytes()[:4] == b"\x89PNG"


def test_the_search_page_shows_a_real_trace():
    shown = next(content for _, info, content in blocks(ROOT / "docs" / "search.md") if info == ["text"])
    prompts, traces, _ = searches(np.array([[24, 27, 32, 41]]), np.array([22]))
    lines = [line.split("  ")[0].rstrip() for line in shown.splitlines()]
    assert "\n".join(lines) == f"{prompts[0]}{traces[0]}"


def test_the_recipe_table_has_every_recipe():
    text = (ROOT / "docs" / "training.md").read_text()
    names = {path.stem for path in (ROOT / "training" / "recipes").glob("*.yaml")}
    assert {name for name in names if f"`{name}`" not in text and not name.startswith("lever_")} == set()


def test_the_recipe_for_a_model_of_ones_own_is_one(tmp_path):
    shown = next(content for _, info, content in blocks(ROOT / "docs" / "own_model.md") if info == ["yaml"])
    (tmp_path / "recipe.yaml").write_text(shown)
    recipe = load_recipe(tmp_path / "recipe.yaml")
    check_recipe(recipe)
    assert recipe.chat and recipe.lora.use_dora and recipe.model.eos_token == "<|eot_id|>"


def test_the_citation_file():
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{content["version"]}"' in project and f'license = "{content["license"]}"' in project
    assert {"cff-version", "title", "message", "type", "authors", "references"} <= content.keys()
    papers = {item["identifiers"][0]["value"] for item in content["references"]}
    assert papers == {"arXiv:2406.02100", "arXiv:2310.05506"}
    citing = (ROOT / "docs" / "citing.md").read_text()
    assert all(paper.removeprefix("arXiv:") in citing for paper in papers) and citing.count("```bibtex") == 3
