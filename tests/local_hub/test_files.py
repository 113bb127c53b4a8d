"""The local Hub: contents of files, ranges, listings, and uploads of large files."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub.errors import EntryNotFoundError

from arith_puzzle.local_hub import Fault
from tests.local_hub.hub_client import add, auth, file_line, http, send_commit, start_upload

pytestmark = pytest.mark.usefixtures("no_xet")


def test_folder_with_text_and_large_file_comes_back_byte_for_byte(hub, api, repo, tmp_path):
    large = os.urandom(10 * 1024 * 1024 + 12_345)
    folder = tmp_path / "up"
    (folder / "sub").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [puzzle]\n---\n# Größe\n")
    (folder / "sub" / "weights.dat").write_bytes(large)  # no LFS pattern matches, but it is larger than 10 MiB
    (folder / "empty.bin").write_bytes(b"")
    first = api.upload_folder(repo_id=repo, folder_path=folder)

    down = Path(api.snapshot_download(repo, cache_dir=tmp_path / "cache"))
    assert down.name == first.oid == api.model_info(repo).sha
    for file in ("README.md", "sub/weights.dat", "empty.bin"):
        assert (down / file).read_bytes() == (folder / file).read_bytes()

    stored = {entry.path: entry for entry in api.list_repo_tree(repo, recursive=True, expand=True)}
    sha256 = hashlib.sha256(large).hexdigest()
    assert stored["sub/weights.dat"].lfs.sha256 == sha256 and stored["sub/weights.dat"].size == len(large)
    assert stored["README.md"].lfs is None and stored["README.md"].last_commit.oid == first.oid
    assert stored[".gitattributes"].last_commit.oid == first.oid  # the commit added weights.dat to it
    pointer = http.get(f"{hub.endpoint}/{repo}/raw/main/sub/weights.dat").text
    assert pointer == f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(large)}\n"
    assert "sub/weights.dat filter=lfs" in (down / ".gitattributes").read_text()

    assert api.upload_folder(repo_id=repo, folder_path=folder).oid == first.oid
    assert [commit.title for commit in api.list_repo_commits(repo)] == [
        "Upload folder using huggingface_hub",
        "initial commit",
    ]


def test_trees_and_paths_info(api, repo):
    first = api.create_commit(repo, [add("a/b/c.txt", b"1"), add("d.txt", b"2")], commit_message="first")
    second = api.create_commit(repo, [add("a/b/e.txt", b"3")], commit_message="second")
    assert [entry.path for entry in api.list_repo_tree(repo)] == [".gitattributes", "a", "d.txt"]
    below = {entry.path: entry for entry in api.list_repo_tree(repo, "a/b", expand=True)}
    assert {path: entry.last_commit.oid for path, entry in below.items()} == {
        "a/b/c.txt": first.oid,
        "a/b/e.txt": second.oid,
    }
    found = api.get_paths_info(repo, ["a", "d.txt", "missing", "../d.txt"], expand=True)
    assert [(entry.path, entry.last_commit.title) for entry in found] == [("a", "second"), ("d.txt", "first")]
    assert found[1].blob_id == hashlib.sha1(b"blob 1\x002").hexdigest()
    assert [entry.path for entry in api.list_repo_tree(repo, "a", revision=first.oid, recursive=True)] == [
        "a/b",
        "a/b/c.txt",
    ]
    for path in ("nowhere", "d.txt"):
        with pytest.raises(EntryNotFoundError):
            list(api.list_repo_tree(repo, path))


@pytest.mark.parametrize("name", ["file.txt", "file.bin"])
def test_ranges_and_headers(hub, api, repo, name):
    content = os.urandom(5000)
    commit = api.create_commit(repo, [add(name, content)], commit_message="add")
    url = f"{hub.endpoint}/{repo}/resolve/main/{name}"
    first = http.head(url)
    if name.endswith("bin"):
        etag = hashlib.sha256(content).hexdigest()
        assert first.status_code == 302 and first.headers["x-linked-size"] == "5000"
        assert first.headers["x-linked-etag"] == f'"{etag}"' and "etag" not in first.headers
        # Large files come from another address, without a token.
        url = first.headers["location"]
        assert urlsplit(url).port != urlsplit(hub.endpoint).port
        assert http.get(url, headers=auth(hub)).status_code == 400
        assert http.get(re.sub("signature=.", "signature=z", url)).status_code == 403
    else:
        etag = hashlib.sha1(b"blob 5000\0" + content).hexdigest()
        assert first.status_code == 200 and first.headers["etag"] == f'"{etag}"'
    assert first.headers["x-repo-commit"] == commit.oid and first.content == b""
    head = http.head(url)
    assert head.headers["content-length"] == "5000" and head.headers["etag"] == f'"{etag}"' and head.content == b""
    metadata = api.get_hf_file_metadata(url=f"{hub.endpoint}/{repo}/resolve/main/{name}")
    assert (metadata.etag, metadata.size, metadata.commit_hash) == (etag, 5000, commit.oid)
    for wanted, part in [
        ("0-9", content[:10]),
        ("4990-", content[4990:]),
        ("-7", content[-7:]),
        ("10-99999", content[10:]),
    ]:
        got = http.get(url, headers={"Range": f"bytes={wanted}"})
        assert got.status_code == 206 and got.content == part
        assert got.headers["content-range"].endswith("/5000") and got.headers["content-length"] == str(len(part))
    assert http.get(url, headers={"Range": "bytes=5000-"}).status_code == 416
    assert http.get(url, headers={"If-None-Match": f'"{etag}"'}).status_code == 304
    stale = http.get(url, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert stale.status_code == 200 and stale.content == content


def test_long_listings_come_in_pages(hub, api, repo):
    files = [add(f"many/{n:04d}.txt", b"%d" % n) for n in range(1040)]
    files += [add(f"few/{n}.txt", b"%d" % n) for n in range(55)]
    api.create_commit(repo, files, commit_message="many")
    hub.faults.clear()
    assert len(list(api.list_repo_tree(repo, "many"))) == 1040
    assert hub.faults.count("GET", "/tree/main") == 2
    expanded = list(api.list_repo_tree(repo, "few", expand=True))
    assert len(expanded) == 55 and {entry.last_commit.title for entry in expanded} == {"many"}
    assert hub.faults.count("GET", "/tree/main") == 4

    other = api.create_repo(f"{repo}-b").repo_id
    for n in range(55):
        assert send_commit(hub, other, file_line("f", b"%d" % n), summary=f"commit {n}").status_code == 200
    commits = [commit.title for commit in api.list_repo_commits(other)]
    assert commits == [f"commit {n}" for n in reversed(range(55))] + ["initial commit"]
    assert hub.faults.count("GET", "/commits/main") == 2

    # A commit between two pages does not change the second: all pages list the same commit.
    first = http.get(f"{hub.endpoint}/api/models/{repo}/tree/main/many?limit=1000")
    api.delete_folder("many", repo)
    second = http.get(first.links["next"]["url"])
    assert len(first.json() + second.json()) == 1040 and "next" not in second.links
    listed = http.get(f"{hub.endpoint}/api/models?limit=1")
    assert len(listed.json()) == 1 and "cursor=" in listed.links["next"]["url"]
    assert http.get(f"{hub.endpoint}/api/models?cursor=abc").status_code == 400
    assert len(http.get(f"{hub.endpoint}/api/models?limit=²").json()) > 1  # str.isdigit() accepts it, int() does not


def test_a_large_file_is_sent_in_parts(hub, api, repo, tmp_path):
    content = os.urandom(40_000_000)
    (tmp_path / "w.bin").write_bytes(content)
    hub.faults.clear()
    hub.faults.add(Fault(cut="request", method="PUT", path="part=2"))
    api.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=tmp_path / "w.bin")
    assert hub.faults.count("PUT", "part=") == 3 + 1 and hub.faults.count("POST", "/lfs-upload/") == 1
    down = api.hf_hub_download(repo, "w.bin", cache_dir=tmp_path / "cache")
    assert Path(down).read_bytes() == content

    other = os.urandom(40_000_000)
    oid = hashlib.sha256(other).hexdigest()
    payload = {
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": [{"oid": oid, "size": len(other)}],
    }
    answer = http.post(f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch", json=payload, headers=auth(hub)).json()
    upload = answer["objects"][0]["actions"]["upload"]
    chunk = int(upload["header"].pop("chunk_size"))
    etags = []
    for number, (_, href) in enumerate(sorted(upload["header"].items())):
        part = other[number * chunk : (number + 1) * chunk]
        assert http.put(href, content=part[:-1]).status_code == 400
        etags.append(http.put(href, content=part).headers["etag"])

    def complete(tags: list[str]) -> int:
        parts = [{"partNumber": number, "etag": tag} for number, tag in enumerate(tags, 1)]
        return http.post(upload["href"], json={"oid": oid, "parts": parts}).status_code

    assert complete(etags[:-1]) == complete([]) == complete([etags[0], etags[0], etags[2]]) == 400
    assert http.post(upload["href"], content=b"[").status_code == 400
    verify = {"oid": oid, "size": len(other)}
    verify_at = f"{hub.endpoint}/{repo}.git/info/lfs/objects/verify"
    assert http.post(verify_at, json=verify, headers=auth(hub)).status_code == 404
    assert complete(etags) == complete(etags) == 200  # a repeated request does no harm
    assert http.post(verify_at, json=verify, headers=auth(hub)).status_code == 200


def test_parts_that_do_not_make_the_file_store_nothing(hub, api, repo):
    announced, sent = hashlib.sha256(b"another").hexdigest(), bytes(33 * 1024 * 1024)
    payload = {"operation": "upload", "transfers": ["multipart", "basic"]}
    payload["objects"] = [{"oid": announced, "size": len(sent)}]
    answer = http.post(f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch", json=payload, headers=auth(hub)).json()
    upload = answer["objects"][0]["actions"]["upload"]
    chunk = int(upload["header"].pop("chunk_size"))
    parts = []
    for number, (_, href) in enumerate(sorted(upload["header"].items())):
        answer = http.put(href, content=sent[number * chunk : (number + 1) * chunk])
        parts.append({"partNumber": number + 1, "etag": answer.headers["etag"]})
    assert http.post(upload["href"], json={"oid": announced, "parts": parts}).status_code == 400
    line = {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": announced, "size": len(sent)}}
    assert send_commit(hub, repo, line).status_code == 400 and api.list_repo_files(repo) == [".gitattributes"]


def test_wrong_uploads_store_nothing(hub, repo):
    content = os.urandom(300_000)
    href, oid = start_upload(hub, repo, content)
    for wrong in (os.urandom(300_000), content[:-1], content + b"1"):
        refused = http.put(href, content=wrong)
        assert refused.status_code in (400, 413) and refused.json()["error"]
    for forged in (href.replace("size=300000", "size=299999"), re.sub("signature=.", "signature=z", href)):
        assert http.put(forged, content=content).status_code == 403
    other = href.replace(oid, hashlib.sha256(b"other").hexdigest())
    assert http.put(other, content=b"other").status_code == 403

    address = urlsplit(href)  # a client that dies in the middle
    with socket.create_connection((address.hostname, address.port)) as raw:
        request = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
        raw.sendall(request.encode() + content[:1000])

    announced_longer, _ = start_upload(hub, repo, content, size=300_001)
    assert http.put(announced_longer, content=content).status_code == 400

    line = {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": oid, "size": len(content)}}
    verify = {"oid": oid, "size": len(content)}
    verify_at = f"{hub.endpoint}/{repo}.git/info/lfs/objects/verify"
    assert http.post(verify_at, json=verify, headers=auth(hub)).status_code == 404
    refused = send_commit(hub, repo, line)
    assert refused.status_code == 400 and "has not been uploaded" in refused.json()["error"]

    assert http.put(href, content=content).status_code == 200
    assert http.post(verify_at, json=verify, headers=auth(hub)).status_code == 200
    assert http.post(verify_at, json=verify | {"size": 1}, headers=auth(hub)).status_code == 422
    line["value"]["size"] = 1
    assert send_commit(hub, repo, line).status_code == 400
    line["value"]["size"] = len(content)
    assert send_commit(hub, repo, line).status_code == 200
    assert http.get(f"{hub.endpoint}/{repo}/resolve/main/w.bin", follow_redirects=True).content == content
    too_large = {"operation": "upload", "objects": [{"oid": oid, "size": 50_000_000_001}]}
    batch_at = f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch"
    assert http.post(batch_at, json=too_large, headers=auth(hub)).status_code == 413


def test_a_text_like_a_pointer_stays_a_text(hub, api, repo):
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n".encode()
    assert send_commit(hub, repo, file_line("f", text)).status_code == 200
    assert http.get(f"{hub.endpoint}/{repo}/resolve/main/f").content == text
    assert api.get_paths_info(repo, "f")[0].lfs is None
