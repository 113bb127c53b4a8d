"""Publish a stage with huggingface_hub's ordinary calls. The real Hub and a local Hub differ by endpoint and token.

Readers never see half a release, even if publishing is interrupted. This order ensures it:

1. Large files of all repos are sent first. They stay invisible until a commit names them.
2. Then each repo is published, in an order in which a repo comes before those that refer to it. One commit for each
   revision holds files and card together. A repo without a published version is private up to this commit, and
   becomes public after it. The tag comes last. So every card has its files, every tag marks complete content, and a
   visible adapter finds the tag of its base.
3. The collection is made when all that it lists exists.

After an interruption the same command does the remaining steps. It asks the Hub what exists, so it keeps no state of
its own. If nothing changed, it makes no commit, no tag and no write to the collection. `upload_folder` is not used,
because with Xet it commits a large folder in batches, and each batch is visible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, SpaceCard
from tqdm import tqdm

from arith_puzzle.release.diff import Stage, describe, diff, diff_repo
from arith_puzzle.release.hub import commit, connect, owner, where
from arith_puzzle.release.preflight import commit_title
from arith_puzzle.release.stage import Repo


def namespace_of(api: HfApi) -> str:
    """The name of the token's user. Raises InputError if the token is not valid or the Hub does not answer."""
    with connect(api) as hub:
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
    """Create missing repos, send different files, tag them, and fill the collection.

    Args:
        staged: a folder that ``arith_puzzle.release.stage.stage`` wrote.
        private: keep repos without a published version private, and a new collection too.
        move_tags: move the tag of a version that is published with other content. Otherwise this is an error.
        dry_run: only call ``announce``.
        announce: receives the planned changes line by line, before the first change.

    Returns:
        {repo kind: commit of the tag}, with the head of the dataset's revision "script", and the slug of the
        "collection". A dry run returns {}.

    Raises:
        InputError: `arith_puzzle.release.diff` finds a reason not to publish, or the Hub does not answer.
    """
    stage = Stage(staged)
    with connect(api) as hub:
        found = diff(hub, stage, move_tags=move_tags)
        kept = {each.repo.id for each in found if any(branch.kept for branch in each.branches)}
        collection = hub.do("looking at the collection", partial(_find_collection, api, stage, kept))
        if announce:
            for repo in found:
                for line in describe(repo, stage.tag, private=private):
                    announce(line)
            for line in collection.describe():
                announce(line)
        if dry_run:
            return {}
        commits = {}
        with tqdm(total=2 * len(found) + 1, desc="publish", unit="step") as bar:
            for doing, step in (("sending to", _upload), ("publishing", _release)):
                for repo in stage.repos:
                    bar.set_postfix_str(repo.id)
                    todo = partial(step, api, stage, repo, private=private, move_tags=move_tags)
                    commits |= hub.do(f"{doing} {repo.id}", todo)
                    bar.update()
            hidden = any(repo.private if repo.released else private for repo in found)
            fill = partial(_fill_collection, api, stage, kept, hidden)
            commits["collection"] = hub.do("making the collection", fill)
            bar.update()
    return commits


def _upload(api: HfApi, stage: Stage, repo: Repo, *, private: bool, move_tags: bool) -> dict[str, str]:
    """Create the repo and its branches, and send its large files. Readers see none of this."""
    found = diff_repo(api, stage, repo, move_tags=move_tags)
    if not found.exists:
        card = stage.root / repo.kind / "README.md"
        sdk = {"space_sdk": SpaceCard.load(card).data.sdk} if repo.type == "space" else {}
        api.create_repo(**where(repo), private=True, exist_ok=True, **sdk)
        found = diff_repo(api, stage, repo, move_tags=move_tags)
    for branch in found.branches:
        if branch.head is None:
            # The first commit is empty. A branch from main would show main's files under this name.
            first = list(api.list_repo_commits(**where(repo)))[-1].commit_id
            api.create_branch(**where(repo), branch=branch.name, revision=first, exist_ok=True)
        if branch.uploads:
            api.preupload_lfs_files(
                repo.id, branch.uploads, repo_type=repo.type, revision=branch.name, free_memory=False
            )
    return {}


def _release(api: HfApi, stage: Stage, repo: Repo, *, private: bool, move_tags: bool) -> dict[str, str]:
    """Commit, make the repo public, and tag it. Returns {repo kind: tagged commit} and the other branches' heads."""
    found = diff_repo(api, stage, repo, move_tags=move_tags)
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
    if not found.tag_is_published:
        if stage.tag in found.tags:
            api.delete_tag(**where(repo), tag=stage.tag)
        api.create_tag(**where(repo), tag=stage.tag, revision=heads["main"])
    main = found.tags[stage.tag] if found.tag_is_published else heads["main"]
    return {repo.kind: main} | {name: head for name, head in heads.items() if name != "main"}


@dataclass
class _Collection:
    """The release's collection on the Hub.

    Attributes:
        slug: its address, or None if it does not exist yet.
        missing: the items to add.
        renoted: (object id, item) of those there that get another note.
        lists_private: it lists a private repo of another release.
    """

    title: str
    slug: str | None
    private: bool
    missing: list[dict]
    renoted: list[tuple[str, dict]]
    lists_private: bool

    def describe(self) -> list[str]:
        """Lines of text that say what would be added, and which notes would change."""
        if self.slug and not self.missing and not self.renoted:
            return [f"collection {self.title!r}: nothing to change"]
        count = f"{len(self.missing)} items to add" + f", {len(self.renoted)} notes to change" * bool(self.renoted)
        return [
            f"collection {self.title!r}: {count if self.slug else 'new, ' + count}",
            *(f"    add    {item['item_type']:>8}  {item['item_id']}" for item in self.missing),
            *(f"    note   {item['item_type']:>8}  {item['item_id']}" for _, item in self.renoted),
        ]


def _find_collection(api: HfApi, stage: Stage, kept: set[str]) -> _Collection:
    """Compare the collection with the stage. The notes of the repos ``kept`` are about another release, and stay."""
    title, owned = stage.release["collection"], api.list_collections(owner=stage.release["namespace"])
    slug = next((collection.slug for collection in owned if collection.title == title), None)
    there = api.get_collection(slug) if slug else None
    have = {(item.item_type, item.item_id): item for item in there.items} if there else {}
    items = stage.release["collection_items"]
    wanted = {(item["item_type"], item["item_id"]): item for item in items}
    others = [(kind, name) for kind, name in have.keys() - wanted.keys() if kind in ("model", "dataset", "space")]
    return _Collection(
        title, slug, there.private if there else True,
        missing=[item for key, item in wanted.items() if key not in have],
        renoted=[(have[key].item_object_id, item) for key, item in wanted.items()
                 if key in have and key[1] not in kept and have[key].note != item["note"]],
        lists_private=any(api.repo_info(name, repo_type=kind).private for kind, name in others),
    )  # fmt: skip


def _fill_collection(api: HfApi, stage: Stage, kept: set[str], private: bool) -> str:
    """Fill the collection, and then make it public unless one of its repos is ``private``. Returns its slug."""
    found = _find_collection(api, stage, kept)
    if found.slug is None:
        found.slug = api.create_collection(
            found.title, namespace=stage.release["namespace"], private=True, exists_ok=True
        ).slug
    for item in found.missing:
        api.add_collection_item(found.slug, **item, exists_ok=True)
    for object_id, item in found.renoted:
        api.update_collection_item(found.slug, object_id, note=item["note"])
    if found.private and not private and not found.lists_private:
        api.update_collection_metadata(found.slug, private=False)
    return found.slug
