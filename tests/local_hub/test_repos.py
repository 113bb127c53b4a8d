"""The local Hub: repos and their names, rights, info, errors, collections."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from tests.local_hub.hub_client import add, auth, http

pytestmark = pytest.mark.usefixtures("no_xet")


def test_info_tells_card_tags_and_files(api, repo):
    card = b"---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: peft\nbase_model: a/b\n"
    card += b"tags: [puzzle]\ndate: 2024-01-31\n---\n"
    api.create_commit(repo, [add("README.md", card), add("a/x.bin", b"large")], commit_message="two")
    info = api.model_info(repo, files_metadata=True)
    assert (
        info.card_data.license == "apache-2.0"
        and info.library_name == "peft"
        and info.card_data["date"] == "2024-01-31"
    )
    assert {"license:apache-2.0", "en", "peft", "puzzle", "base_model:a/b"} <= set(info.tags)
    files = {sibling.rfilename: sibling for sibling in info.siblings}
    assert files["a/x.bin"].lfs.sha256 == hashlib.sha256(b"large").hexdigest() and files["a/x.bin"].size == 5
    assert files["README.md"].size == len(card) and files["README.md"].lfs is None
    assert (
        info.private is False
        and info.author == "local"
        and info.last_modified >= info.created_at.replace(microsecond=0)
    )

    few = api.model_info(repo, expand=["sha", "tags"])
    assert few.sha == info.sha and few.tags == info.tags and few.siblings is None
    assert repo in [found.id for found in api.list_models(author="local", filter=["peft", "puzzle"])]
    assert [found.id for found in api.list_models(search=repo.upper())] == [repo]
    assert not list(api.list_models(search=repo, filter="no-such-tag")) and not list(api.list_datasets(search=repo))


def test_move_and_delete_repo(api, repo):
    api.upload_file(repo_id=repo, path_in_repo="x.bin", path_or_fileobj=b"large")
    collection = api.create_collection(f"of {repo[-6:]}")
    api.add_collection_item(collection.slug, repo, "model")
    api.move_repo(repo, repo + "-new")
    assert api.model_info(repo).id == api.model_info(repo + "-new").id == repo + "-new"
    assert [item.item_id for item in api.get_collection(collection.slug).items] == [repo + "-new"]
    assert api.file_exists(repo + "-new", "x.bin")
    api.create_repo(repo)
    assert api.model_info(repo).id == repo  # a new repo takes the name back
    with pytest.raises(HfHubHTTPError, match="already exists") as caught:
        api.move_repo(repo, repo + "-new")
    assert caught.value.response.status_code == 409
    api.delete_repo(repo + "-new")
    assert not api.repo_exists(repo + "-new") and api.get_collection(collection.slug).items == []
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(repo + "-new")
    api.delete_repo(repo + "-new", missing_ok=True)


def test_create_repo_again(hub, api, repo):
    url = api.create_repo(repo, exist_ok=True)
    assert (url.repo_id, url.repo_type, str(url)) == (repo, "model", f"{hub.endpoint}/{repo}")
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_repo(repo)
    assert caught.value.response.status_code == 409 and caught.value.response.json()["url"] == str(url)
    assert api.create_repo("no-namespace-" + os.urandom(3).hex(), repo_type="dataset").namespace == "local"


def test_tokens_and_roles(hub, api, repo):
    def status(call, *args, **options) -> int:
        with pytest.raises(HfHubHTTPError) as caught:
            call(*args, **options)
        return caught.value.response.status_code

    def of(token) -> HfApi:
        return HfApi(endpoint=hub.endpoint, token=token)

    assert api.whoami()["name"] == "local" and api.whoami()["auth"]["accessToken"]["role"] == "write"
    assert of("hf_member").whoami()["orgs"][0]["name"] == "puzzlers"
    upload = {"repo_id": repo, "path_in_repo": "f", "path_or_fileobj": b"1"}
    assert status(of("hf_nobody").whoami) == 401
    assert status(of("hf_nobody").model_info, repo) == 401
    for token, expected in [(False, 401), ("hf_nobody", 401), ("hf_reader", 403), ("hf_other", 403)]:
        assert status(of(token).upload_file, **upload) == expected
        assert status(of(token).create_repo, "local/another") == expected
        assert status(of(token).create_tag, repo, tag="t") == expected
        assert status(of(token).create_collection, "mine", namespace="local") == expected
    assert of("hf_member").create_repo("puzzlers/shared", exist_ok=True).repo_id == "puzzlers/shared"
    assert api.list_repo_files(repo) == [".gitattributes"] and not api.repo_exists("local/another")


def test_private_repo(hub, api, repo, tmp_path):
    api.upload_file(repo_id=repo, path_in_repo="secret.bin", path_or_fileobj=b"secret")
    api.update_repo_settings(repo, private=True)
    strangers = [HfApi(endpoint=hub.endpoint, token=False), HfApi(endpoint=hub.endpoint, token="hf_other")]
    for stranger in strangers:
        for read in (
            lambda s: s.model_info(repo),
            lambda s: s.hf_hub_download(repo, "secret.bin", cache_dir=tmp_path / "stranger"),
            lambda s: list(s.list_repo_tree(repo)),
            lambda s: s.get_paths_info(repo, "secret.bin"),
            lambda s: s.list_repo_refs(repo),
            lambda s: s.list_repo_commits(repo),
            lambda s: s.auth_check(repo),
        ):
            with pytest.raises(RepositoryNotFoundError):
                read(stranger)
        assert not list(stranger.list_models(search=repo))
    for friend in (api, HfApi(endpoint=hub.endpoint, token="hf_reader")):
        friend.auth_check(repo)
        down = friend.hf_hub_download(repo, "secret.bin", cache_dir=tmp_path / "friend")
        assert Path(down).read_bytes() == b"secret"
        assert [found.private for found in friend.list_models(search=repo)] == [True]


def test_missing_things_raise_the_clients_exceptions(api, repo, tmp_path):
    with pytest.raises(RepositoryNotFoundError):
        api.hf_hub_download("local/missing", "f", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(repo, "f", revision="missing", cache_dir=tmp_path)
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo, "missing", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        api.create_commit(repo, [add("f", b"1")], commit_message="m", revision="missing")
    with pytest.raises(RepositoryNotFoundError):
        api.create_commit("local/missing", [add("f", b"1")], commit_message="m")
    assert api.revision_exists(repo, "main") and not api.revision_exists(repo, "missing")
    assert api.file_exists(repo, ".gitattributes") and not api.file_exists(repo, "missing")


@pytest.mark.parametrize(
    "name", ["a--b", "a..b", ".a", "-a", "a.git", "x" * 97, "a b", "ü", "..", "tree", "a\\b", "a/b", ""]
)
def test_bad_repo_names_are_refused(hub, name):
    url = f"{hub.endpoint}/api/repos/create"
    refused = http.post(url, json={"name": name, "organization": "local"}, headers=auth(hub))
    assert refused.status_code == 400 and refused.json()["error"]


def test_collections(hub, api, repo):
    title = f"Puzzles {os.urandom(3).hex()}"
    made = api.create_collection(title, description="all of it")
    assert api.create_collection(title, exists_ok=True).slug == made.slug
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_collection(title)
    assert caught.value.response.status_code == 409
    api.create_repo(repo, repo_type="dataset")
    api.add_collection_item(made.slug, repo, "model", note="the adapter")
    api.add_collection_item(made.slug, repo, "dataset")
    again = api.add_collection_item(made.slug, repo, "dataset", exists_ok=True)
    assert [(item.item_id, item.item_type, item.note) for item in again.items] == [
        (repo, "model", "the adapter"),
        (repo, "dataset", None),
    ]
    for item_id, status in [(repo, 409), ("local/missing", 404)]:
        with pytest.raises(HfHubHTTPError) as caught:
            api.add_collection_item(made.slug, item_id, "dataset")
        assert caught.value.response.status_code == status
    api.update_collection_item(made.slug, again.items[1].item_object_id, position=0, note="the data")
    assert [item.note for item in api.get_collection(made.slug).items] == ["the data", "the adapter"]
    assert api.update_collection_metadata(made.slug, description="new", private=True).description == "new"
    assert [found.slug for found in api.list_collections(owner="local", item=f"models/{repo}")] == [made.slug]
    stranger = HfApi(endpoint=hub.endpoint, token="hf_other")
    assert made.slug not in [found.slug for found in stranger.list_collections()]
    with pytest.raises(HfHubHTTPError):
        stranger.get_collection(made.slug)
    api.delete_collection_item(made.slug, again.items[0].item_object_id)
    assert [item.item_type for item in api.get_collection(made.slug).items] == ["dataset"]
    api.delete_collection(made.slug)
    api.delete_collection(made.slug, missing_ok=True)
    with pytest.raises(HfHubHTTPError):
        api.get_collection(made.slug)
