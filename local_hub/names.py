"""Checks of names before they reach the disk or git: repo ids, paths inside a repo, branches and tags.

Every name that a client sends is checked here, so no other module checks names.
"""

from __future__ import annotations

import re

import pygit2
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from arith_puzzle.local_hub.errors import HubError, bad_request

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
PLURAL = {single: plural for plural, single in KINDS.items()}

# `/api/models/<a>/<b>` is the repo `a/b`, unless b is one of these: then it is an action on the bare name `a`.
# No repo may have such a name, so a path always has one meaning.
ACTIONS = frozenset([
    "revision", "tree", "paths-info", "refs", "branch", "tag", "commits", "commit", "preupload", "settings",
    "auth-check", "discussions", "super-squash", "lfs-files", "like", "likers", "user-access-request", "ask-access",
    "resolve", "raw", "info", "git-upload-pack", "git-receive-pack",
])  # fmt: skip
MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255

# Characters that HFS+ ignores. git refuses names that become `.git` without them (git's utf8.c, next_hfs_char).
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_repo_id(repo_id: str) -> tuple[str, str]:
    """Split `namespace/name` in two. Raises `HubError` 400 if it breaks the Hub's naming rules."""
    namespace, _, name = repo_id.partition("/")
    try:
        for part in (namespace, name):
            validate_repo_id(part)
            if "/" in part:
                raise HFValidationError(f"Repo id must be `namespace/name`: '{repo_id}'.")
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise bad_request(str(error)) from None
    if name in ACTIONS:
        raise bad_request(f"'{name}' is a word of the API, so no repo can have this name.")
    return namespace, name


def kind_of(repo_type: object) -> str:
    """`models`, `datasets` or `spaces` for the API's `type`; None means `model`."""
    if repo_type is None:
        return "models"
    if not isinstance(repo_type, str) or repo_type not in PLURAL:
        raise bad_request(f"Invalid repo type {repo_type!r}: must be one of {', '.join(PLURAL)}.")
    return PLURAL[repo_type]


def check_path(path: object) -> str:
    """Return a path inside a repo unchanged.

    Raises:
        HubError: 422 if it is absolute, leaves the repo, or names one of git's own files.
    """
    if not isinstance(path, str) or not path:
        raise _bad_path("A path must be a non-empty string.")
    shown = ascii(path)[:120]
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        raise _bad_path(f"A path must be valid Unicode: {shown}.") from None
    if size > MAX_PATH_BYTES:
        raise _bad_path(f"A path may have at most {MAX_PATH_BYTES} bytes: {shown}.")
    if "\\" in path or _CONTROL.search(path):
        raise _bad_path(f"A path may not hold a backslash or a control character: {shown}.")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise _bad_path(f"A path must be relative, without empty, '.' or '..' parts: {shown}.")
        if len(part.encode("utf-8")) > MAX_PART_BYTES:
            raise _bad_path(f"A part of a path may have at most {MAX_PART_BYTES} bytes: {shown}.")
        # Some file systems read these names as `.git`, so git fsck calls them hostile.
        plain = _IGNORED_BY_HFS.sub("", part).split(":")[0].rstrip(" .").lower()
        if plain in (".git", "git~1"):
            raise _bad_path(f"A path may not enter '.git': {shown}.")
        if plain == ".gitmodules":
            raise _bad_path(f"Submodules are not served: {shown}.")
    return path


def _bad_path(message: str) -> HubError:
    return HubError(422, message)


def check_message(message: object) -> str:
    """Return the message of a commit or a tag unchanged. Raises `HubError` 400 if git cannot store it."""
    if not isinstance(message, str) or "\0" in message:
        raise bad_request("A message must be text without NUL.")
    try:
        message.encode("utf-8")
    except UnicodeEncodeError:
        raise bad_request("A message must be valid Unicode.") from None
    return message


def check_ref_name(name: object) -> str:
    """Return the name of a branch or a tag unchanged. Raises `HubError` 400 if it breaks git's or the Hub's rules."""
    if not isinstance(name, str) or not name or name.startswith(("refs/", "-")) or name == "HEAD":
        raise bad_request(f"Invalid reference name: {ascii(name)[:120]}.")
    if re.fullmatch(r"[0-9a-fA-F]{40}", name) or not pygit2.reference_is_valid_name(f"refs/heads/{name}"):
        raise bad_request(f"Invalid reference name: {ascii(name)[:120]}.")
    return name
