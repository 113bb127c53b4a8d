"""The `conftest.py` for huggingface_hub's own tests; `__main__.py` copies it beside them.

It serves the local Hub in the tests' process, with the users and tokens that the tests expect. For each test it records
the outcome and the number of requests that reached the Hub.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import HfApi, RepoUrl
from tests.testing_utils import repo_name

from arith_puzzle.local_hub import Running, running
from tests import testing_constants as known

RepoFactory = Callable[..., RepoUrl]
TOKENS = {
    known.TOKEN: {
        "name": known.USER,
        "fullname": known.FULL_NAME,
        "role": "write",
        "orgs": [{"name": "valid_org_hub", "fullname": "Dummy Hub Org"}],
    },
    known.OTHER_TOKEN: {"name": known.OTHER_USER, "role": "write"},
    known.ENTERPRISE_TOKEN: {
        "name": known.ENTERPRISE_USER,
        "role": "write",
        "orgs": [{"name": known.ENTERPRISE_ORG, "private_by_default": True}],
    },
}
_tried: dict[str, dict] = {}
_hub: Running
_cleanup = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Serve at the address in HF_ENDPOINT: huggingface_hub has read it when it was imported above."""
    global _hub
    root = Path(_cleanup.enter_context(tempfile.TemporaryDirectory(prefix="conformance-hub-")))
    (root / "tokens.json").write_text(json.dumps(TOKENS))
    _hub = _cleanup.enter_context(running(root, port=urlsplit(os.environ["HF_ENDPOINT"]).port))


def pytest_unconfigure(config: pytest.Config) -> None:
    counted = {name: test for name, test in _tried.items() if test.pop("requests")}
    Path(os.environ["CONFORMANCE_OUT"]).write_text(json.dumps(counted))
    _cleanup.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = _hub.faults.count()
    _tried[item.nodeid] = {"outcome": "passed", "requests": 0}
    done = yield
    _tried[item.nodeid]["requests"] = _hub.faults.count() - before
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    if report.outcome == "passed" or call.when == "teardown":
        return report
    text = str(call.excinfo.value).strip()
    served = "local Hub does not serve" not in text
    _tried[item.nodeid] |= {
        "outcome": ("failed" if served else "not served") if report.outcome == "failed" else report.outcome,
        "why": f"{call.excinfo.typename}: {text.splitlines()[-1] if text else ''}"[:200],
    }
    return report


@pytest.fixture(scope="session")
def api() -> HfApi:
    return HfApi(endpoint=known.ENDPOINT_STAGING, token=known.TOKEN)


@pytest.fixture
def repo_factory(api: HfApi) -> Iterator[RepoFactory]:
    """A function that creates repos, with random names by default. The repos are deleted after the test."""
    made: list[tuple[RepoUrl, str | None]] = []

    def make(repo_type: str = "model", *, repo_id: str | None = None, token: str | None = None, **options) -> RepoUrl:
        url = api.create_repo(repo_id or repo_name(), repo_type=repo_type, token=token, **options)
        made.append((url, token))
        return url

    yield make
    for url, token in made:
        api.delete_repo(url.repo_id, repo_type=url.repo_type, token=token, missing_ok=True)
