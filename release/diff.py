"""What publishing a stage would change on a Hub, file by file. Nothing here writes.

Everything that can be refused is refused here, before the first change: a namespace that is someone else's, a name that
holds something else, a version that is out with other content or withdrawn, a base that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoFile
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils.sha import git_hash
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.loading_script import REVISION
from arith_puzzle.release.hub import Hub, where
from arith_puzzle.release.preflight import (
    refuse_broken_card,
    refuse_foreign_namespace,
    refuse_gone_base,
    refuse_strangers,
)
from arith_puzzle.release.stage import SCRIPT_FOLDER, Repo, read_plan

RELEASE_TAG = re.compile(r"v\d+\.\d+\.\d+\S*")
WITHDRAWN = "-yanked"
"""What a withdrawn version's second tag ends with."""
HUBS_OWN = {".gitattributes"}
"""Files that the Hub writes and a stage does not."""


class Stage:
    """A stage on disk; each file is read and hashed at most once."""

    def __init__(self, root: Path):
        self.root = root
        self.release, self.repos = read_plan(root)
        self.tag: str = self.release["tag"]
        self._files: dict[str, dict[str, CommitOperationAdd]] = {}
        self._blobs: dict[tuple[str, str], str] = {}

    @staticmethod
    def branches(repo: Repo) -> dict[str, str]:
        """{branch: folder of the stage}, in the order of committing: what a tag marks comes last."""
        return {REVISION: SCRIPT_FOLDER, "main": repo.kind} if repo.kind == "dataset" else {"main": repo.kind}

    def files(self, folder: str) -> dict[str, CommitOperationAdd]:
        """{path in the repo: its upload}; an upload remembers what of it has arrived."""
        if folder not in self._files:
            root = self.root / folder
            paths = sorted(path for path in root.rglob("*") if path.is_file())
            if not paths:
                raise InputError(f"{root} holds no file; run `arith-puzzle stage` again")
            names = [path.relative_to(root).as_posix() for path in paths]
            self._files[folder] = {
                name: CommitOperationAdd(name, path) for name, path in zip(names, paths, strict=True)
            }
        return self._files[folder]

    def holds(self, folder: str, entry: RepoFile) -> bool:
        """Whether a file on the Hub has the bytes of the staged one: by SHA-256, or by git's hash where it is small."""
        upload = self.files(folder)[entry.path]
        if upload.upload_info.size != entry.size:
            return False
        if entry.lfs:
            return upload.upload_info.sha256.hex() == entry.lfs.sha256
        if (folder, entry.path) not in self._blobs:
            self._blobs[folder, entry.path] = git_hash((self.root / folder / entry.path).read_bytes())
        return self._blobs[folder, entry.path] == entry.blob_id


@dataclass
class Branch:
    """A branch beside the folder that it is to hold. Paths map to sizes in bytes, new ones of what changes."""

    name: str
    head: str | None
    """Its commit; None where there is no such branch yet."""
    add: dict[str, int] = field(default_factory=dict)
    change: dict[str, int] = field(default_factory=dict)
    delete: dict[str, int] = field(default_factory=dict)
    same: int = 0
    uploads: list[CommitOperationAdd] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        return bool(self.add or self.change or self.delete)

    def operations(self) -> list[CommitOperationAdd | CommitOperationDelete]:
        return [*self.uploads, *(CommitOperationDelete(path, is_folder=False) for path in self.delete)]


@dataclass
class Found:
    """A repo as it is, beside what it is to become."""

    repo: Repo
    exists: bool
    private: bool
    tags: dict[str, str]
    """{tag: commit}"""
    branches: list[Branch]
    tag_is_out: bool
    """The version's tag is there and marks what is staged."""

    @property
    def released(self) -> bool:
        """Whether any version is out; a repo without one is private until it is whole."""
        return any(RELEASE_TAG.fullmatch(tag) for tag in self.tags)


