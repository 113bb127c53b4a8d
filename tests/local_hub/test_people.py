"""The local Hub: renamed repos, gated repos, roles, organizations, likes, lists with filters, scores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from huggingface_hub import EvalResultEntry, HfApi, eval_result_entries_to_yaml
from huggingface_hub.errors import BadRequestError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.local_hub.hub_client import add, auth, http

pytestmark = pytest.mark.usefixtures("no_xet")


def of(hub, token) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=token)


def status(call, *args, **options) -> int:
    with pytest.raises(HfHubHTTPError) as caught:
        call(*args, **options)
    return caught.value.response.status_code


def test_a_former_name_leads_to_the_present_one(hub, api, repo, tmp_path):
    api.create_commit(repo, [add("f.txt", b"1"), add("w.bin", b"large")], commit_message="first")
    api.move_repo(repo, f"{repo}-b")
    api.move_repo(f"{repo}-b", f"{repo}-c")
    answer = http.get(f"{hub.endpoint}/api/models/{repo}/tree/main?recursive=true")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/api/models/{repo}-c/tree/main?recursive=true"
    for name in (repo, f"{repo}-b", repo.upper().replace("LOCAL/", "local/") + "-C"):
        assert api.model_info(name).id == f"{repo}-c"
        down = api.snapshot_download(name, cache_dir=tmp_path / name)
        assert (Path(down) / "w.bin").read_bytes() == b"large"
    made = api.create_commit(repo, [add("g.txt", b"1"), add("v.bin", b"v")], commit_message="by the old name")
    assert api.model_info(f"{repo}-c").sha == made.oid
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(repo)  # deletion is permanent, so it needs the present name
    assert status(api.create_repo, f"{repo}-C") == 409  # names that differ in case alone are one
    api.update_repo_settings(f"{repo}-c", private=True)
    for stranger in (of(hub, False), of(hub, "hf_other")):
        with pytest.raises(RepositoryNotFoundError):
            stranger.model_info(repo)
    assert api.create_repo(repo).repo_id == repo and api.model_info(repo).id == repo


def test_a_gated_repo(hub, api, repo, tmp_path):
    api.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=b"large")
    api.update_repo_settings(repo, gated="manual")
    other = of(hub, "hf_other")
    assert other.model_info(repo).gated == "manual" and other.list_repo_files(repo) == [".gitattributes", "w.bin"]
    for stranger in (other, of(hub, False)):
        for name in ("w.bin", ".gitattributes"):
            with pytest.raises(GatedRepoError):
                stranger.hf_hub_download(repo, name, cache_dir=tmp_path / "stranger")
        with pytest.raises(GatedRepoError):
            stranger.auth_check(repo)
    batch = {"operation": "download", "objects": [{"oid": "0" * 64, "size": 1}]}
    address = f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch"
    for headers, code in [({}, 401), ({"Authorization": "Bearer hf_other"}, 403), (auth(hub), 200)]:
        assert http.post(address, json=batch, headers=headers).status_code == code

    ask = f"{hub.endpoint}/{repo}/ask-access"
    assert http.post(ask, headers={"Authorization": "Bearer hf_other"}).status_code == 200
    assert [request.username for request in api.list_pending_access_requests(repo)] == ["other"]
    assert (
        status(other.auth_check, repo) == 403 and status(lambda: list(other.list_pending_access_requests(repo))) == 403
    )
    api.accept_access_request(repo, "other")
    other.auth_check(repo)
    assert Path(other.hf_hub_download(repo, "w.bin", cache_dir=tmp_path / "other")).read_bytes() == b"large"
    assert [found.id for found in api.list_models(gated=True, search=repo)] == [repo]
    assert not list(api.list_models(gated=False, search=repo))
    with pytest.raises(HfHubHTTPError, match="404"):
        api.grant_access(repo, "nobody-at-all")
    api.update_repo_settings(repo, gated=False)
    with pytest.raises(BadRequestError):
        api.grant_access(repo, "member")


def test_roles_of_tokens_and_in_organizations(hub, api):
    member, fine = of(hub, "hf_member"), of(hub, "hf_fine")
    roles = {org["name"]: org["roleInOrg"] for org in member.whoami()["orgs"]}
    assert roles == {"puzzlers": "write", "guild": "write", "school": "read"}
    member.create_repo("guild/fine", private=True, exist_ok=True)
    member.create_repo("guild/other", exist_ok=True)
    assert status(member.create_repo, "school/x") == 403
    assert fine.whoami()["auth"]["accessToken"]["role"] == "fineGrained"
    fine.upload_file(repo_id="guild/fine", path_in_repo="f", path_or_fileobj=b"1")
    upload = {"path_in_repo": "f", "path_or_fileobj": b"1"}
    assert status(fine.upload_file, repo_id="guild/other", **upload) == 403
    assert status(fine.create_repo, "member/mine") == 403 and status(fine.create_repo, "guild/third") == 403
    assert fine.list_repo_files("guild/fine") == [".gitattributes", "f"]
    closed = of(hub, "hf_closed")
    assert closed.model_info(closed.create_repo("closed-org/default").repo_id).private
    assert not closed.model_info(closed.create_repo("closed-org/open", private=False).repo_id).private
    assert [user.username for user in api.list_organization_members("guild")] == ["member"]
    overview = api.get_organization_overview("guild")
    assert (overview.num_users, overview.num_models) == (1, 1)  # a stranger does not count the private one
    assert member.get_organization_overview("guild").num_models == 2
    assert [org.name for org in api.get_user_overview("member").orgs][:2] == ["puzzlers", "guild"]
    for missing in (lambda: api.get_user_overview("nobody"), lambda: list(api.list_organization_members("nobody"))):
        assert status(missing) == 404
    sizes = {found.id: found.visibility for found in member.list_user_repos("guild")}
    assert sizes["guild/fine"] == "private" and status(lambda: list(api.list_user_repos("guild"))) == 403


def test_likes(hub, api, repo):
    for token in (hub.token, "hf_other"):
        address = f"{hub.endpoint}/api/models/{repo}/like"
        for _ in range(2):  # twice is once
            assert http.post(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert api.model_info(repo).likes == 2
    assert {user.username for user in api.list_repo_likers(repo)} == {"local", "other"}
    assert repo in api.list_liked_repos().models and repo in api.list_liked_repos("other").models
    assert [found.id for found in api.list_models(sort="likes", limit=1)] == [repo]
    api.unlike(repo)
    assert repo not in api.list_liked_repos().models and api.model_info(repo).likes == 1
    api.update_repo_settings(repo, private=True)
    assert repo not in of(hub, "hf_member").list_liked_repos("other").models
    with pytest.raises(RepositoryNotFoundError):
        api.unlike("local/missing")


def test_lists_with_their_filters(api):
    mark = f"mark{os.urandom(3).hex()}"
    data = api.create_repo(f"{mark}-data", repo_type="dataset").repo_id
    card = f"---\nlanguage: en\ntask_categories: [text-generation]\ntags: [{mark}]\n---\n"
    api.upload_file(repo_id=data, repo_type="dataset", path_in_repo="README.md", path_or_fileobj=card.encode())
    tuned = api.create_repo(f"{mark}-tuned").repo_id
    card = f"---\npipeline_tag: text-generation\nlibrary_name: peft\ntags: [{mark}]\ndatasets: [{data}]\n---\n"
    api.upload_file(repo_id=tuned, path_in_repo="README.md", path_or_fileobj=card.encode())
    plain = api.create_repo(f"{mark}-plain").repo_id
    space = api.create_repo(f"{mark}-space", repo_type="space", space_sdk="static").repo_id
    assert api.space_info(space).card_data.sdk == "static"  # a new Space has a card
    card = f"---\ntitle: x\nsdk: static\nmodels: [{tuned}]\n---\n"
    api.upload_file(repo_id=space, repo_type="space", path_in_repo="README.md", path_or_fileobj=card.encode())

    def ids(found) -> list[str]:
        return [one.id for one in found]

    assert ids(api.list_models(search=mark, sort="created_at")) == [plain, tuned]
    assert ids(api.list_models(search=mark, pipeline_tag="text-generation")) == [tuned]
    assert ids(api.list_models(filter=mark, trained_dataset=data)) == [tuned]
    assert ids(api.list_models(filter=[mark, "peft"])) == [tuned] and not ids(
        api.list_models(author="other", search=mark)
    )
    assert ids(api.list_datasets(filter=mark, task_categories="text-generation", language="en")) == [data]
    assert ids(api.list_datasets(search=mark, author="LOCAL")) == [data]
    assert ids(api.list_spaces(search=mark, models=tuned)) == ids(api.list_spaces(search=mark, linked=True)) == [space]
    assert not ids(api.list_spaces(search=mark, datasets=data))
    full = next(iter(api.list_models(filter=mark, full=True)))
    assert full.card_data.library_name == "peft" and [file.rfilename for file in full.siblings]
    few = next(iter(api.list_models(filter=mark, expand=["pipeline_tag", "usedStorage"])))
    assert few.pipeline_tag == "text-generation" and few.used_storage > 0 and few.sha is None
    for wrong in ({"expand": ["secrets"]}, {"sort": "colour"}):
        with pytest.raises(BadRequestError):
            list(api.list_models(**wrong))
    with pytest.raises(BadRequestError, match="expected one of"):
        api.model_info(tuned, expand=["secrets"])


def test_the_scores_of_a_model(api, repo):
    entries = [EvalResultEntry(dataset_id="local/arith-puzzle", task_id="test", value=0.5, date="2024-05-06")]
    text = eval_result_entries_to_yaml(entries)
    files = [add(".eval_results/test.yaml", yaml.safe_dump(text).encode()), add(".eval_results/bad.yaml", b"- a\n")]
    api.create_commit(repo, files, commit_message="scores")
    assert api.model_info(repo, expand=["evalResults"]).eval_results == entries
