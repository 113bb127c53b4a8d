"""Reading: the content of files (resolve, raw) and listings of files (tree, paths-info)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote

import pygit2
from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.endpoints.transfer import download_address
from arith_puzzle.local_hub.errors import HubError, bad_request, entry_not_found
from arith_puzzle.local_hub.names import check_path
from arith_puzzle.local_hub.store.repo import Repo, iso

TREE_PAGE, EXPANDED_PAGE = 1000, 50  # as on the Hub
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def resolve(call: Call) -> Response:
    """A file, with the headers that `huggingface_hub.file_download` reads.

    Sends the bytes, whole or one range. For a large file, sends a redirect (302) to its signed address.
    """
    repo = call.repo_to_download()
    commit, blob = _blob(repo, call.args)
    large = repo.large_file(blob)
    etag, size = large if large else (str(blob.id), blob.size)
    name = call.args[-1].rsplit("/", 1)[-1]
    headers = {
        "X-Repo-Commit": str(commit.id),
        "Accept-Ranges": "bytes",
        # After a commit, a branch's address gives another answer.
        "Cache-Control": "no-cache",
    }
    if large:
        address = download_address(call, repo, etag, name)
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(size), "Location": address}
        return Response(f"Found. Redirecting to {address}", 302, headers, "text/plain")
    headers |= {"ETag": f'"{etag}"', "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}"}
    if call.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    start, end, status = 0, size, 200
    wanted = call.headers.get("range", "").strip()
    # For several ranges, or any other unsupported header, HTTP allows to send the whole file.
    if (
        _RANGE.fullmatch(wanted)
        and wanted != "bytes=-"
        and call.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    ):
        start, end = _range(wanted, size)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        status = 206
    headers["Content-Length"] = str(end - start)
    content = None if call.head else memoryview(blob)[start:end].tobytes()
    media_type = "application/json" if name.endswith(".json") else "text/plain; charset=utf-8"
    return Response(content, status, headers, media_type)


def raw(call: Call) -> Response:
    """The blob of a file as git stores it: for a large file, its pointer."""
    commit, blob = _blob(call.repo_to_download(), call.args)
    return Response(
        blob.data, headers={"X-Repo-Commit": str(commit.id), "ETag": f'"{blob.id}"'}, media_type="text/plain"
    )


def _blob(repo: Repo, args: list[str]) -> tuple[pygit2.Commit, pygit2.Blob]:
    commit = repo.commit(args[0])
    path = "/".join(args[1:])
    try:
        found = commit.tree[check_path(path)]
    except (KeyError, HubError):
        found = None
    if not isinstance(found, pygit2.Blob):
        error = entry_not_found()
        error.headers = {"X-Repo-Commit": str(commit.id)}  # the client caches that the file is missing
        raise error
    return commit, found


def _range(header: str, size: int) -> tuple[int, int]:
    """[start, end) of a header with one range. Raises `HubError` 416 outside the file (RFC 9110, section 14.2)."""
    first, last = _RANGE.fullmatch(header).groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    if start >= end:
        error = HubError(416, "The range lies outside the file.")
        error.headers = {"Content-Range": f"bytes */{size}"}
        raise error
    return start, end


def tree(call: Call) -> Response:
    """The entries of a folder, in pages.

    `recursive` includes subfolders; `expand` adds last commits. All pages list the commit that the first page listed.
    """
    repo = call.repo_to_read()
    commit = repo.commit(call.cursor()[1] or call.args[0])
    folder, prefix = commit.tree, "/".join(call.args[1:]).strip("/")
    if prefix:
        try:
            folder = commit.tree[check_path(prefix)]
        except (KeyError, HubError):
            folder = None
        if not isinstance(folder, pygit2.Tree):
            raise entry_not_found(f'{prefix} does not exist on "{call.args[0]}"')
    entries = list(_walk(folder, prefix, call.flag("recursive")))
    expand = call.flag("expand")

    def finish(part: list[tuple[str, pygit2.Object]]) -> list[dict]:
        described = [_entry(repo, path, item) for path, item in part]
        return _with_last_commits(repo, commit, described) if expand else described

    return call.page(entries, EXPANDED_PAGE if expand else TREE_PAGE, str(commit.id), finish)


def paths_info(call: Call) -> list[dict]:
    """The entries at the given paths, without the paths that do not exist."""
    repo = call.repo_to_read()
    commit = repo.commit(call.args[0])
    if call.headers.get("content-type", "").startswith("application/json"):
        payload = call.json()
        paths, expand = payload.get("paths", []), bool(payload.get("expand"))
    else:
        form = parse_qs(call.body.decode("utf-8", "replace"))
        paths, expand = form.get("paths", []), form.get("expand", [""])[0].lower() in ("1", "true")
    if not isinstance(paths, list):
        raise bad_request("'paths' must be a list.")
    entries = []
    for path in paths:
        try:
            entry = _entry(repo, check_path(path), commit.tree[path])
        except (KeyError, HubError):
            continue
        if "lfs" in entry:
            # A client copies a large file to another repo only if the file has an id of the Hub's Xet storage.
            # The local Hub gives the sha256 instead, and only here, where the client looks before such a copy.
            entry["xetHash"] = entry["lfs"]["oid"]
        entries.append(entry)
    return _with_last_commits(repo, commit, entries) if expand else entries


def _walk(folder: pygit2.Tree, prefix: str, recursive: bool) -> Iterator[tuple[str, pygit2.Object]]:
    for item in folder:
        path = f"{prefix}/{item.name}" if prefix else item.name
        yield path, item
        if recursive and isinstance(item, pygit2.Tree):
            yield from _walk(item, path, True)


def _entry(repo: Repo, path: str, item: pygit2.Object) -> dict:
    if isinstance(item, pygit2.Tree):
        return {"type": "directory", "oid": str(item.id), "size": 0, "path": path}
    entry: dict = {"type": "file", "oid": str(item.id), "size": item.size, "path": path}
    large = repo.large_file(item)
    if large:
        entry |= {"size": large[1], "lfs": {"oid": large[0], "size": large[1], "pointerSize": item.size}}
    return entry


def _with_last_commits(repo: Repo, commit: pygit2.Commit, entries: list[dict]) -> list[dict]:
    """Add to each entry the newest commit that changed it.

    Histories are linear here. So this is the first commit, walking back, whose parent differs at that path.
    """
    open_paths = {entry["path"]: entry for entry in entries}
    for current in repo.git.walk(commit.id):
        parent = current.parents[0].tree if current.parents else None
        for path, entry in list(open_paths.items()):
            if parent is None or path not in parent or str(parent[path].id) != entry["oid"]:
                title = current.message.split("\n", 1)[0]
                entry["lastCommit"] = {"id": str(current.id), "title": title, "date": iso(current.commit_time)}
                del open_paths[path]
        if not open_paths:
            break
    return entries
