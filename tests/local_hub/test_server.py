"""The server of the local Hub: unknown addresses, restarts, kills, and the command `arith-puzzle hub`."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from arith_puzzle.local_hub import running
from arith_puzzle.local_hub.conformance.__main__ import README, readme_with_results
from tests.local_hub.hub_client import file_line, http, send_commit
from tests.paths import ROOT

pytestmark = pytest.mark.usefixtures("no_xet")


def test_unknown_addresses_are_404(hub):
    for path in ("/", "/datasets", "/a/b/resolve/main", "/a/b/blob/main/f"):
        answer = http.get(hub.endpoint + path)
        assert answer.status_code == 404 and answer.json()["error"], path
    for path in ("/api/nothing", "/api/models/a/b/nothing", "/api/jobs/me", "/api/settings/webhooks", "/api"):
        answer = http.get(hub.endpoint + path)
        assert answer.status_code == 501 and "does not serve" in answer.json()["error"], path
    assert http.put(f"{hub.endpoint}/api/repos/create").status_code == 405
    assert http.get(f"{hub.endpoint}/lfs-upload/models/a/b/c").status_code == 405
    assert http.get(f"{hub.endpoint}/lfs-download/models/a/b/c").status_code == 403
    answer = http.get(f"{hub.endpoint}/api/models", headers={"X-Request-Id": "mine"})
    assert answer.headers["x-request-id"] == "mine"


def test_only_this_machine_is_answered(hub, api):
    """Both ports listen on 127.0.0.1 alone. 127.0.0.2 is another address of this machine, and is refused."""
    repo = api.create_repo(f"loopback-{os.urandom(3).hex()}").repo_id
    api.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=b"large")
    location = http.head(f"{hub.endpoint}/{repo}/resolve/main/w.bin").headers["location"]
    for address in (hub.endpoint, location):
        assert urlsplit(address).hostname == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", urlsplit(address).port), timeout=5)


def test_survives_a_restart_and_a_kill(tmp_path):
    root = tmp_path / "hub"
    with running(root) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        api.create_repo("local/kept", private=True)
        api.upload_file(repo_id="local/kept", path_in_repo="w.bin", path_or_fileobj=b"large")
        slug = api.create_collection("kept").slug
        first = (hub.token, api.model_info("local/kept").sha)
        assert (root / "token").stat().st_mode & 0o777 == 0o600
        with pytest.raises(OSError, match="another local Hub"), running(root):
            pass
    # The leftovers of a kill: a ref's lock, a half-made repo, half an upload, a part of one, temporary files.
    git = root / "repos" / "models" / "local" / "kept.git"
    (git / "refs" / "heads" / "main.lock").touch()
    (root / ".in-progress" / "half").mkdir()
    (root / "mine.tmp").touch()  # not the server's
    (git / "lfs" / "tmp" / "half").write_bytes(b"half")
    (git / "lfs" / "tmp" / ("0" * 64)).mkdir()
    (git / "lfs" / "tmp" / ("0" * 64) / "1").write_bytes(b"part")
    (git / ".discussions.json.123.tmp").write_bytes(b"[")
    (root / ".renamed.json.123.tmp").write_bytes(b"{")
    with running(root) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        assert (hub.token, api.model_info("local/kept").sha) == first
        assert api.model_info("local/kept").private and api.get_collection(slug).title == "kept"
        down = api.hf_hub_download("local/kept", "w.bin", cache_dir=tmp_path / "cache")
        assert Path(down).read_bytes() == b"large"
        api.upload_file(repo_id="local/kept", path_in_repo="more", path_or_fileobj=b"more")
        assert (
            not list((root / ".in-progress").iterdir())
            and (root / "mine.tmp").exists()
            and not list(git.glob("lfs/tmp/*"))
            and not [*git.glob(".*.tmp"), *root.glob(".*.json.*.tmp")]
        )


def command(*options: str) -> subprocess.Popen:
    line = [sys.executable, "-m", "arith_puzzle.cli", "hub", *options]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def started(root: Path) -> tuple[subprocess.Popen, SimpleNamespace]:
    """Start the command in its own process and wait until it serves."""
    server = command("--root", str(root), "--port", "0")
    for line in server.stdout:
        if "HF_ENDPOINT" in line:
            token = (root / "token").read_text().strip()
            return server, SimpleNamespace(endpoint=line.split("=")[1].strip(), token=token)
    raise AssertionError("the server did not start")


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill_in_the_middle_of_writing(tmp_path):
    root = tmp_path / "hub"
    kept: list[str] = []

    def write(hub, worker: int) -> None:
        """Commit in a loop until the server is killed. This plain client does not retry."""
        with contextlib.suppress(httpx2.TransportError):
            while True:
                name = f"{worker}/{os.urandom(6).hex()}"
                done = send_commit(hub, "local/busy", file_line(name, name.encode()), summary=name)
                assert done.status_code == 200
                kept.append(name)

    for _ in range(2):
        server, hub = started(root)
        HfApi(endpoint=hub.endpoint, token=hub.token).create_repo("local/busy", exist_ok=True)
        wanted, deadline = len(kept) + 20, time.monotonic() + 600
        with ThreadPoolExecutor(4) as pool:
            writing = [pool.submit(write, hub, worker) for worker in range(4)]
            while len(kept) < wanted and time.monotonic() < deadline:
                time.sleep(0.01)
            server.kill()
        for one in writing:
            one.result()
        server.stdout.close()
        server.wait()
    assert len(kept) >= 40
    with running(root) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        down = Path(api.snapshot_download("local/busy", cache_dir=tmp_path / "cache"))
        assert all((down / name).read_text() == name for name in kept)
        assert len(api.list_repo_commits("local/busy")) >= len(kept) + 1
    folder = root / "repos" / "models" / "local" / "busy.git"
    checked = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=folder, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_readme_has_the_results_of_the_clients_own_tests():
    text = README.read_text()
    assert readme_with_results(text) == text and "| **all** |" in text


def test_command_serves_prints_and_stops(tmp_path):
    """The lines that it prints are pasted into a shell."""
    server = command("--root", str(tmp_path / "hub é's [x] $HOME"), "--port", "0")
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(server.stdout), daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + 600
        while not any("HF_TOKEN_PATH" in line for line in lines) and time.monotonic() < deadline:
            assert server.poll() is None, lines
            time.sleep(0.05)
        script = "".join(line for line in lines if "export " in line)
        names = re.findall(r"export (\w+)=", script)
        pasted = subprocess.run(["sh", "-c", script + "".join(f'; echo "${name}"' for name in names).lstrip(";")],
                                capture_output=True, text=True, check=True)  # fmt: skip
        exports = dict(zip(names, pasted.stdout.splitlines(), strict=True))
        token = Path(exports["HF_TOKEN_PATH"]).read_text().strip()
        api = HfApi(endpoint=exports["HF_ENDPOINT"], token=token)
        api.create_repo("local/m")
        api.upload_file(repo_id="local/m", path_in_repo="f", path_or_fileobj=b"content that must not be logged")
        with pytest.raises(RepositoryNotFoundError):
            api.model_info("local/missing")
        port = exports["HF_ENDPOINT"].rsplit(":", 1)[1]
        taken = command("--root", str(tmp_path / "other"), "--port", port)
        assert taken.communicate(timeout=600)[0].count("\n") == 1 and taken.returncode == 2
    finally:
        server.send_signal(2)  # Ctrl-C
        assert server.wait(600) == 0
    reader.join(600)
    printed = "".join(lines)
    assert exports["HF_HUB_DISABLE_XET"] == "1" and token.startswith("hf_")
    assert token not in printed and "log" not in printed and "Traceback" not in printed


def test_command_refuses_a_bad_root(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "tokens.json").write_text('{"hf_x": {"role": "king"}}')
    for root in (tmp_path / "file" / "hub", tmp_path):
        refused = command("--root", str(root), "--port", "0")
        printed = refused.communicate(timeout=600)[0]
        assert refused.returncode == 2 and printed.count("\n") == 1, printed
