"""Repos as a whole: create, delete, move, settings, info, listing."""

from __future__ import annotations

from .accounts import require_user, require_write
from .calls import Call
from .cards import card_data, tags
from .errors import HubError, bad_request, repo_not_found
from .files import lfs_of
from .names import KINDS, check_repo_id, kind_of
from .storage import Repo, iso

_SDKS = ("gradio", "docker", "static", "streamlit")
_SORTS = {"lastModified", "createdAt", "likes", "downloads", "trendingScore"}


def create(call: Call) -> dict:
    """A new repo; 409 with its `url` when there is one already (which `exist_ok=True` reads as success)."""
    payload = call.json()
    kind, repo_id = kind_of(payload.get("type")), _named(call, payload)
    user = require_write(call.user, repo_id.split("/")[0])
    meta = {"private": _private(payload, False), "gated": False}
    if kind == "spaces":
        if payload.get("sdk") not in _SDKS:
            raise bad_request(f"A Space needs an 'sdk': {', '.join(_SDKS)}.")
        meta["sdk"] = payload["sdk"]
    url = f"{call.endpoint}/{repo_id}" if kind == "models" else f"{call.endpoint}/{kind}/{repo_id}"
    try:
        call.hub.store.create(kind, repo_id, user.name, meta)
    except FileExistsError:
        raise HubError(409, f"You already created this {KINDS[kind]} repo", body={"url": url}) from None
    return {"url": url, "name": repo_id, "id": repo_id}


def delete(call: Call) -> dict:
    """Remove a repo, its large files and its places in collections."""
    payload = call.json()
    kind, repo_id = kind_of(payload.get("type")), _named(call, payload)
    require_write(call.user, repo_id.split("/")[0])
    repo = call.hub.store.open(kind, repo_id)
    if repo is None:
        raise repo_not_found(anonymous=False)
    call.hub.store.delete(repo)
    call.hub.collections.rename_item(repo.type, repo.id, None)
    return {}


def move(call: Call) -> dict:
    """Rename a repo or give it to another namespace the user may write in. The old name answers no more."""
    payload = call.json()
    kind = kind_of(payload.get("type"))
    ids = [payload.get("fromRepo"), payload.get("toRepo")]
    if not all(isinstance(repo_id, str) for repo_id in ids):
        raise bad_request("'fromRepo' and 'toRepo' are needed.")
    for repo_id in ids:
        require_write(call.user, check_repo_id(repo_id)[0])
    repo = call.hub.store.open(kind, ids[0])
    if repo is None:
        raise repo_not_found(anonymous=False)
    call.hub.store.move(repo, ids[1])
    call.hub.collections.rename_item(repo.type, *ids)
    return {}


def settings(call: Call) -> dict:
    """Change whether a repo is private."""
    repo, payload = call.repo_to_write(), call.json()
    if payload.get("gated"):
        raise bad_request("Gated repos are not served by the rehearsal Hub.")
    with call.hub.store.changing(repo):
        repo.meta["private"] = _private(payload, repo.meta["private"])
        repo.save_meta()
    return {"private": repo.meta["private"], "gated": False}


def auth_check(call: Call) -> dict:
    """`{}` when the repo may be read, or with `/write` written; otherwise the error that says why not."""
    call.repo_to_write() if call.args == ["write"] else call.repo_to_read()
    return {}


def info(call: Call) -> dict:
    """All about a repo at a revision (`main` unless told)."""
    repo = call.repo_to_read()
    found = describe(repo, call.args[0] if call.args else "main", blobs=call.flag("blobs"))
    return _expanded(found, call.many("expand"))


def listing(call: Call) -> list[dict]:
    """The repos of a kind the caller may read, by author, search words, tags; the last changed first unless sorted."""
    author, words = call.query.get("author"), [word.lower() for word in call.many("search")]
    wanted, expand = set(call.many("filter")), call.many("expand")
    full = call.flag("full")
    found = []
    for repo in call.hub.store.all(call.kind):
        if not call.can_read(repo) or (author and repo.namespace.lower() != author.lower()):
            continue
        if not all(word in repo.id.lower() for word in words):
            continue
        entry = describe(repo, "main", blobs=False)
        if wanted <= set(entry["tags"]):
            if not full and not expand:
                entry.pop("siblings")
            if not (full or expand or call.flag("cardData")):
                entry.pop("cardData")
            found.append(entry)
    sort = call.query.get("sort", "lastModified")
    if sort not in _SORTS:
        raise bad_request(f"Repos are sorted by one of {', '.join(sorted(_SORTS))}.")
    found.sort(key=lambda entry: entry.get(sort, 0), reverse=call.query.get("direction", "-1") == "-1")
    limit = call.query.get("limit", "")
    return [_expanded(entry, expand) for entry in (found[: int(limit)] if limit.isdigit() else found)]


def describe(repo: Repo, revision: str, blobs: bool) -> dict:
    """The info of one repo; with `blobs` each file's size, blob id and, for a large file, its sha256."""
    commit = repo.commit(revision)
    card = card_data(repo.read_text(commit, "README.md"))
    found = {
        "_id": f"{repo.type}-{repo.id}",
        "id": repo.id,
        "author": repo.namespace,
        "sha": str(commit.id),
        "lastModified": iso(commit.commit_time),
        "createdAt": repo.meta["createdAt"],
        "private": repo.meta["private"],
        "gated": False,
        "disabled": False,
        "likes": 0,
        "downloads": 0,
        "trendingScore": 0,
        "tags": tags(repo.kind, card),
        "cardData": card,
        "siblings": [_sibling(repo, path, blob, blobs) for path, blob in repo.files(commit).items()],
    }
    if repo.kind == "models":
        found |= {"modelId": repo.id, **{key: card[key] for key in ("library_name", "pipeline_tag") if key in card}}
    elif repo.kind == "spaces":
        found |= {"sdk": card.get("sdk", repo.meta["sdk"]), "subdomain": repo.id.replace("/", "-").lower()}
        found |= {key: card[key] for key in ("models", "datasets") if key in card}
    return found


def _sibling(repo: Repo, path: str, blob_id, blobs: bool) -> dict:
    if not blobs:
        return {"rfilename": path}
    blob = repo.git[blob_id]
    sibling = {"rfilename": path, "size": blob.size, "blobId": str(blob_id)}
    if large := lfs_of(repo, blob):
        sibling |= {"size": large[1], "lfs": {"sha256": large[0], "size": large[1], "pointerSize": blob.size}}
    return sibling


def _expanded(found: dict, keys: list[str]) -> dict:
    """With `expand` the Hub answers with the properties asked for and nothing else; what it has not is left out."""
    if not keys:
        return found
    return {key: found[key] for key in ("_id", "id", *keys) if key in found}


def _named(call: Call, payload: dict) -> str:
    """`organization` and `name` of a payload as a checked repo id; without an organization it is the user's own."""
    user = require_user(call.user)
    namespace, name = payload.get("organization") or user.name, payload.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        raise bad_request("A repo needs a 'name'.")
    check_repo_id(f"{namespace}/{name}")
    return f"{namespace}/{name}"


def _private(payload: dict, default: bool) -> bool:
    visibility = payload.get("visibility", "private" if payload.get("private", default) else "public")
    if visibility not in ("public", "private"):
        raise bad_request("The visibility must be 'public' or 'private'.")
    return visibility == "private"
