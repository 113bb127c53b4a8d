"""Info about one repo, and lists of repos with filters and sorting."""

from __future__ import annotations

from typing import get_args

from huggingface_hub.hf_api import ExpandDatasetProperty_T, ExpandModelProperty_T, ExpandSpaceProperty_T
from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import bad_request
from arith_puzzle.local_hub.store.cards import card_data, eval_results, tags
from arith_puzzle.local_hub.store.repo import Repo, iso

PAGE = 1000
_SORTS = ("lastModified", "createdAt", "likes", "downloads", "trendingScore")
# The allowed values of `expand`, from the client's own signatures.
_EXPAND = {
    "models": get_args(ExpandModelProperty_T),
    "datasets": get_args(ExpandDatasetProperty_T),
    "spaces": get_args(ExpandSpaceProperty_T),
}


def info(call: Call) -> dict:
    """Info about a repo at a revision (default: `main`)."""
    repo, expand = call.repo_to_read(), _expand(call)
    found = describe(repo, call.args[0] if call.args else "main", call.flag("blobs"), expand)
    return _expanded(found, expand)


def listing(call: Call) -> Response:
    """The repos of a kind that the user may read, in pages.

    Filters: author, search words, tags, gate, linked models and datasets. Default order: the last changed first.
    """
    query, expand, full = call.query, _expand(call), call.flag("full")
    sort = query.get("sort", "lastModified")
    if sort not in _SORTS:
        raise bad_request(f"'sort' must be one of {', '.join(_SORTS)}.")
    found = [describe(repo, "main", False, expand) for repo in _chosen(call)]
    found = [entry for entry in found if _fits(call, entry)]
    found.sort(key=lambda entry: (entry.get(sort, 0), entry["id"]), reverse=query.get("direction", "-1") == "-1")
    for entry in found:
        if not full and not expand:
            entry.pop("siblings")
        if not (full or expand or call.flag("cardData")):
            entry.pop("cardData")
    return call.page([_expanded(entry, expand) for entry in found], PAGE)


def _chosen(call: Call) -> list[Repo]:
    author, words = call.query.get("author", "").lower(), [word.lower() for word in call.many("search")]
    gated = {"true": True, "1": True, "false": False, "0": False}.get(call.query.get("gated", "").lower())
    return [
        repo
        for repo in call.hub.store.all(call.kind)
        if call.can_read(repo)
        and author in ("", repo.namespace.lower())
        and all(word in repo.id.lower() for word in words)
        and gated in (None, bool(repo.meta["gated"]))
    ]


def _fits(call: Call, entry: dict) -> bool:
    wanted = {tag for one in call.many("filter") for tag in one.split(",")}
    if not wanted <= set(entry["tags"]):
        return False
    if call.query.get("pipeline_tag", entry.get("pipeline_tag")) != entry.get("pipeline_tag"):
        return False
    # A Space names the models and datasets it uses in its card.
    linked = all(set(call.many(key)) <= set(entry.get(key, ())) for key in ("models", "datasets"))
    return linked and (not call.flag("linked") or bool(entry.get("models") or entry.get("datasets")))


def describe(repo: Repo, revision: str, blobs: bool, expand: list[str]) -> dict:
    """The info of one repo.

    Args:
        revision: branch, tag or commit.
        blobs: add each file's size, its blob id and, for a large file, its sha256.
        expand: properties to add that cost time: `usedStorage`, `evalResults`.
    """
    commit = repo.commit(revision)
    card = card_data(repo.read_text(commit, "README.md"))
    files = repo.files(commit)
    found = {
        "_id": f"{repo.type}-{repo.id}",
        "id": repo.id,
        "author": repo.namespace,
        "sha": str(commit.id),
        "lastModified": iso(commit.commit_time),
        "createdAt": repo.meta["createdAt"],
        "private": repo.meta["private"],
        "gated": repo.meta["gated"],
        "disabled": False,
        "likes": len(repo.likes),
        "downloads": 0,
        "downloadsAllTime": 0,
        "trendingScore": 0,
        "tags": tags(repo.kind, card),
        "cardData": card,
        "siblings": [_sibling(repo, path, blob, blobs) for path, blob in files.items()],
    }
    if "usedStorage" in expand:
        found["usedStorage"] = repo.used_bytes()
    if repo.kind == "models":
        known = ("library_name", "pipeline_tag", "model-index")
        found |= {"modelId": repo.id, **{key: card[key] for key in known if key in card}}
        if "evalResults" in expand:
            found["evalResults"] = eval_results({path: repo.git[blob].data for path, blob in files.items()})
    elif repo.kind == "spaces":
        found |= {"sdk": card.get("sdk", repo.meta["sdk"]), "subdomain": repo.id.replace("/", "-").lower()}
        found |= {key: card[key] for key in ("models", "datasets") if key in card}
    return found


def _sibling(repo: Repo, path: str, blob_id, blobs: bool) -> dict:
    if not blobs:
        return {"rfilename": path}
    blob = repo.git[blob_id]
    sibling = {"rfilename": path, "size": blob.size, "blobId": str(blob_id)}
    if large := repo.large_file(blob):
        sibling |= {"size": large[1], "lfs": {"sha256": large[0], "size": large[1], "pointerSize": blob.size}}
    return sibling


def _expand(call: Call) -> list[str]:
    wanted = call.many("expand")
    for word in wanted:
        if word not in _EXPAND[call.kind]:
            raise bad_request(f"Invalid 'expand' {ascii(word)[:60]}: expected one of {'|'.join(_EXPAND[call.kind])}.")
    return wanted


def _expanded(found: dict, keys: list[str]) -> dict:
    """With `expand` only the requested properties, without those that the repo does not have. Otherwise all."""
    if not keys:
        return found
    return {key: found[key] for key in ("_id", "id", *keys) if key in found}
