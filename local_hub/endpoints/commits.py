"""Uploads: the check of a card, the upload mode of each file (preupload), and the commit itself.

A commit arrives as newline-delimited JSON: a header, then one operation per line (`_prepare_commit_payload` in
`huggingface_hub._commit_api`). The whole commit is checked before anything changes. It is applied under the repo's
lock, so commits that name no parent queue up and none is lost.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from fnmatch import fnmatchcase

import pygit2
from starlette.responses import JSONResponse

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.endpoints.discussions import is_author, open_discussion
from arith_puzzle.local_hub.errors import HubError, bad_request, entry_not_found
from arith_puzzle.local_hub.names import PLURAL, check_message, check_path
from arith_puzzle.local_hub.store.cards import validate
from arith_puzzle.local_hub.store.gitignore import ignored_by
from arith_puzzle.local_hub.store.lfs import check_oid, check_size, parse_pointer, pointer
from arith_puzzle.local_hub.store.repo import Repo

MAX_REGULAR_BYTES = 10 * 1024 * 1024  # larger files must use LFS, as on the Hub
MAX_FILES_PER_COMMIT = 25_000
_MAX_ATTRIBUTES_LINE = 2048  # git fsck: gitattributesLineLength


def validate_yaml(call: Call) -> JSONResponse:
    """Check the text of a README.md before its upload: errors (status 400) and warnings."""
    payload = call.json()
    content, repo_type = payload.get("content"), payload.get("repoType", "model")
    if not isinstance(content, str) or repo_type not in PLURAL:
        raise bad_request("'content' must be the text of a README.md and 'repoType' the type of its repo.")
    errors, warnings = validate(content, repo_type)
    body = {"errors": [{"message": text} for text in errors], "warnings": [{"message": text} for text in warnings]}
    return JSONResponse(body, 400 if errors else 200)


def preupload(call: Call) -> dict:
    """For each file its upload mode (`lfs` or `regular`), and its present oid: the client skips unchanged files."""
    repo = call.repo_to_contribute() if _proposes(call) else call.repo_to_write()
    commit = repo.commit(call.args[0])
    payload = call.json()
    files, ignore = payload.get("files"), payload.get("gitIgnore")
    if ignore is None:
        ignore = repo.read_text(commit, ".gitignore")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request("'files' must be a list of objects.")
    patterns = _lfs_patterns(repo.read_text(commit, ".gitattributes") or "")
    ignored = ignored_by(ignore, [check_path(file.get("path")) for file in files])
    answers = []
    for file in files:
        path, size = file["path"], check_size(file.get("size"))
        large = size > MAX_REGULAR_BYTES or any(_matches(path, pattern) for pattern in patterns)
        answer = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": path in ignored}
        if path in commit.tree and isinstance(blob := commit.tree[path], pygit2.Blob):
            large_file = parse_pointer(blob)
            answer["oid"] = large_file[0] if large_file else str(blob.id)
        answers.append(answer)
    return {"files": answers}


def _lfs_patterns(attributes: str) -> list[str]:
    lines = [line.split() for line in attributes.splitlines()]
    return [words[0] for words in lines if len(words) > 1 and "filter=lfs" in words[1:]]


def _matches(path: str, pattern: str) -> bool:
    """The rule of gitattributes: a pattern with a slash matches the whole path, others match the file's name."""
    return fnmatchcase(path if "/" in pattern else path.rsplit("/", 1)[-1], pattern.lstrip("/"))


def _proposes(call: Call) -> bool:
    """Whether the commit goes to a new pull request or to one of the user's own.

    Such a commit does not need the right to write to the repo.
    """
    if call.flag("create_pr"):
        return True
    match = re.fullmatch(r"refs/pr/(\d{1,9})", call.args[0])
    if match is None or call.user is None:
        return False
    return is_author(call.repo_to_contribute(), int(match[1]), call.user)


