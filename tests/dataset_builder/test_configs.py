"""The commands that errors advise build the config that was missing."""

import argparse
import shlex

import pytest

from arith_puzzle.cli import build as build_cli
from arith_puzzle.dataset_builder.configs import CONFIGS, build_command, how_to_get, with_solutions

VARIANTS = [(None, 1), ("canonical", 1), ("generated", 1), (None, 4), ("canonical", 4)]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("solutions", "paths"), VARIANTS)
def test_the_advised_command_builds_the_config_wherever_it_is_pasted(name, solutions, paths):
    if paths > 1 and "train" not in CONFIGS[name].splits:
        pytest.skip("evaluation splits have one path")
    wanted, out = name + with_solutions(CONFIGS[name], solutions, paths).suffix, "a föl'der"
    words = shlex.split(build_command(wanted, out, seed=3))
    parser = argparse.ArgumentParser()
    build_cli.add_arguments(parser)
    args = parser.parse_args(words[2:])
    content = with_solutions(CONFIGS[args.config], args.solutions, args.paths)
    assert words[:2] == ["arith-puzzle", "build"] and (args.out, args.seed) == (out, 3)
    assert args.config + content.suffix == wanted


@pytest.mark.parametrize("name", ["mine", "starter-", "starter-best", "1m-paths", "", None])
def test_a_config_that_cannot_be_built_has_no_command(name):
    assert build_command(str(name), "x") is None
    assert how_to_get(name, "x") == "check the name of the dataset, and of its config"
