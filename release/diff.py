"""Compute what publishing a stage would change on a Hub, file by file. This module writes nothing.

`diff` also finds every reason not to publish, before the first change. Examples: the token may not write in the
namespace, a repo of that name holds something else, the version is published with other content or was yanked, the
adapter's base is not on the Hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoFile
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils.sha import git_hash
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.dataset_builder.loading_script import REVISION
from arith_puzzle.release.hub import Hub, where
from arith_puzzle.release.preflight import (
    require_base,
    require_own_repo,
    require_valid_card,
    require_write_access,
)
from arith_puzzle.release.stage import SCRIPT_FOLDER, Repo, read_plan

RELEASE_TAG = re.compile(r"v\d+\.\d+\.\d+\S*")
YANKED = "-yanked"
"""The end of the second tag that a yanked version gets."""
HUB_FILES = {".gitattributes"}
"""Files that the Hub writes itself."""
SHARED = ("base", "dataset", "metric", "environment")
"""Kinds of repos that several releases of a namespace use, as they use those of the package's adapters. If the rest is
equal, DERIVED files may differ."""
DERIVED = re.compile(r"(README\.md|manifest\.json|run\.json|results\.json|eval\.yaml|(plots|\.eval_results)/.*)")
"""Files that staging writes about a release: of what it was scored on, for example."""
_RENAME = {
    "base": ", or rename the base's folder",
    "adapter": ", or give the recipe another name",
    "merged": ", or give the recipe another name",
    "demo": ", or give the recipe a name that does not begin with arith-puzzle-, after which its demo is called",
}


def is_shared(repo: Repo) -> bool:
    """Whether several releases of a namespace use the repo."""
    return repo.kind in SHARED or bool(repo.shipped)


class Stage:
    """A stage on disk. Each file is read and hashed at most once.

    Attributes:
        root: its folder.
        release: the content of ``release.json``.
        repos: the repos, in the order of publishing.
        tag: the version's tag.
    """

    def __init__(self, root: Path):
        self.root = root
        self.release, self.repos = read_plan(root)
        self.tag: str = self.release["tag"]
        self.ids = {repo.kind: repo.id for repo in self.repos}
        self._files: dict[str, dict[str, CommitOperationAdd]] = {}
        self._blobs: dict[tuple[str, str], str] = {}

    def branches(self, repo: Repo) -> dict[str, str]:
        """{branch: folder of the stage}, in the order of the commits. ``main``, which gets the tag, comes last."""
        script = repo.kind == "dataset" and (self.root / SCRIPT_FOLDER).is_dir()
        return {REVISION: SCRIPT_FOLDER, "main": repo.kind} if script else {"main": repo.kind}

    def files(self, folder: str) -> dict[str, CommitOperationAdd]:
        """{path in the repo: its upload}. An upload remembers which of its parts have arrived."""
        if folder not in self._files:
            root = self.root / folder
            paths = sorted(path for path in root.rglob("*") if path.is_file())
            if not paths:
                raise InputError(f"{root} contains no file; run `arith-puzzle stage` again")
            names = [path.relative_to(root).as_posix() for path in paths]
            self._files[folder] = {
                name: CommitOperationAdd(name, path) for name, path in zip(names, paths, strict=True)
            }
        return self._files[folder]

    def holds(self, folder: str, entry: RepoFile) -> bool:
        """Whether a file on the Hub equals the staged one. Small files have git's hash, others a SHA-256."""
        upload = self.files(folder)[entry.path]
        if upload.upload_info.size != entry.size:
            return False
        if entry.lfs:
            return upload.upload_info.sha256.hex() == entry.lfs.sha256
        if (folder, entry.path) not in self._blobs:
            self._blobs[folder, entry.path] = git_hash((self.root / folder / entry.path).read_bytes())
        return self._blobs[folder, entry.path] == entry.blob_id


