"""A message names only options that the command has which prints it."""

import ast
import importlib
import re
from argparse import ArgumentParser
from pathlib import Path

from arith_puzzle.cli import COMMANDS, main
from arith_puzzle.cli.release import ELSEWHERE, own_words
from tests.house.test_layers import MODULES, _imports

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+\b")
OTHERS = {"--me", "--no-deps"}
"""Options of squeue and of pip."""
ANY = "|".join(COMMANDS)


def options(parser: ArgumentParser) -> set[str]:
    found = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action.choices, dict):  # subcommands
            found |= {
                name for each in action.choices.values() if isinstance(each, ArgumentParser) for name in options(each)
            }
    return found


def made(command: str) -> ArgumentParser:
    parser = ArgumentParser()
    importlib.import_module(f"arith_puzzle.cli.{command}").add_arguments(parser)
    return parser


KNOWN = {command: options(made(command)) for command in COMMANDS}


def named(path: Path) -> set[str]:
    """The options in the texts of every InputError(...) and print(...), except those after another command's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("InputError", "print"):
            texts = [each.value for each in ast.walk(node) if isinstance(getattr(each, "value", None), str)]
            found |= {option for text in texts for option in OPTION.findall(re.sub(rf"({ANY})`? .*", "", text))}
    return found - OTHERS


def test_options_in_messages_exist():
    """Those of the command that alone has the module; elsewhere those of any command."""
    users = {name: set() for name in MODULES}
    for name, path in MODULES.items():
        for there, item in _imports(path):
            for used in {there, f"{there}.{item}"} & MODULES.keys():
                users[used].add(name.removeprefix("cli."))
    for name, path in MODULES.items():
        command = name.removeprefix("cli.")
        owners = {command} if command in KNOWN else users[name] if len(users[name]) == 1 else set()
        known = KNOWN[owners.pop()] if owners and owners <= KNOWN.keys() else set.union(*KNOWN.values())
        assert named(path) <= known, name


def test_release_says_where_its_user_finds_what_a_step_asks_for(tmp_path, capsys):
    assert own_words("X is of another build; give another --out, or delete it") == (
        "X is of another build; give another --work, or delete it"
    )
    assert own_words("lower --max-new-tokens; run: arith-puzzle build --out x") == (
        "lower score.max_new_tokens; run: arith-puzzle build --out x"
    )
    assert {key for key in ELSEWHERE.values() if key.startswith("--")} <= KNOWN["release"]
    (tmp_path / "arith-puzzle").mkdir()
    (tmp_path / "arith-puzzle" / "README.md").write_text("mine")
    assert main(["release", "tiny_cpu", "--to", "local", "--work", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("so `build` did not write it; give another --work\n")
