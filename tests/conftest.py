"""What all tests share: no telemetry, caches of their own, and the fixtures of tests/fixtures."""

import os

import pytest

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # before any import of huggingface_hub
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

pytest_plugins = ["tests.fixtures.shared", "tests.fixtures.models", "tests.fixtures.hubs"]


def pytest_collection_modifyitems(items):
    """Each of the processes of ``make test`` takes whole folders: what its tests share is made once a process."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.relative_to(item.config.rootpath).parts[1]))


@pytest.fixture(scope="session", autouse=True)
def token_caches(tmp_path_factory):
    """Token caches of the tests' own, for the processes that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARITH_PUZZLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
