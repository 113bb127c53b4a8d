"""Find reasons not to publish, before anything is written. Each check raises InputError with a message of one line."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session, hf_raise_for_status

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.hub import Hub, owner, where
from arith_puzzle.release.stage import Repo

_INITIAL_FILES = {".gitattributes", "README.md"}
"""Files that the Hub puts into a new repo. A card is only in a new Space, or where the website's form asked for one."""


def commit_title(tag: str) -> str:
    """The title of a release's commits. By it `require_own_repo` recognises our repos."""
    return f"Release {tag}"


def require_write_access(hub: Hub, repos: list[Repo]) -> None:
    """The token must allow writing, and its user must be the namespace or a member of it who may write."""
    user, writable = owner(hub)
    for repo in repos:
        if repo.id.split("/")[0] not in writable:
            raise InputError(
                f"{repo.id}: the token of {user} may not write in that namespace, only in {', '.join(sorted(writable))}"
            )


def require_own_repo(api: HfApi, repo: Repo, files: set[str], tags: list[str]) -> None:
    """The repo must be new, or one of its commits must be a release of ours.

    Args:
        files: the files on ``main``.
        tags: the tags that look like versions. They keep the commits of a branch whose history was squashed.
    """
    last = None
    for revision in ["main", *tags]:
        commits = list(api.list_repo_commits(**where(repo), revision=revision))
        last = last or commits[0]
        if any(commit.title.startswith(commit_title("v")) for commit in commits):
            return
        if revision == "main" and len(commits) == 1 and files <= _INITIAL_FILES:
            return
    raise InputError(
        f"{repo.id}: the name is taken by something else (last commit: '{last.title[:60]}'); rename that {repo.type}, "
        f"or publish in another --namespace"
    )


def require_base(hub: Hub, config_file: Path, repos: list[Repo], tag: str) -> None:
    """The adapter's base must be part of the release or be on the Hub. Without it nobody can load the adapter."""
    config = json.loads(config_file.read_text())
    base, revision = config["base_model_name_or_path"], config.get("revision")
    if base in {repo.id for repo in repos}:
        if revision != tag:
            raise InputError(f"the adapter names {base} at {revision}, but the release tags it {tag}; stage it again")
        return

    def resolve() -> str | None:
        try:
            hub.api.repo_info(base, repo_type="model", revision=revision)
        except RevisionNotFoundError:
            return f"has no revision {revision}"
        except RepositoryNotFoundError:
            return "is not on the Hub, or the token may not see it"
        return None

    if problem := hub.do(f"looking for the base {base}", resolve):
        raise InputError(
            f"the adapter's base {base} {problem}, so nobody can load the adapter; correct the recipe's model"
        )


def require_valid_card(hub: Hub, repo: Repo, card: str) -> None:
    """The Hub must accept the card's front matter. Otherwise it refuses the commit when other repos are published."""

    def ask() -> str | None:
        body = {"content": card, "repoType": repo.type}
        answer = get_session().post(f"{hub.api.endpoint}/api/validate-yaml", json=body)
        if answer.status_code == 400:
            return "; ".join(error.get("message", "") for error in answer.json().get("errors", []))
        hf_raise_for_status(answer)
        return None

    if problem := hub.do(f"checking the card of {repo.id}", ask):
        raise InputError(f"{repo.id}: the Hub refuses its card: {' '.join(problem.split())}")