def commit(call: Call) -> dict:
    """Apply a commit to a branch, to a pull request, or with `create_pr` to a new pull request.

    Returns its id and address. A refused commit changes nothing.

    Raises:
        HubError: 400 if it is malformed or an LFS file was not uploaded; 404 if the branch, or a file to delete, does
            not exist; 412 if the branch has moved past `parentCommit`; 413 for a regular file above 10 MiB; 422 for a
            bad path.
    """
    proposes = _proposes(call)
    repo, revision = call.repo_to_contribute() if proposes else call.repo_to_write(), call.args[0]
    if revision.startswith("refs/") or f"refs/heads/{revision}" in repo.git.references or call.flag("create_pr"):
        ref = repo.branch(revision)
    else:
        repo.commit(revision)
        raise bad_request(f"Commits go to a branch, and '{revision}' is not one.")
    header, operations = _parse(call.body)
    # Stores the contents before taking the lock: they become part of the repo only when a ref reaches them.
    steps = [_prepare(repo, key, value) for key, value in operations]
    large = [value["path"] for key, value in operations if key == "lfsFile"]
    with call.hub.store.changing(repo):
        head = repo.git[repo.git.references[repo.branch(revision)].target]
        if header["parent"] is not None and header["parent"] != str(head.id):
            raise HubError(412, "The branch was updated since you opened this page. Please refresh and try again.")
        files = repo.files(head)
        before = dict(files)
        for action, path, blob in steps:
            _apply(files, action, path, blob)
        _track_large_files(repo, files, large)
        _refuse_files_as_folders(files)
        answer = {"success": True, "hookOutput": ""}
        new_pr = call.flag("create_pr")
        if new_pr:
            discussion = open_discussion(repo, call.user, header["summary"], header["description"], ref)
            ref = f"refs/pr/{discussion['num']}"
            answer["pullRequestUrl"] = f"{call.endpoint}{repo.url_path}/discussions/{discussion['num']}"
        if files != before:
            message = f"{header['summary']}\n\n{header['description']}" if header["description"] else header["summary"]
            head = repo.write_commit(ref, repo.write_tree(files), call.user.name, message, [head.id])
    return answer | {"commitOid": str(head.id), "commitUrl": f"{call.endpoint}{repo.url_path}/commit/{head.id}"}


def _parse(body: bytes) -> tuple[dict, list[tuple[str, dict]]]:
    lines = []
    for line in body.split(b"\n"):
        if line.strip():
            try:
                item = json.loads(line)
                lines.append((item["key"], item["value"]))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise bad_request("Each line of a commit must be a JSON object with 'key' and 'value'.") from None
    if not lines or lines[0][0] != "header" or not all(isinstance(value, dict) for _, value in lines):
        raise bad_request("A commit must begin with its header.")
    if not 1 < len(lines) <= MAX_FILES_PER_COMMIT + 1:
        raise bad_request(f"A commit must hold between 1 and {MAX_FILES_PER_COMMIT} operations.")
    summary, description = lines[0][1].get("summary"), lines[0][1].get("description") or ""
    parent = lines[0][1].get("parentCommit")
    if not isinstance(summary, str) or not summary.strip() or not isinstance(description, str):
        raise bad_request("A commit needs a 'summary', and its 'description' must be text.")
    if parent is not None and not isinstance(parent, str):
        raise bad_request("'parentCommit' must be a commit id.")
    check_message(summary + description)
    return {"summary": summary, "description": description, "parent": parent}, lines[1:]


