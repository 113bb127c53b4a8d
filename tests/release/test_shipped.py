"""The adapters of the package that a release publishes too: which ones, their cards, and what releases share."""

import json
import shutil
from dataclasses import replace

import pytest
from huggingface_hub import HfApi, ModelCard, SpaceCard

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, file_sha256
from arith_puzzle.local_hub import running
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.model_cards import shipped
from arith_puzzle.model_cards.snippets import snippets
from arith_puzzle.release.diff import require_free_names
from arith_puzzle.release.hub import connect
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import PAPER, TAG, plan, read_plan
from arith_puzzle.release.yank import yank
from arith_puzzle.training.recipe import load_recipe
from tests.commands import command
from tests.release.conftest import SHIPPED
from tests.release.staging import hub_state, write_stage

NAME, BASE = "arith-puzzle-arith-tiny-search-lora", "arith-tiny-search"
FOLDER = PACKAGE / "results" / SHIPPED


@pytest.fixture(scope="module")
def stage(released):
    """The stage of a whole release with the adapter. Nothing is changed in it."""
    return released[0] / "stage"


@pytest.fixture(scope="module")
def card(stage):
    return (stage / f"adapter.{SHIPPED}" / "README.md").read_text()


class TestPlan:
    def test_the_demos_recipe_alone_has_it_by_default(self):
        demo, other = load_recipe("demo_cpu"), load_recipe("tiny_cpu")
        assert shipped.published_with(demo) == (SHIPPED,) and shipped.published_with(other) == ()
        changed = replace(demo, dataset=replace(demo.dataset, rows=99))
        assert shipped.published_with(changed) == (), "a recipe of one's own that began as a copy"
        ids = {repo.kind: repo.id for repo in plan(other, "me", along=(SHIPPED,))}
        assert ids[f"base.{SHIPPED}"] == f"me/{BASE}" and ids[f"adapter.{SHIPPED}"] == f"me/{NAME}"
        kinds = list(ids)
        assert (
            kinds.index(f"base.{SHIPPED}") < kinds.index(f"adapter.{SHIPPED}") < kinds.index("demo") == len(kinds) - 1
        )

    def test_a_base_that_both_have_is_published_once(self):
        recipe = load_recipe("tiny_cpu")
        recipe = replace(recipe, model=replace(recipe.model, base=load_recipe(SHIPPED).base_path))
        repos = plan(recipe, "me", along=(SHIPPED, SHIPPED))
        assert [repo.id for repo in repos if repo.id == f"me/{BASE}"] == [f"me/{BASE}"]
        assert [repo.kind for repo in repos if repo.shipped] == [f"adapter.{SHIPPED}"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["tiny_cpu", "--with", "other"], f"no trained adapter 'other' comes with the package; known: {SHIPPED}"),
            ([SHIPPED, "--with", SHIPPED], f"--with {SHIPPED}: the release publishes {NAME} itself; leave it out"),
        ],
    )
    @pytest.mark.parametrize("name", ["release", "stage"])
    def test_what_cannot_be_is_refused_before_anything_is_made(self, name, words, said, tmp_path, capsys):
        arguments = [*words, "--to", "local", "--namespace", "me", "--work", str(tmp_path / "work")]
        assert command(name)(arguments) == 2
        assert capsys.readouterr().err == f"arith-puzzle {name}: {said}\n"
        assert not list((tmp_path / "work").glob("*/*"))

    def test_results_of_other_weights_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(shipped, "PACKAGE", tmp_path)
        copy = shutil.copytree(FOLDER, tmp_path / "results" / SHIPPED)
        assert shipped.read_shipped(SHIPPED).folder == copy / "adapter"
        weights = copy / "adapter" / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[::-1])
        with pytest.raises(InputError, match=r"results\.json is about other weights than those in .*; score them"):
            shipped.read_shipped(SHIPPED)


