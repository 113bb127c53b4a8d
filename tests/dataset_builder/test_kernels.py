"""Compiled kernels have a place everywhere, also where neither the package nor the home is writable."""

import os
import stat
import subprocess
import sys

CODE = """
import os
allowed = os.access
os.access = lambda path, mode, **options: mode != os.W_OK and allowed(path, mode, **options)
import arith_puzzle.dataset_builder
from numba import config
assert config.CACHE_DIR == os.environ["NUMBA_CACHE_DIR"]
print(oct(os.stat(config.CACHE_DIR).st_mode & 0o777), config.CACHE_DIR)
"""


def test_numba_gets_a_private_folder_that_is_removed():
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    said = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    mode, folder = said.stdout.split()
    assert int(mode, 8) == stat.S_IRWXU and not os.path.exists(folder)
