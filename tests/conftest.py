"""What all tests share: no telemetry, caches of their own, and the fixtures of tests/fixtures."""

import gc
import importlib.util
import os

import pytest

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # before any import of huggingface_hub
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Two workers share two cores. A second thread for models this small only waits, for seconds where the cores are busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["tests.fixtures.shared", "tests.fixtures.models", "tests.fixtures.real_tokenizers"]
if importlib.util.find_spec("pygit2"):  # the core's tests run where only the core is installed
    pytest_plugins.append("tests.fixtures.hubs")


LONG = (
    "test_release.py", "test_install.py", "test_sft.py", "test_page.py", "test_app.py", "test_docs.py", "test_check.py",
)  # fmt: skip
"""Files that take longest. They begin first, so that no process of ``make test`` waits for the other at the end."""
DEMOS = ("tests/spaces/test_page.py", "tests/spaces/test_app.py")
"""Files that start the same demos. One process runs them, so that each demo starts once."""


gc.disable()  # until all is imported: otherwise the collector looks at the same million objects again and again


def pytest_collection_finish():
    """Leave what was imported out of all later collections."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Put the tests of LONG first. The sort keeps the order of all others."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give whole files to the processes, and DEMOS to one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return DEMOS[0] if file in DEMOS else file

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def token_caches(tmp_path_factory):
    """Token caches of the tests' own, for the processes that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARITH_PUZZLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