@dataclass
class BranchDiff:
    """The difference between a branch and its staged folder. Paths map to sizes in bytes, after the change.

    Attributes:
        name: the branch.
        head: its commit, or None if the branch does not exist yet.
        add, change, delete: the files that would be added, changed and deleted.
        same: the number of equal files.
        kept: the number of DERIVED files of another release, which stay as they are.
        uploads: what ``add`` and ``change`` send.
    """

    name: str
    head: str | None
    add: dict[str, int] = field(default_factory=dict)
    change: dict[str, int] = field(default_factory=dict)
    delete: dict[str, int] = field(default_factory=dict)
    same: int = 0
    kept: int = 0
    uploads: list[CommitOperationAdd] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether the branch needs a commit."""
        return bool(self.add or self.change or self.delete)

    @property
    def derived_only(self) -> bool:
        """Whether only DERIVED files differ."""
        return all(DERIVED.fullmatch(path) for path in (*self.add, *self.change, *self.delete))

    def as_published(self) -> BranchDiff:
        """The same branch, left as another release has published it."""
        differ = len(self.add) + len(self.change) + len(self.delete)
        return BranchDiff(self.name, self.head, same=self.same, kept=differ)

    def operations(self) -> list[CommitOperationAdd | CommitOperationDelete]:
        """The commit's operations."""
        return [*self.uploads, *(CommitOperationDelete(path, is_folder=False) for path in self.delete)]


@dataclass
class RepoDiff:
    """The difference between a repo on the Hub and its staged folders.

    Attributes:
        repo: which repo.
        exists, private: its state on the Hub. A repo that does not exist counts as private.
        tags: {tag: commit}.
        branches: a diff for each branch, in the order of the commits.
        tag_is_published: the version's tag exists and marks the staged content.
    """

    repo: Repo
    exists: bool
    private: bool
    tags: dict[str, str]
    branches: list[BranchDiff]
    tag_is_published: bool

    @property
    def released(self) -> bool:
        """Whether any version is published. A repo without one is private until it is complete."""
        return any(RELEASE_TAG.fullmatch(tag) for tag in self.tags)


def require_free_names(hub: Hub, repos: list[Repo], tag: str, *, weights: Mapping[str, Path], again: bool) -> None:
    """Find reasons not to publish that are known before anything is built or trained.

    Args:
        tag: the version's tag.
        weights: kind of a repo whose weights exist already -> their folder. The same weights may be published.
        again: the models exist already, or tags may move: then another content under the tag is no reason.

    Raises:
        InputError: the user may not write there, or a name is taken.
    """
    require_write_access(hub, repos)
    for repo in repos:
        hub.do(f"looking at {repo.id}", partial(_require_free_name, hub.api, repo, tag, weights, again=again))


def _require_free_name(api: HfApi, repo: Repo, tag: str, weights: Mapping[str, Path], *, again: bool) -> None:
    found = _look(api, repo, tag)
    if found is None or tag not in found[2] or again:
        return
    if folder := weights.get(repo.kind):
        large = {entry.path: entry.lfs.sha256 for entry in tree(api, repo, tag) if entry.lfs}
        if all((folder / path).is_file() and file_sha256(folder / path) == sha256 for path, sha256 in large.items()):
            return
    if repo.kind in _RENAME or repo.shipped:
        raise _taken(repo, tag)


def _taken(repo: Repo, tag: str) -> InputError:
    remedy = f", or leave out --with {repo.shipped}" if repo.shipped else _RENAME.get(repo.kind, "")
    return InputError(f"{repo.id} has {tag} with other content; raise the version in pyproject.toml{remedy}")


def _look(api: HfApi, repo: Repo, tag: str) -> tuple[bool, dict[str, str], dict[str, str]] | None:
    """(whether a repo is private, {branch: commit}, {tag: commit}); None if the repo does not exist.

    Raises:
        InputError: the repo is none of ours, or the version was yanked.
    """
    try:
        info = api.repo_info(**where(repo))
    except RepositoryNotFoundError:
        return None
    refs = api.list_repo_refs(**where(repo))
    heads, tags = ({ref.name: ref.target_commit for ref in group} for group in (refs.branches, refs.tags))
    if tag + YANKED in tags:
        raise InputError(f"{repo.id}: {tag} was yanked; raise the version in pyproject.toml")
    files = {sibling.rfilename for sibling in info.siblings}
    require_own_repo(api, repo, files, [tag for tag in tags if RELEASE_TAG.fullmatch(tag)])
    return bool(info.private), heads, tags


