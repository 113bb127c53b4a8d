"""``python -m arith_puzzle.cli`` is the console command ``arith-puzzle``."""

import sys

from arith_puzzle.cli import main

sys.exit(main())