class TestStage:
    def test_the_weights_are_those_of_the_package_and_name_their_base(self, stage):
        adapter, base = stage / f"adapter.{SHIPPED}", stage / f"base.{SHIPPED}"
        config = json.loads((adapter / "adapter_config.json").read_text())
        assert (config["base_model_name_or_path"], config["revision"]) == (f"local/{BASE}", TAG)
        for file, source in ((adapter / "adapter_model.safetensors", FOLDER / "adapter"),
                             (base / "model.safetensors", PACKAGE / "training" / "bases" / BASE)):  # fmt: skip
            assert file_sha256(file) == file_sha256(source / file.name)
        assert json.loads((adapter / "run.json").read_text())["recipe"]["model"]["base"] == f"local/{BASE}"
        assert {path.name for path in (adapter / "plots").iterdir()} == {"by_n.png", "reasons.png", "loss.png"}

    def test_the_results_are_those_of_the_package(self, stage):
        published = json.loads((stage / f"adapter.{SHIPPED}" / "results.json").read_text())
        measured = json.loads((FOLDER / "results.json").read_text())["adapter"]
        stress = json.loads((FOLDER / "stress.json").read_text())
        assert published["adapter"]["name"] == f"local/{NAME}" and published["adapter"]["model"] == f"local/{BASE}"
        for name, source in (("adapter", measured), ("stress", stress)):
            for split, item in published[name]["splits"].items():
                known = source["splits"].pop(split)
                assert item == item | known and sum(item["puzzles_by_n"].values()) == item["n"]
            assert not source["splits"]

    def test_the_card_says_what_it_can_and_what_it_cannot(self, card):
        text = " ".join(card.split())
        can, cannot = text.split("## What it can do")[1].split("## Use")[0].split("## What it cannot do")
        splits = json.loads((FOLDER / "results.json").read_text())["adapter"]["splits"]
        stress = json.loads((FOLDER / "stress.json").read_text())["splits"]
        for name, item in (splits | stress).items():
            where = can if item["pass@1"] >= 0.5 else cannot
            share = f"{item['pass@1']:.1%}" if item["pass@1"] else "none"
            assert f"{share} of {item['n']:,} puzzles" in where, name
        assert "**In distribution** (N=5, 6 and 7, numbers up to 60)" in can
        assert "numbers up to 10,000, the largest at least 1,001): it solves none of" in cannot
        assert "it was scored with up to 4,000 tokens" in cannot and "products and dividends up to 100" in cannot
        assert "| base | 157,250 fragments of searches | 3 to 15 | 1,000 |" in text
        assert "| adapter | 12,000 rows of `1m/train` | 5, 6 and 7 | 60 |" in text
        data = ModelCard(card).data
        assert data.base_model == f"local/{BASE}" and len(data.eval_results) == len(splits) + len(stress)

    def test_the_card_shows_what_the_adapter_writes(self, card):
        written = card.split("```text\n")[1].split("\n```")[0]
        search, answer = written.split("\n:\n")
        assert verify([3, 6, 7, 51, 58], 4, answer).correct and search.count("\n\n") >= 1
        (snippet,) = snippets(card)
        assert f'from_pretrained("local/{NAME}")' in snippet.code and "max_new_tokens=4000" in snippet.code

    def test_the_bases_card_has_no_scores(self, stage):
        text = (stage / f"base.{SHIPPED}" / "README.md").read_text()
        assert "## Results" not in text and "| base | 27,750 puzzles of `train` | 3 and 4 | 60 |" in text
        assert f"[`local/{NAME}`]" in text and not ModelCard(text).data.eval_results

    def test_the_demo_begins_with_it(self, stage):
        settings = json.loads((stage / "demo" / "settings.json").read_text())
        assert settings["along"] == [{"adapter": f"local/{NAME}", "adapter_revision": TAG, "format": "search"}]
        assert settings["adapter"] == "local/arith-puzzle-small-lora" and "format" not in settings
        models = SpaceCard.load(stage / "demo" / "README.md").data.models
        assert models == [f"local/{NAME}", f"local/{BASE}", "local/arith-puzzle-small-lora", "local/small-base"]

    def test_the_collection_lists_it_before_the_other_models(self, stage):
        items = read_plan(stage)[0]["collection_items"]
        assert [item["item_id"] for item in items[:5]] == [
            PAPER, "local/arith-puzzle", f"local/{NAME}", f"local/{BASE}", "local/small-base",
        ]  # fmt: skip
        assert "pass@1 0.922 (0.916 to 0.928) on 1m/test, n=7,500; 0.886" in items[2]["note"]
        assert max(len(item["note"]) for item in items) <= 500