def diff_repo(api: HfApi, stage: Stage, repo: Repo, *, move_tags: bool) -> RepoDiff:
    """Compare one repo with its folders. Raises InputError if the staged content may not be published there."""
    found = _look(api, repo, stage.tag)
    if found is None:
        folders = stage.branches(repo).items()
        branches = [_compare(stage, folder, BranchDiff(name, None), []) for name, folder in folders]
        return RepoDiff(repo, False, True, {}, branches, tag_is_published=False)
    private, heads, tags = found

    def branch(name: str, folder: str, revision: str) -> BranchDiff:
        entries = tree(api, repo, revision) if name in heads else []
        return _compare(stage, folder, BranchDiff(name, heads.get(name)), entries)

    branches = [branch(name, folder, name) for name, folder in stage.branches(repo).items() if name != "main"]
    published = branch("main", repo.kind, stage.tag) if stage.tag in tags else None
    if published and (published.changes or any(other.changes for other in branches)):
        if move_tags:
            published = None
        elif is_shared(repo) and all(other.derived_only for other in (published, *branches)):
            published, *branches = (other.as_published() for other in (published, *branches))
        else:
            raise _taken(repo, stage.tag)
    # Where the tag has the staged content, main is left alone: it may hold a later commit.
    branches.append(published or branch("main", repo.kind, "main"))
    return RepoDiff(repo, True, private, tags, branches, tag_is_published=published is not None)


def tree(api: HfApi, repo: Repo, revision: str) -> list[RepoFile]:
    """The files of a revision, without those that the Hub writes itself."""
    entries = api.list_repo_tree(**where(repo), recursive=True, revision=revision)
    return [entry for entry in entries if isinstance(entry, RepoFile) and entry.path not in HUB_FILES]


def diff(hub: Hub, stage: Stage, *, move_tags: bool) -> list[RepoDiff]:
    """Compare every repo of the release. Raises InputError for the first reason not to publish it."""
    require_write_access(hub, stage.repos)
    found = []
    for repo in stage.repos:
        step = partial(diff_repo, hub.api, stage, repo, move_tags=move_tags)
        found.append(hub.do(f"looking at {repo.id}", step))
        if found[-1].exists:
            hub.do(f"writing to {repo.id}", partial(hub.api.auth_check, **where(repo), write=True))
    for repo in stage.repos:
        if repo.role == "adapter":
            require_base(hub, stage.root / repo.kind / "adapter_config.json", stage.repos, stage.tag)
    for each in found:
        for branch in each.branches:
            card = stage.files(stage.branches(each.repo)[branch.name]).get("README.md")
            if card in branch.uploads:
                require_valid_card(hub, each.repo, Path(card.path_or_fileobj).read_text(encoding="utf-8"))
    return found


def describe(found: RepoDiff, tag: str, *, private: bool) -> Iterator[str]:
    """Lines of text that say what would happen to a repo, file by file."""
    if found.exists:
        state = "private" if found.private else "public"
        shown = "" if found.released or private or not found.private else ", becomes public when it is complete"
    else:
        state, shown = "new", ", stays private" if private else ", public when it is complete"
    yield f"{found.repo.id} ({found.repo.type}, {state}{shown})"
    for branch in found.branches:
        if not branch.changes:
            kept = f", and {branch.kept} files about another release that uses it stay" if branch.kept else ""
            yield f"  {branch.name}: nothing to change, {branch.same} files{kept}"
            continue
        yield f"  {branch.name}: " + ("one commit" if branch.head else "new, one commit")
        for word, files in (("add", branch.add), ("change", branch.change), ("delete", branch.delete)):
            for path, size in files.items():
                yield f"    {word:<7}{tqdm.format_sizeof(size, 'B'):>8}  {path}"
        if branch.same:
            yield f"    same   {branch.same} files"
    yield f"  tag {tag}: " + ("published" if found.tag_is_published else "moves" if tag in found.tags else "new")


def _compare(stage: Stage, folder: str, branch: BranchDiff, published: list[RepoFile]) -> BranchDiff:
    staged, there = stage.files(folder), {entry.path: entry for entry in published}
    for path, upload in staged.items():
        if path in there and stage.holds(folder, there[path]):
            branch.same += 1
            continue
        (branch.change if path in there else branch.add)[path] = upload.upload_info.size
        branch.uploads.append(upload)
    branch.delete = {path: entry.size for path, entry in there.items() if path not in staged}
    return branch
