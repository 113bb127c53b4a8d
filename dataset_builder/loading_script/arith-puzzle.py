"""The loading script for ``datasets`` 3, on the dataset repo's revision ``script``: rows from source.

``datasets`` copies this file and the siblings that it names, reading it line by line. So each sibling is named here,
whoever imports it, and so is each library, for which ``datasets`` then asks by name. No import may carry a comment
behind it: ``datasets`` would take that for the address of a file to fetch.
"""
# ruff: noqa: F401

import datasets
import numba
import numpy
import pyarrow

from .builder import ArithPuzzle
from .candidates import play
from .canonical import MAX_NUMBERS
from .configs import CONFIGS
from .errors import InputError
from .generate import generate_shard
from .label_cache import label_rows
from .labels import count_solutions
from .puzzle import SPEC_VERSION
from .solve import BOUND_FACTOR
from .text import prompts
from .verify import verify
