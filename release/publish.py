"""Publish a stage by huggingface_hub's ordinary calls. The real Hub and a local differ by endpoint and token.

No reader meets half a release, wherever it is interrupted:

1. Large files are sent first, for all repos. Until a commit names them nobody sees them.
2. Then repo by repo, what others pin first: one commit for each revision holds files and card together; a repo that has
   no version yet is private until then and only now shown; its tag comes last. So a card never lacks its files, a tag
   marks whole content, and an adapter that is visible finds its base's tag.
3. The collection, when everything it lists is there.

A killed command leaves a prefix of these steps; the same command does the rest. It asks the Hub what is there, so it
needs no memory of its own, and nothing changed means no commit, no tag and no write to the collection. `upload_folder`
would not do: with Xet it commits a large folder in batches, each of them visible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from tqdm import tqdm

from arith_puzzle.release.diff import Stage, lines, look, survey
from arith_puzzle.release.hub import commit, owner, reaching, where
from arith_puzzle.release.preflight import commit_title
from arith_puzzle.release.stage import Repo


def namespace_of(api: HfApi) -> str:
    """The name of the token's user. Raises InputError if there is no valid token or no Hub."""
    with reaching(api) as hub:
        return owner(hub)[0]


def publish(
    staged: Path,
    api: HfApi,
    *,
    private: bool = False,
    move_tags: bool = False,
    dry_run: bool = False,
    announce: Callable[[str], None] | None = None,
) -> dict[str, str]:
    """Create what is missing, send what differs, tag, and collect. Nothing changed, no commit.

    Args:
        staged: as ``arith_puzzle.release.stage.stage`` wrote it.
        private: repos that have no version out yet stay private, and so does a new collection.
        move_tags: a version that is out with other content is moved instead of refused (for rehearsals).
        dry_run: only announce.
        announce: is called with each line of what will change, file by file, before anything does.

    Returns:
        {repo kind: commit of the tag}, the head of the dataset's revision "script", and "collection": its slug; {} for
        a dry run.

    Raises:
        InputError: whatever `arith_puzzle.release.diff` refuses, before anything is written; or a Hub that does not answer.
    """
    stage = Stage(staged)
    with reaching(api) as hub:
        found = survey(hub, stage, move_tags=move_tags)
        collection = hub.do("looking at the collection", lambda: _find_collection(api, stage))
        if announce:
            for repo in found:
                for line in lines(repo, stage.tag, private=private):
                    announce(line)
            for line in collection.lines():
                announce(line)
        if dry_run:
            return {}
        commits = {}
        with tqdm(total=2 * len(found) + 1, desc="publish", unit="step") as bar:
            for phase, step in (("sending to", _send), ("publishing", _show)):
                for repo in (each.repo for each in found):
                    bar.set_postfix_str(repo.id)
                    done = hub.do(
                        f"{phase} {repo.id}",
                        lambda s=step, r=repo: s(api, stage, r, private=private, move_tags=move_tags),
                    )
                    commits |= done
                    bar.update()
            hidden = any(repo.private if repo.released else private for repo in found)
            commits["collection"] = hub.do("making the collection", lambda: _collect(api, stage, hidden))
            bar.update()
    return commits


def _send(api: HfApi, stage: Stage, repo: Repo, *, private: bool, move_tags: bool) -> dict[str, str]:
    """Make the repo and its branches, and send its large files. No reader sees any of it."""
    found = look(api, stage, repo, move_tags=move_tags)
    if not found.exists:
        sdk = {"space_sdk": "gradio"} if repo.type == "space" else {}
        api.create_repo(**where(repo), private=True, exist_ok=True, **sdk)
        found = look(api, stage, repo, move_tags=move_tags)
    for branch in found.branches:
        if branch.head is None:
            # From the first commit, which is empty: a branch from main would show main's files under this name.
            first = list(api.list_repo_commits(**where(repo)))[-1].commit_id
            api.create_branch(**where(repo), branch=branch.name, revision=first, exist_ok=True)
        if branch.uploads:
            api.preupload_lfs_files(
                repo.id, branch.uploads, repo_type=repo.type, revision=branch.name, free_memory=False
            )
    return {}


def _show(api: HfApi, stage: Stage, repo: Repo, *, private: bool, move_tags: bool) -> dict[str, str]:
    """Commit, show the repo to the public, tag; {repo kind: commit of the tag}, and each other branch's head."""
    found = look(api, stage, repo, move_tags=move_tags)
    heads = {}
    for branch in found.branches:
        heads[branch.name] = branch.head
        if branch.changes:
            heads[branch.name] = commit(
                api, **where(repo), operations=branch.operations(), commit_message=commit_title(stage.tag),
                revision=branch.name, parent=branch.head,
            )  # fmt: skip
    if found.private and not found.released and not private:
        api.update_repo_settings(**where(repo), private=False)
    if not found.tag_is_out:
        if stage.tag in found.tags:
            api.delete_tag(**where(repo), tag=stage.tag)
        api.create_tag(**where(repo), tag=stage.tag, revision=heads["main"])
    main = found.tags[stage.tag] if found.tag_is_out else heads["main"]
    return {repo.kind: main} | {name: head for name, head in heads.items() if name != "main"}


@dataclass
class _Collection:
    title: str
    slug: str | None
    """None where there is no such collection yet."""
    private: bool
    missing: list[dict]
    hides: bool
    """It lists a private repo of another release."""

    def lines(self) -> list[str]:
        if self.slug and not self.missing:
            return [f"collection {self.title!r}: nothing to change"]
        count = f"{len(self.missing)} items to add"
        return [
            f"collection {self.title!r}: {count if self.slug else 'new, ' + count}",
            *(f"    add    {item['item_type']:>8}  {item['item_id']}" for item in self.missing),
        ]


def _find_collection(api: HfApi, stage: Stage) -> _Collection:
    title, owned = stage.release["collection"], api.list_collections(owner=stage.release["namespace"])
    slug = next((collection.slug for collection in owned if collection.title == title), None)
    there = api.get_collection(slug) if slug else None
    have = {(item.item_type, item.item_id) for item in there.items} if there else set()
    items = stage.release["collection_items"]
    wanted = {(item["item_type"], item["item_id"]): item for item in items}
    others = [(kind, name) for kind, name in have - wanted.keys() if kind in ("model", "dataset", "space")]
    return _Collection(
        title, slug, there.private if there else True,
        missing=[item for key, item in wanted.items() if key not in have],
        hides=any(api.repo_info(name, repo_type=kind).private for kind, name in others),
    )  # fmt: skip


def _collect(api: HfApi, stage: Stage, private: bool) -> str:
    """Fill the collection and only then show it; ``private``: this release has a repo that not everyone may see."""
    found = _find_collection(api, stage)
    if found.slug is None:
        found.slug = api.create_collection(
            found.title, namespace=stage.release["namespace"], private=True, exists_ok=True
        ).slug
    for item in found.missing:
        api.add_collection_item(found.slug, **item, exists_ok=True)
    if found.private and not private and not found.hides:
        api.update_collection_metadata(found.slug, private=False)
    return found.slug
