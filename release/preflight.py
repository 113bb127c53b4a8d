"""What stands in the way of publishing, found by asking and before anything is written; each one line."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session, hf_raise_for_status

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.hub import Hub, owner, where
from arith_puzzle.release.stage import Repo

_MADE_WITH = {".gitattributes", "README.md"}
"""What the Hub itself puts into a new repo, a card only into a Space or where one was chosen on the website."""


def commit_title(tag: str) -> str:
    """By such a commit a repo is known as one of ours."""
    return f"Release {tag}"


def refuse_foreign_namespace(hub: Hub, repos: list[Repo]) -> None:
    """The token's user must be the namespace, or a member of it who may write; the token must not only read."""
    user, writable = owner(hub)
    for repo in repos:
        if repo.id.split("/")[0] not in writable:
            raise InputError(
                f"{repo.id}: the token of {user} may not write in that namespace, only in {', '.join(sorted(writable))}"
            )


def refuse_strangers(api: HfApi, repo: Repo, files: set[str], tags: list[str]) -> None:
    """A repo is ours to write where it holds nothing but what the Hub made it with, or a release of ours was before.

    Args:
        files: of main. tags: those that look like a version's; a history that was squashed lives on in them.
    """
    last = None
    for revision in ["main", *tags]:
        commits = list(api.list_repo_commits(**where(repo), revision=revision))
        last = last or commits[0]
        if any(commit.title.startswith(commit_title("v")) for commit in commits):
            return
        if revision == "main" and len(commits) == 1 and files <= _MADE_WITH:
            return
    raise InputError(
        f"{repo.id}: the name is taken by something else (last commit: '{last.title[:60]}'); rename that {repo.type}, "
        f"or publish in another --namespace"
    )


def refuse_gone_base(hub: Hub, config_file: Path, repos: list[Repo], tag: str) -> None:
    """An adapter loads on nothing else than its base: that must come with the release, or be on the Hub."""
    config = json.loads(config_file.read_text())
    base, revision = config["base_model_name_or_path"], config.get("revision")
    if base in {repo.id for repo in repos}:
        if revision != tag:
            raise InputError(f"the adapter wants {base} at {revision}, the release tags it {tag}; stage again")
        return

    def resolve() -> str | None:
        try:
            hub.api.repo_info(base, repo_type="model", revision=revision)
        except RevisionNotFoundError:
            return f"has no revision {revision}"
        except RepositoryNotFoundError:
            return "is not there, or the token may not see it"
        return None

    if problem := hub.do(f"looking for the base {base}", resolve):
        raise InputError(
            f"the adapter's base {base} {problem}: nobody could load the adapter; correct the recipe's model"
        )


def refuse_broken_card(hub: Hub, repo: Repo, card: str) -> None:
    """The Hub's own check of the front matter: it would refuse the commit, and by then other repos are out."""

    def ask() -> str | None:
        body = {"content": card, "repoType": repo.type}
        answer = get_session().post(f"{hub.api.endpoint}/api/validate-yaml", json=body)
        if answer.status_code == 400:
            return "; ".join(error.get("message", "") for error in answer.json().get("errors", []))
        hf_raise_for_status(answer)
        return None

    if problem := hub.do(f"checking the card of {repo.id}", ask):
        raise InputError(f"{repo.id}: the Hub refuses its card: {' '.join(problem.split())}")
