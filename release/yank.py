"""Withdraw a version that is out: nothing is deleted or moved, everyone who looks is told.

In each repo that has the version's tag, the card on ``main`` gets a notice on top and, in its front matter,
``withdrawn_version`` and ``withdrawn_for``; a second tag, ``v0.1.0-yanked``, marks the same commit as the version's
own, which cannot be changed and goes on working for who pinned it. The next release brings a new card without the
notice; the tag stays. A card speaks of one withdrawn version: the one that was withdrawn last.

The Hub's own field for this, ``new_version``, takes the id of another *model* and shows a banner that links to it
(https://huggingface.co/docs/hub/model-cards#specifying-a-new-version). A later version of the same repo is no such
model, and a card that names itself leads nowhere: so ``new_version`` is written, in the adapter's card, where the
successor is given as a model's id, and the notice alone points to a successor in the same repo.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.diff import RELEASE_TAG, WITHDRAWN
from arith_puzzle.release.hub import Hub, commit, reaching, where
from arith_puzzle.release.preflight import refuse_foreign_namespace
from arith_puzzle.release.stage import Repo

_NOTICE = re.compile(r"\n*<!-- withdrawn: begin -->.*?<!-- withdrawn: end -->\n", re.DOTALL)
_FIELDS = re.compile(r"^(?:withdrawn_version|withdrawn_for|new_version): .*  # withdrawn\n", re.MULTILINE)


def withdraw(
    repos: list[Repo],
    api: HfApi,
    version: str,
    successor: str | None = None,
    *,
    dry_run: bool = False,
    announce: Callable[[str], None],
) -> None:
    """Mark a version as withdrawn wherever it is out. Marked already, nothing changes.

    Args:
        repos: of the release; those without the version are left alone.
        version: such as "0.1.0" or "v0.1.0".
        successor: a version that is out in the same repos, or a model's id; None: there is none yet.
        announce: is called with a line for each repo before it is changed.

    Raises:
        InputError: a version that is out nowhere, a successor that is not out, or what the Hub refuses.
    """
    tag = _tag(version)
    model = successor if successor and "/" in successor else None
    newer = _tag(successor) if successor and not model else None
    if newer == tag:
        raise InputError(f"{tag} cannot succeed itself; give a later --successor, or none")
    with reaching(api) as hub:
        refuse_foreign_namespace(hub, repos)
        if model:
            hub.do(f"looking for the successor {model}", lambda: api.repo_info(model, repo_type="model"))
        tags = {repo: hub.do(f"looking at {repo.id}", lambda repo=repo: _tags(api, repo)) for repo in repos}
        marked = [repo for repo in repos if tag in tags[repo]]
        if not marked:
            raise InputError(f"{tag} is out in none of {', '.join(repo.id for repo in repos)}; nothing to withdraw")
        if newer and (lacking := [repo.id for repo in marked if newer not in tags[repo]]):
            raise InputError(f"the successor {newer} is not out in {lacking[0]}; publish it first")
        for repo in marked:
            _mark(hub, repo, tag, newer or model, dry_run=dry_run, announce=announce)


def marked_card(card: str, repo: Repo, tag: str, successor: str | None) -> str:
    """A card with the notice and the fields; a card that has them already is first freed of them."""
    card = unmarked_card(card)
    parts = card.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise InputError(f"{repo.id}: its card has no front matter between two lines of ---; mend the card first")
    if successor is None:
        advice = "There is no successor yet; please do not use it for new work."
    elif "/" in successor:
        advice = f"Please use [{successor}](https://huggingface.co/{successor}) instead."
    else:
        advice = f"Please use `{successor}` of this repo instead: `revision={successor!r}`."
    fields = {"withdrawn_version": tag}
    if successor:
        fields["withdrawn_for"] = successor
    if successor and "/" in successor and repo.kind == "adapter" and not re.search(r"^new_version:", parts[1], re.M):
        fields["new_version"] = successor
    front = parts[1] + "".join(f"{name}: {value}  # withdrawn\n" for name, value in fields.items())
    notice = f"> [!WARNING]\n> **Version `{tag}` was withdrawn.** {advice}\n> Its files and its tag stay as they were."
    return f"---\n{front}---\n\n<!-- withdrawn: begin -->\n{notice}\n<!-- withdrawn: end -->\n{parts[2]}"


def unmarked_card(card: str) -> str:
    """The card as it was before `marked_card`."""
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
            commit(api, **where(repo), operations=[operation], commit_message=f"Withdraw {tag}", parent=head)
        if tag + WITHDRAWN not in tags:
            message = f"{tag} was withdrawn" + (f"; use {successor}" if successor else "")
            api.create_tag(**where(repo), tag=tag + WITHDRAWN, revision=tags[tag], tag_message=message, exist_ok=True)

    _, card, wanted, tags = hub.do(f"looking at {repo.id}", look)
    changes = ["marks the card of main"] if card != wanted else []
    changes += [f"adds the tag {tag}{WITHDRAWN}"] if tag + WITHDRAWN not in tags else []
    announce(f"{repo.id} ({repo.type}): {', '.join(changes) or 'marked already'}")
    if changes and not dry_run:
        hub.do(f"withdrawing {tag} of {repo.id}", act)


def _tags(api: HfApi, repo: Repo) -> dict[str, str]:
    try:
        return {ref.name: ref.target_commit for ref in api.list_repo_refs(**where(repo)).tags}
    except RepositoryNotFoundError:
        return {}


def _tag(version: str) -> str:
    tag = version if version.startswith("v") else f"v{version}"
    if not RELEASE_TAG.fullmatch(tag) or tag.endswith(WITHDRAWN):
        raise InputError(f"a version looks like 0.1.0, not {version!r}")
    return tag
