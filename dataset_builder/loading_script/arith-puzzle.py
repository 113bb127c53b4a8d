"""The loading script for ``datasets`` 3, on the revision ``script`` of the dataset repo: it generates the rows.

``datasets`` reads the import lines of this file. It downloads the modules that they name, and asks the user to install
the libraries. So this file imports every module and library, including those that only another module needs. An import
line must not end with a comment, because ``datasets`` would read it as the address of a file to download.
"""
# ruff: noqa: F401 -- in the flat folder, relative imports are right

import datasets
import numba
import numpy
import pyarrow
import pydantic
import yaml

from .analysis import labels
from .builder import ArithPuzzle
from .by_rules import play_by_rules
from .candidates import play
from .canonical import MAX_NUMBERS
from .configs import CONFIGS
from .cost_tables import fill_tables
from .errors import InputError
from .file import load
from .generate import generate_shard
from .label_cache import label_rows
from .labels import count_solutions
from .normal_form import to_normal_form
from .puzzle import SPEC_VERSION
from .search import Search
from .shipped import TEXTS
from .solve import BOUND_FACTOR
from .spec import SplitSpec
from .strict_yaml import StrictLoader
from .text import prompts
from .verify import verify
