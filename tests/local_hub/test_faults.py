"""Fault injection: the client sees the faults, and the Hub's data stays intact."""

from __future__ import annotations

import os
import time

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import DisabledRepoError, HfHubHTTPError

from arith_puzzle.local_hub import Fault, running
from tests.local_hub.hub_client import http


@pytest.fixture
def hub(tmp_path):
    with running(tmp_path / "hub") as served:
        HfApi(endpoint=served.endpoint, token=served.token).create_repo("local/m")
        yield served


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=hub.token)


def upload(api, path: str = "f", content: bytes = b"1"):
    return api.upload_file(repo_id="local/m", path_in_repo=path, path_or_fileobj=content)


def titles(api) -> list[str]:
    return [commit.title for commit in api.list_repo_commits("local/m")]


def test_a_status_strikes_the_requests_named_and_no_other(hub, api):
    hub.faults.clear()
    fault = hub.faults.add(Fault(status=503, method="POST", path="/commit/main", skip=1, times=2))
    upload(api, "first")
    for _ in range(2):
        with pytest.raises(HfHubHTTPError) as caught:
            upload(api, "second")
        assert caught.value.response.status_code == 503
    upload(api, "second")
    assert fault.fired == 2 and hub.faults.count("POST", "/commit/main") == 4 and hub.faults.count("PUT") == 0
    assert titles(api) == ["Upload second with huggingface_hub", "Upload first with huggingface_hub", "initial commit"]


def test_429_says_how_long_to_wait(hub, api):
    hub.faults.add(Fault(status=429, path="/resolve/", retry_after=7, times=None))
    for _ in range(2):
        answer = http.get(f"{hub.endpoint}/local/m/resolve/main/.gitattributes")
        assert answer.status_code == 429 and answer.headers["retry-after"] == "7"
    hub.faults.clear()
    assert http.get(f"{hub.endpoint}/local/m/resolve/main/.gitattributes").status_code == 200


def test_a_repo_that_was_disabled(hub, api):
    """The Hub's staff can disable a repo. The client recognizes this by the message alone."""
    headers = {"X-Error-Message": "Access to this resource is disabled."}
    hub.faults.add(Fault(status=403, path="/api/models/local/m", headers=headers))
    with pytest.raises(DisabledRepoError):
        api.model_info("local/m")


def test_a_request_cut_in_the_middle_changes_nothing(hub, api):
    before = titles(api)
    hub.faults.add(Fault(cut="request", method="POST", path="/commit/"))
    with pytest.raises(httpx2.TransportError):
        upload(api, content=b"x" * 500_000)
    assert titles(api) == before
    upload(api, content=b"x" * 500_000)
    assert len(titles(api)) == len(before) + 1


def test_an_answer_cut_in_the_middle_was_carried_out(hub, api):
    before = titles(api)
    hub.faults.add(Fault(cut="answer", method="POST", path="/commit/"))
    with pytest.raises(httpx2.TransportError):
        upload(api)
    assert len(titles(api)) == len(before) + 1
    upload(api)  # the same content again is no commit
    assert len(titles(api)) == len(before) + 1


@pytest.mark.slow
def test_a_large_file_whose_upload_is_cut_arrives_by_the_clients_own_retry(hub, api, tmp_path):
    content = os.urandom(300_000)
    cut = hub.faults.add(Fault(cut="request", method="PUT", path="/lfs-upload/"))
    busy = hub.faults.add(Fault(status=500, method="PUT", path="/lfs-upload/"))
    upload(api, "w.bin", content)
    assert cut.fired == busy.fired == 1
    download = hub.faults.add(Fault(cut="answer", method="GET", path="/lfs-download/"))
    down = api.hf_hub_download("local/m", "w.bin", cache_dir=tmp_path / "cache")
    assert download.fired == 1
    with open(down, "rb") as file:
        assert file.read() == content
    assert not list((tmp_path / "hub" / "repos").glob("*/*/*.git/lfs/tmp/*"))


def test_a_request_that_hangs_is_answered_late(hub):
    hub.faults.add(Fault(hang=0.6, path="/api/models/local/m"))
    with pytest.raises(httpx2.TimeoutException):
        http.get(f"{hub.endpoint}/api/models/local/m", timeout=0.2)
    hub.faults.add(Fault(hang=0.3, path="/api/models/local/m"))
    begun = time.monotonic()
    assert http.get(f"{hub.endpoint}/api/models/local/m").status_code == 200
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize("wrong", [{}, {"status": 503, "cut": "answer"}, {"cut": "middle"}], ids=str)
def test_a_fault_that_is_none_or_two_is_refused(wrong):
    with pytest.raises(ValueError, match="cut"):
        Fault(**wrong)
