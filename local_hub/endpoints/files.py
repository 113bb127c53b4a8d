"""Reading: a file's content (resolve, raw), listings (tree, paths-info)."""

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
from arith_puzzle.local_hub.store.lfs import parse_pointer
from arith_puzzle.local_hub.store.repo import Repo, iso

TREE_PAGE, EXPANDED_PAGE = 1000, 50  # as on the Hub
_MAX_POINTER = 200
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def lfs_of(repo: Repo, blob: pygit2.Blob) -> tuple[str, int] | None:
    """(sha256, size) when a blob stands for a stored large file. A committed text that merely looks like a pointer
    has no object behind it and stays a text."""
    found = parse_pointer(blob.data) if blob.size <= _MAX_POINTER else None
    return found if found and repo.lfs.size(found[0]) == found[1] else None


def resolve(call: Call) -> Response:
    """A file with the headers `huggingface_hub.file_download` reads: its bytes, whole or one range, or for a large
    file 302 to where they are."""
    repo = call.repo_to_download()
    commit, blob = _blob(repo, call.args)
    large = lfs_of(repo, blob)
    etag, size = large if large else (str(blob.id), blob.size)
    name = call.args[-1].rsplit("/", 1)[-1]
    headers = {
        "X-Repo-Commit": str(commit.id),
        "Accept-Ranges": "bytes",
        # The address of a branch answers differently after a commit.
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
    # Several ranges, or anything else not understood, are answered by the whole file, as HTTP allows.
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
    """What git stores for a file: the text itself, or the pointer of a large file."""
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
        error.headers = {"X-Repo-Commit": str(commit.id)}  # by which the client remembers what is not there
        raise error
    return commit, found


def _range(header: str, size: int) -> tuple[int, int]:
    """[start, end) of a one-range header; 416 when it lies outside the file (RFC 9110, section 14.2)."""
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
    """The files and folders of a folder, with all below it when `recursive`, with last commits when `expand`; in pages,
    all of the commit that the first was of."""
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
    """What is at each of the paths asked for; those where nothing is are left out."""
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
            # A client copies a large file between repos only if it has the id that the Hub's Xet storage gave it.
            # Here that is the sha256; it is told only where the client looks for it before such a copy.
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
    large = lfs_of(repo, item)
    if large:
        entry |= {"size": large[1], "lfs": {"oid": large[0], "size": large[1], "pointerSize": item.size}}
    return entry


def _with_last_commits(repo: Repo, commit: pygit2.Commit, entries: list[dict]) -> list[dict]:
    """Add to each entry the newest commit that changed it. Histories here are straight lines (pull requests are merged
    as one commit), so that is the first commit, walking back, whose parent has something else at that path."""
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