def look(api: HfApi, stage: Stage, repo: Repo, *, move_tags: bool) -> Found:
    """Compare one repo with its folders. Raises InputError where it may not become what is staged."""
    try:
        info = api.repo_info(**where(repo))
    except RepositoryNotFoundError:
        branches = [_compare(stage, folder, Branch(name, None), []) for name, folder in stage.branches(repo).items()]
        return Found(repo, False, True, {}, branches, tag_is_out=False)
    refs = api.list_repo_refs(**where(repo))
    heads, tags = ({ref.name: ref.target_commit for ref in group} for group in (refs.branches, refs.tags))
    if stage.tag + WITHDRAWN in tags:
        raise InputError(f"{repo.id}: {stage.tag} was withdrawn; raise the version in pyproject.toml")
    files = {sibling.rfilename for sibling in info.siblings}
    refuse_strangers(api, repo, files, [tag for tag in tags if RELEASE_TAG.fullmatch(tag)])

    def branch(name: str, folder: str, revision: str) -> Branch:
        entries = tree(api, repo, revision) if name in heads else []
        return _compare(stage, folder, Branch(name, heads.get(name)), entries)

    branches = [branch(name, folder, name) for name, folder in stage.branches(repo).items() if name != "main"]
    out = branch("main", repo.kind, stage.tag) if stage.tag in tags else None
    if out and (out.changes or any(other.changes for other in branches)):
        if not move_tags:
            raise InputError(f"{repo.id} has {stage.tag} with other content; raise the version in pyproject.toml")
        out = None
    # A version that is out is as it should be; main may have moved on since.
    branches.append(out or branch("main", repo.kind, "main"))
    return Found(repo, True, bool(info.private), tags, branches, tag_is_out=out is not None)


def tree(api: HfApi, repo: Repo, revision: str) -> list[RepoFile]:
    """The files of a revision that are not the Hub's own."""
    entries = api.list_repo_tree(**where(repo), recursive=True, revision=revision)
    return [entry for entry in entries if isinstance(entry, RepoFile) and entry.path not in HUBS_OWN]


def survey(hub: Hub, stage: Stage, *, move_tags: bool) -> list[Found]:
    """Every repo of the release. Raises InputError for the first thing that stands in the way of publishing it."""
    refuse_foreign_namespace(hub, stage.repos)
    found = []
    for repo in stage.repos:
        found.append(hub.do(f"looking at {repo.id}", lambda repo=repo: look(hub.api, stage, repo, move_tags=move_tags)))
        if found[-1].exists:
            hub.do(f"writing to {repo.id}", lambda repo=repo: hub.api.auth_check(**where(repo), write=True))
    if any(repo.kind == "adapter" for repo in stage.repos):
        refuse_gone_base(hub, stage.root / "adapter" / "adapter_config.json", stage.repos, stage.tag)
    for each in found:
        for branch in each.branches:
            card = stage.files(stage.branches(each.repo)[branch.name]).get("README.md")
            if card in branch.uploads:
                refuse_broken_card(hub, each.repo, Path(card.path_or_fileobj).read_text(encoding="utf-8"))
    return found


def lines(found: Found, tag: str, *, private: bool) -> Iterator[str]:
    """What would happen to a repo, file by file."""
    if found.exists:
        state = "private" if found.private else "public"
        shown = "" if found.released or private or not found.private else ", becomes public when it is whole"
    else:
        state, shown = "new", ", stays private" if private else ", public when it is whole"
    yield f"{found.repo.id} ({found.repo.type}, {state}{shown})"
    for branch in found.branches:
        if not branch.changes:
            yield f"  {branch.name}: nothing to change, {branch.same} files"
            continue
        yield f"  {branch.name}: " + ("one commit" if branch.head else "new, one commit")
        for word, files in (("add", branch.add), ("change", branch.change), ("delete", branch.delete)):
            for path, size in files.items():
                yield f"    {word:<7}{tqdm.format_sizeof(size, 'B'):>8}  {path}"
        if branch.same:
            yield f"    same   {branch.same} files"
    yield f"  tag {tag}: " + ("is out" if found.tag_is_out else "moves" if tag in found.tags else "new")


def _compare(stage: Stage, folder: str, branch: Branch, published: list[RepoFile]) -> Branch:
    staged, there = stage.files(folder), {entry.path: entry for entry in published}
    for path, upload in staged.items():
        if path in there and stage.holds(folder, there[path]):
            branch.same += 1
            continue
        (branch.change if path in there else branch.add)[path] = upload.upload_info.size
        branch.uploads.append(upload)
    branch.delete = {path: entry.size for path, entry in there.items() if path not in staged}
    return branch