@pytest.mark.usefixtures("no_xet")
class TestSeveralReleases:
    @pytest.fixture
    def api(self, tmp_path):
        with running(tmp_path / "hub") as hub:
            yield HfApi(endpoint=hub.endpoint, token=hub.token)

    @staticmethod
    def second(root, *, same: bool):
        """A release of another adapter on another base, with the same adapter of the package, whose card differs."""
        staged = write_stage(root, along=SHIPPED)
        record = json.loads((staged / "release.json").read_text())
        for repo in record["repos"]:
            if repo["kind"] in ("adapter", "demo"):
                repo["id"] = f"local/mine-{repo['kind']}"
        (staged / "release.json").write_text(json.dumps(record))
        readme = staged / f"adapter.{SHIPPED}" / "README.md"
        readme.write_text(readme.read_text() + "Of mine.\n")
        if not same:
            (staged / f"adapter.{SHIPPED}" / "adapter_model.safetensors").write_bytes(b"x" * 40_000)
        return staged

    def test_they_share_it_and_its_card_stays(self, api, tmp_path):
        first = write_stage(tmp_path / "one", along=SHIPPED)
        publish(first, api)
        before, said = hub_state(api, first), []
        publish(self.second(tmp_path / "two", same=True), api, announce=said.append)
        assert hub_state(api, first)[f"adapter.{SHIPPED}"] == before[f"adapter.{SHIPPED}"]
        assert "  main: nothing to change, 3 files, and 1 files about another release that uses it stay" in said
        with pytest.raises(InputError, match=f"has v0.1.0 with other content; .*, or leave out --with {SHIPPED}"):
            publish(self.second(tmp_path / "three", same=False), api)

    def test_a_withdrawn_release_leaves_it_to_the_other_one(self, api, tmp_path):
        first = write_stage(tmp_path / "one", along=SHIPPED)
        other = self.second(tmp_path / "two", same=True)
        for staged in (first, other):
            publish(staged, api)
        for staged, marked in ((other, False), (first, True)):
            yank(read_plan(staged)[1], api, "0.1.0", "local/mine-adapter", announce=lambda line: None)
            state = hub_state(api, staged)
            for kind in (f"base.{SHIPPED}", f"adapter.{SHIPPED}"):
                assert ("v0.1.0-yanked" in state[kind]["tags"]) == marked
        path = api.hf_hub_download("local/arith-puzzle-search-lora", "README.md", cache_dir=tmp_path / "cache")
        assert "new_version" not in ModelCard.load(path).data.to_dict(), "the successor is that of the other adapter"

    def test_names_that_are_taken_are_found_before_anything_is_trained(self, api, tmp_path):
        staged = write_stage(tmp_path / "one", along=SHIPPED)
        publish(staged, api)
        repos = [repo for repo in read_plan(staged)[1] if repo.shipped]
        weights = {repo.kind: staged / repo.kind for repo in repos}
        with connect(api) as hub:
            require_free_names(hub, repos, "v0.1.0", weights=weights, again=False)
            weights[f"adapter.{SHIPPED}"] = staged / "adapter"
            with pytest.raises(InputError, match=f"search-lora has v0.1.0 with .*, or leave out --with {SHIPPED}"):
                require_free_names(hub, repos, "v0.1.0", weights=weights, again=False)