def _prepare(repo: Repo, key: str, value: dict) -> tuple[str, str, pygit2.Oid | None]:
    """Check one operation and store its content. Returns (`add`, `delete` or `delete folder`; path; blob or None)."""
    path = check_path(
        value["path"].rstrip("/")
        if key == "deletedFolder" and isinstance(value.get("path"), str)
        else value.get("path")
    )
    if key == "file":
        return "add", path, repo.git.create_blob(_content(path, value))
    if key == "lfsFile":
        return "add", path, repo.git.create_blob(_pointer(repo, path, value))
    if key == "deletedFile":
        return "delete", path, None
    if key == "deletedFolder":
        return "delete folder", path, None
    if key == "copyFile":
        source = repo.commit(str(value.get("srcRevision") or "main"))
        src_path = check_path(value.get("srcPath"))
        if src_path not in source.tree or not isinstance(source.tree[src_path], pygit2.Blob):
            raise entry_not_found(f"The file to copy doesn't exist: {src_path}")
        return "add", path, source.tree[src_path].id
    raise bad_request(f"Unknown operation {ascii(key)[:40]}.")


def _content(path: str, value: dict) -> bytes:
    content = value.get("content")
    if not isinstance(content, str) or value.get("encoding", "utf-8") not in ("base64", "utf-8"):
        raise bad_request(f"A file's content must be text or base64: {path}")
    try:
        data = base64.b64decode(content, validate=True) if value.get("encoding") == "base64" else content.encode()
    except (binascii.Error, ValueError):
        raise bad_request(f"The content is not valid base64: {path}") from None
    if len(data) > MAX_REGULAR_BYTES:
        raise HubError(413, f"A file above {MAX_REGULAR_BYTES} bytes must be uploaded with LFS: {path}")
    if path.rsplit("/", 1)[-1] == ".gitattributes" and any(
        len(line) > _MAX_ATTRIBUTES_LINE - 1 for line in data.split(b"\n")
    ):
        raise bad_request(f"A line of .gitattributes may have at most {_MAX_ATTRIBUTES_LINE - 1} bytes.")
    return data


def _pointer(repo: Repo, path: str, value: dict) -> bytes:
    if value.get("algo", "sha256") != "sha256":
        raise bad_request("The 'algo' of an LFS file must be 'sha256'.")
    oid = check_oid(value.get("oid"))
    stored = repo.lfs.size(oid)
    if stored is None:
        raise bad_request(f"The LFS object of this file has not been uploaded: {path}")
    if value.get("size") is not None and check_size(value["size"]) != stored:
        raise bad_request(f"The LFS object of this file has {stored} bytes, not {value['size']}: {path}")
    return pointer(oid, stored)


def _apply(files: dict[str, pygit2.Oid], action: str, path: str, blob: pygit2.Oid | None) -> None:
    if action == "add":
        files[path] = blob
        return
    # Deleting a file also deletes a folder of that name, as on the Hub.
    gone = [path] if path in files and action == "delete" else [file for file in files if file.startswith(path + "/")]
    if not gone:
        kind = "file" if action == "delete" else "folder"
        raise entry_not_found(f"A {kind} with this name doesn't exist: {path}")
    for file in gone:
        del files[file]


def _track_large_files(repo: Repo, files: dict[str, pygit2.Oid], paths: list[str]) -> None:
    """Add to .gitattributes each large file that no pattern there covers, as the Hub does: git-lfs needs it."""
    old = repo.git[files[".gitattributes"]].data.decode("utf-8", "replace") if ".gitattributes" in files else ""
    patterns = _lfs_patterns(old)
    new = old if not old or old.endswith("\n") else old + "\n"
    for path in paths:
        escaped = re.sub(r"([*?\[\]\\])", r"\\\1", path).replace(" ", "[[:space:]]")
        if path in files and escaped not in patterns and not any(_matches(path, pattern) for pattern in patterns):
            new += f"{escaped} filter=lfs diff=lfs merge=lfs -text\n"
    if new != old:
        files[".gitattributes"] = repo.git.create_blob(new.encode())


def _refuse_files_as_folders(files: dict[str, pygit2.Oid]) -> None:
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in files:
                raise bad_request(f"'{'/'.join(parts[:depth])}' cannot be a file and a folder at once.")
