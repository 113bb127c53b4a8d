"""Publish a stage by huggingface_hub's ordinary calls. The real Hub and a rehearsal differ by endpoint and token."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, RepoFile
from huggingface_hub.errors import HfHubHTTPError
from tqdm import tqdm

from dataset_builder.errors import InputError
from dataset_builder.loading_script import REVISION
from release.stage import SCRIPT_FOLDER, Repo, read_plan


def namespace_of(api: HfApi) -> str:
    """The name of the token's user. Raises InputError if there is no valid token or no Hub."""
    with _plain_errors(api, "asking who the token belongs to"):
        return api.whoami()["name"]


def publish(staged: Path, api: HfApi, *, private: bool = False, move_tags: bool = False) -> dict[str, str]:
    """Create what is missing, upload what differs, tag, and collect. Nothing changed, no commit.

    Args:
        staged: as ``release.stage.stage`` wrote it.
        private: of repos that are created now.
        move_tags: a version that is out with other content is moved instead of refused (for rehearsals).

    Returns:
        {repo kind: commit SHA}, the same for the dataset's revision "script", and "collection": its slug.

    Raises:
        InputError: no valid token, a namespace that cannot be written to, a version that is published with
            other content, or a Hub that does not answer.
    """
    release, repos = read_plan(staged)
    published = {}
    for repo in tqdm(repos, desc="publish", unit="repo"):
        with _plain_errors(api, f"publishing {repo.id}"):
            published[repo.kind] = _publish_repo(staged / repo.kind, repo, api, release["tag"], private, move_tags)
            if repo.kind == "dataset":
                published[REVISION] = _publish_branch(staged / SCRIPT_FOLDER, repo, api, REVISION)
    with _plain_errors(api, "making the collection"):
        published["collection"] = _collect(release, repos, api, private)
    return published


def _publish_repo(folder: Path, repo: Repo, api: HfApi, tag: str, private: bool, move_tags: bool) -> str:
    where = {"repo_id": repo.id, "repo_type": repo.type}
    sdk = {"space_sdk": "gradio"} if repo.type == "space" else {}
    api.create_repo(**where, private=private, exist_ok=True, **sdk)
    tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(**where).tags}
    if tag in tags:
        if _same(_local_files(folder), _published_files(api, where, tag)):
            return tags[tag]
        if not move_tags:
            raise InputError(f"{repo.id} has {tag} with other content; raise the version in pyproject.toml")
    api.upload_folder(**where, folder_path=folder, commit_message=f"Release {tag}", delete_patterns="*")
    commit = api.repo_info(**where).sha
    if tag in tags:
        api.delete_tag(**where, tag=tag)
    api.create_tag(**where, tag=tag, revision=commit)
    return commit


def _publish_branch(folder: Path, repo: Repo, api: HfApi, branch: str) -> str:
    where = {"repo_id": repo.id, "repo_type": repo.type}
    api.create_branch(**where, branch=branch, exist_ok=True)
    if not _same(_local_files(folder), _published_files(api, where, branch)):
        message = f"Release {branch}"
        api.upload_folder(**where, folder_path=folder, revision=branch, commit_message=message, delete_patterns="*")
    return api.repo_info(**where, revision=branch).sha


def _local_files(folder: Path) -> dict[str, set[str]]:
    """Path -> the two hashes by which a Hub may know a file: git's blob SHA-1, and SHA-256 for large files."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        found[path.relative_to(folder).as_posix()] = {blob, hashlib.sha256(content).hexdigest()}
    return found


def _same(local: dict[str, set[str]], published: dict[str, str]) -> bool:
    return local.keys() == published.keys() and all(published[path] in local[path] for path in local)


def _published_files(api: HfApi, where: dict, revision: str) -> dict[str, str]:
    return {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in api.list_repo_tree(**where, recursive=True, revision=revision)
        if isinstance(entry, RepoFile) and entry.path != ".gitattributes"
    }


def _collect(release: dict, repos: list[Repo], api: HfApi, private: bool) -> str:
    slug = next(
        (c.slug for c in api.list_collections(owner=release["namespace"]) if c.title == release["collection"]), None
    )
    if slug is None:
        collection = api.create_collection(
            release["collection"], namespace=release["namespace"], private=private, exists_ok=True
        )
        slug = collection.slug
    have = {(item.item_type, item.item_id) for item in api.get_collection(slug).items}
    for repo in repos:
        if (repo.type, repo.id) not in have:
            api.add_collection_item(slug, item_id=repo.id, item_type=repo.type, exists_ok=True)
    return slug


@contextmanager
def _plain_errors(api: HfApi, doing: str) -> Iterator[None]:
    """A Hub's refusal as one line with its remedy, without headers, tokens or request bodies."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        remedy = {
            401: "the token is missing or not valid: run `hf auth login`, or set HF_TOKEN",
            403: "the token may not write there: use one with the role 'write', or another --namespace",
            404: "it is not there",
            409: "the name is taken by something else",
            429: "the Hub asks to slow down: try again later",
        }.get(status, (error.server_message or "the Hub refused").splitlines()[0])
        raise InputError(f"{doing} at {api.endpoint}: {remedy} (status {status})") from None
    except (httpx2.TransportError, ConnectionError) as error:
        raise InputError(
            f"{doing}: {api.endpoint} does not answer ({type(error).__name__}); check the address and the network"
        ) from None
