"""Yank a published version: mark it as withdrawn, delete nothing, and move nothing.

Each repo with the version's tag gets two marks. The card on ``main`` gets a notice at its top, and the fields
``withdrawn_version`` and ``withdrawn_for`` in its front matter. A second tag, such as ``v0.1.0-yanked``, marks the same
commit as the version's tag. The version's tag stays, so code that pins it still works. The next release brings a new
card without the notice. A card names only the version that was yanked last.

The Hub has a field ``new_version``, which takes the id of another *model* and shows a banner with a link
(https://huggingface.co/docs/hub/model-cards#specifying-a-new-version). It cannot name a later version of the same repo.
So only the adapter's card gets it, and only if the successor is given as a model's id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.diff import RELEASE_TAG, SHARED, YANKED, is_shared
from arith_puzzle.release.hub import Hub, commit, connect, where
from arith_puzzle.release.preflight import require_write_access
from arith_puzzle.release.stage import Repo

_NOTICE = re.compile(r"\n*<!-- withdrawn: begin -->.*?<!-- withdrawn: end -->\n", re.DOTALL)
_FIELDS = re.compile(r"^(?:withdrawn_version|withdrawn_for|new_version): .*  # withdrawn\n", re.MULTILINE)


def yank(
    repos: list[Repo],
    api: HfApi,
    version: str,
    successor: str | None = None,
    *,
    dry_run: bool = False,
    announce: Callable[[str], None],
) -> None:
    """Mark a version as withdrawn in every repo that has it. A second call changes nothing.

    Repos that another release in the collection may use (``arith_puzzle.release.diff.SHARED``) are left as they are.

    Args:
        repos: the repos of the release. Those without the version stay as they are.
        version: such as "0.1.0" or "v0.1.0".
        successor: a version that is published in the same repos, a model's id, or None if there is none yet.
        dry_run: only call ``announce``.
        announce: receives a line for each repo before the repo is changed.

    Raises:
        InputError: no repo has the version, the successor is not published, or the Hub refuses.
    """
    tag = _tag(version)
    model = successor if successor and "/" in successor else None
    newer = _tag(successor) if successor and not model else None
    if newer == tag:
        raise InputError(f"{tag} cannot be its own successor; give a later --successor, or none")
    with connect(api) as hub:
        require_write_access(hub, repos)
        if model:
            hub.do(f"looking for the successor {model}", partial(api.repo_info, model, repo_type="model"))
        if other := hub.do("looking at the collection", partial(_other_model, api, repos, tag)):
            announce(
                f"{other} has {tag} too, so what releases share stays unmarked: {', '.join(SHARED)}, "
                "and what belongs to adapters of the package"
            )
            repos = [repo for repo in repos if not is_shared(repo)]
        tags = {repo: hub.do(f"looking at {repo.id}", partial(_tags, api, repo)) for repo in repos}
        marked = [repo for repo in repos if tag in tags[repo]]
        if not marked:
            raise InputError(f"none of {', '.join(repo.id for repo in repos)} has {tag}; there is nothing to yank")
        if newer and (lacking := [repo.id for repo in marked if newer not in tags[repo]]):
            raise InputError(f"the successor {newer} is not published in {lacking[0]}; publish it first")
        for repo in marked:
            _mark(hub, repo, tag, newer or model, dry_run=dry_run, announce=announce)


def marked_card(card: str, repo: Repo, tag: str, successor: str | None) -> str:
    """The card with the notice and the fields. It replaces those that an earlier yank has written."""
    card = unmarked_card(card)
    parts = card.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise InputError(f"{repo.id}: its card has no front matter between two lines of ---; correct the card first")
    if successor is None:
        advice = "It has no successor yet. Please do not use it for new work."
    elif "/" in successor:
        advice = f"Please use [{successor}](https://huggingface.co/{successor}) instead."
    else:
        advice = f"Please use version `{successor}` of this repo instead: `revision={successor!r}`."
    fields = {"withdrawn_version": tag}
    if successor:
        fields["withdrawn_for"] = successor
    if successor and "/" in successor and repo.kind == "adapter" and not re.search(r"^new_version:", parts[1], re.M):
        fields["new_version"] = successor
    front = parts[1] + "".join(f"{name}: {value}  # withdrawn\n" for name, value in fields.items())
    notice = f"> [!WARNING]\n> **Version `{tag}` was withdrawn.** {advice}\n> Its files and its tag stay in place."
    return f"---\n{front}---\n\n<!-- withdrawn: begin -->\n{notice}\n<!-- withdrawn: end -->\n{parts[2]}"


def unmarked_card(card: str) -> str:
    """The card without the marks of `marked_card`."""
    if not _NOTICE.search(card):
        return card
    return _FIELDS.sub("", _NOTICE.sub("\n", card, count=1))


def _mark(hub: Hub, repo: Repo, tag: str, successor: str | None, *, dry_run: bool, announce: Callable) -> None:
    api = hub.api

    def look() -> tuple[str, str, str, dict[str, str]]:
        head = api.repo_info(**where(repo)).sha
        path = api.hf_hub_download(**where(repo), filename="README.md", revision=head)
        card = Path(path).read_text(encoding="utf-8")
        return head, card, marked_card(card, repo, tag, successor), _tags(api, repo)

    def act() -> None:
        head, card, wanted, tags = look()
        if card != wanted:
            operation = CommitOperationAdd("README.md", wanted.encode())
            commit(api, **where(repo), operations=[operation], commit_message=f"Yank {tag}", parent=head)
        if tag + YANKED not in tags:
            message = f"{tag} was withdrawn" + (f"; use {successor}" if successor else "")
            api.create_tag(**where(repo), tag=tag + YANKED, revision=tags[tag], tag_message=message, exist_ok=True)

    _, card, wanted, tags = hub.do(f"looking at {repo.id}", look)
    changes = ["mark the card on main"] if card != wanted else []
    changes += [f"add the tag {tag}{YANKED}"] if tag + YANKED not in tags else []
    announce(f"{repo.id} ({repo.type}): {', '.join(changes) or 'already marked'}")
    if changes and not dry_run:
        hub.do(f"yanking {tag} of {repo.id}", act)


def _other_model(api: HfApi, repos: list[Repo], tag: str) -> str | None:
    """A model of another release that the collections of this one's owner list, and whose version is not withdrawn."""
    if not any(map(is_shared, repos)):
        return None
    for collection in api.list_collections(owner=repos[0].id.split("/")[0]):
        for item in api.get_collection(collection.slug).items:
            if item.item_type == "model" and item.item_id not in {repo.id for repo in repos}:
                tags = _tags(api, Repo("adapter", "model", item.item_id))
                if tag in tags and tag + YANKED not in tags:
                    return item.item_id
    return None


def _tags(api: HfApi, repo: Repo) -> dict[str, str]:
    try:
        return {ref.name: ref.target_commit for ref in api.list_repo_refs(**where(repo)).tags}
    except RepositoryNotFoundError:
        return {}


def _tag(version: str) -> str:
    tag = version if version.startswith("v") else f"v{version}"
    if not RELEASE_TAG.fullmatch(tag) or tag.endswith(YANKED):
        raise InputError(f"a version looks like 0.1.0, not {version!r}")
    return tag
