"""``explain-protocol``: every difference is named, and what each moves is what a score with that choice says."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.protocols.difference import UNSAID, differences, paired
from ganbench.protocols.explain import explain_protocol
from ganbench.protocols.facts import FORMULAS, flat, side_of
from ganbench.protocols.public import names, public
from ganbench.protocols.variants import Converted, form_of
from ganbench.references.reference import Reference
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.statistics.features import FeatureSet
from ganbench.toyfaces import toyfaces, write_toyfaces

# Of a card: what was measured, and what a thing is called.
OUTCOMES = {"value", "low", "high", "p", "better", "title", "unit", "reason", "id"}
CALLED = {"source.label", "reference.lite0.schema", "instruments.lite0.kind", "instruments.yolo-nano.kind"}


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "faces"
    write_toyfaces(folder, 14, 64, seed=3)
    return folder


@pytest.fixture(scope="module")
def real(lite0: Extractor) -> Reference:
    images = np.stack([image for _, image in toyfaces(20, seed=100)])
    return Reference.build(open_source(images), lite0, name="toys")


@pytest.fixture(scope="module")
def card(faces: Path, real: Reference) -> Scorecard:
    return ganbench.score(faces, real, cache=False)


def rebuilt(data: dict[str, Any]) -> Scorecard:
    """Return a card of whatever its file would say, believed or not."""
    rows = [Row(**row) for row in data["results"]]
    flags = [Flag(**flag) for flag in data["flags"]]
    parts = data["source"], data["reference"], data["warnings"], [], data["versions"], flags, data["instruments"]
    return Scorecard(rows, *parts)


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value that is not a table."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for number, value in enumerate(data):
            yield from leaves(value, (*path, number))
    else:
        yield path


def changed(data: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return a card that says another thing in one place."""
    found = copy.deepcopy(data)
    inside: Any = found
    for part in path[:-1]:
        inside = inside[part]
    old = inside[path[-1]]
    inside[path[-1]] = old + 1 if isinstance(old, int | float) and not isinstance(old, bool) else f"{old}; other"
    return found


@pytest.mark.slow
def test_every_single_change_of_a_card_is_named(card: Scorecard) -> None:
    data = json.loads(card.to_json())
    mine = side_of(rebuilt(data), "mine")
    assert differences(mine, mine) == []
    silent, tried = [], 0
    for part in ("results", "source", "reference", "instruments", "versions"):
        for path in leaves(data[part], (part,)):
            place = ".".join(map(str, path))
            if (part == "results" and path[-1] in OUTCOMES) or place in CALLED:
                continue
            tried += 1
            if not differences(mine, side_of(rebuilt(changed(data, path)), "theirs")):
                silent.append(place)
    assert tried > 120
    # What a reference says of its extractor is said by the instrument, with which it was compared before any score.
    assert [place for place in silent if not place.startswith("reference.lite0.extractor.")] == []


@pytest.mark.slow
def test_cards_of_earlier_versions_are_compared_by_what_they_say(card: Scorecard) -> None:
    data = json.loads(card.to_json())
    old = copy.deepcopy(data)
    old["instruments"] = {}
    for name in ("files", "decoding", "crop", "background", "sample"):
        del old["source"][name]
    before = side_of(rebuilt(old), "before")
    assert differences(before, before) == []
    later = {one.name: one.b for one in differences(side_of(card, "now"), before)}
    assert later["images.decoding.rules"] == later["extractor.layer"] == UNSAID
    other = copy.deepcopy(old)
    for row in other["results"]:
        row["protocol"] = row["protocol"].replace("conf 0.71", "conf 0.4")
    (found,) = differences(before, side_of(rebuilt(other), "other"))
    assert (found.name, found.results) == ("detector.protocol", ("afd[yolo-nano]",))
    assert "conf 0.4" in found.b


@pytest.mark.slow
def test_each_move_is_that_of_a_score_with_this_choice(card: Scorecard, faces: Path, real: Reference) -> None:
    other = ganbench.score(faces, real, conf=0.3, limit=11, seed=4, resize="64:lanczos", cache=False)
    found = explain_protocol(card, other, images=faces, references=[real], metrics=["fd", "afd"])
    fd, afd = found.measured
    effects = {effect.pool.title: effect.value for effect in fd.effects}
    assert fd.value == fd.value_a == card["fd"].value
    assert effects["number of images"] == ganbench.score(faces, real, limit=11, cache=False)["fd"].value
    assert effects["seed"] == fd.value
    assert effects["resize rule"] == fd.value  # all are of that size already
    assert effects["digest of the images"] is None
    assert fd.together == fd.value_b == other["fd"].value
    moves = [abs(fd.move(effect.value) or 0) for effect in fd.ranked() if effect.value is not None]
    assert moves == sorted(moves, reverse=True)
    assert moves[0] > 0
    effects = {effect.pool.title: effect.value for effect in afd.effects}
    assert effects["detector: conf"] == ganbench.score(faces, real, conf=0.3, cache=False)["afd"].value
    data = json.loads(found.to_json())
    assert data["measured"][0]["effects"][0]["move"] == fd.move(fd.ranked()[0].value)
    assert all(len(line) <= 80 for line in str(found).splitlines())


@pytest.mark.slow
def test_the_real_side_is_built_anew_from_real_images(
    card: Scorecard, real: Reference, lite0: Extractor, faces: Path
) -> None:
    images = np.stack([image for _, image in toyfaces(20, seed=100)])
    fewer = Reference.build(open_source(images).first(15), lite0, name="toys")
    other = ganbench.score(faces, fewer, cache=False)
    found = explain_protocol(card, other, images=faces, real=images)
    effects = {effect.pool.title: effect for effect in found.measured[0].effects}
    assert found.measured[0].value == card["fd"].value
    assert effects["number of real images"].value == other["fd"].value
    # Without real images the two references are what there is to switch.
    found = explain_protocol(card, other, images=faces, references=[real, fewer])
    effects = {effect.pool.title: effect for effect in found.measured[0].effects}
    assert effects["reference"].value == other["fd"].value


@pytest.mark.slow
def test_what_cannot_be_switched_says_why(card: Scorecard, faces: Path, real: Reference) -> None:
    found = explain_protocol(card, against="course", images=faces, references=[real], metrics=["fd", "afd"])
    fd, afd = ({one.pool.title: one for one in measured.effects} for measured in found.measured)
    assert "ganbench assets fetch inception" in fd["extractor"].why
    assert "1000 images asked for, 14 found" in fd["number of images"].why
    assert fd["formula: root"].value == pytest.approx(card["fd"].value, rel=1e-3)
    assert "no reference of 71,314 images" in fd["reference"].why
    assert "--detector yolo:PATH/yolov8x6_animeface.onnx" in afd["detector"].why
    with pytest.raises(GanbenchError, match=r"fd\[lite0\] of .* cannot be computed here: no reference of 20 images"):
        explain_protocol(card, against="course", images=faces)


@pytest.mark.slow
def test_a_card_runs_no_code(card: Scorecard, faces: Path, real: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.registry.load_object", lambda *args: pytest.fail("imports what a card names"))
    data = json.loads(card.to_json())
    named = json.loads(json.dumps(data).replace('"lite0"', '"os:abort"').replace("[lite0]", "[os:abort]"))
    with pytest.raises(GanbenchError, match="--features os:abort"):
        explain_protocol(rebuilt(named), card, images=faces, references=[real], metrics=["fd"])
    found = explain_protocol(card, rebuilt(named), images=faces, references=[real], metrics=["fd"])
    (effect,) = [one for one in found.measured[0].effects if one.pool.title == "extractor"]
    assert "os:abort is no extractor that is installed" in effect.why
    data["instruments"]["yolo-nano"]["name"] = "os:abort"
    found = explain_protocol(card, rebuilt(data), images=faces, metrics=["afd"])
    (effect,) = [one for one in found.measured[0].effects if one.pool.title == "detector"]
    assert "--detector MODULE:CLASS" in effect.why
    data = json.loads(card.to_json())
    data["source"]["sample"]["seed"] = [1]
    with pytest.raises(GanbenchError, match="no whole number"):
        explain_protocol(rebuilt(data), card, images=faces, references=[real])


@pytest.mark.slow
def test_the_command(card: Scorecard, tmp_path: Path, faces: Path) -> None:
    card.write(json_file=tmp_path / "a.json")
    other = replace(card, versions={**card.versions, "pillow": "9.0\x1b[31m"})
    other.write(json_file=tmp_path / "b.json")
    run = CliRunner().invoke
    done = run(app, ["explain-protocol", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert done.exit_code == 0
    assert "version of a library: pillow" in done.output
    assert "\x1b" not in done.output
    done = run(app, ["explain-protocol", str(tmp_path / "a.json"), "--against", "clean-fid", "--json", "-"])
    assert json.loads(done.output)["b"]["kind"] == "stated protocol"
    for arguments in ([], ["--against", "clean-fod"], ["--against", "stylegan", "--metric", "fd"]):
        done = run(app, ["explain-protocol", str(tmp_path / "a.json"), *arguments])
        assert isinstance(done.exception, GanbenchError), arguments
    done = run(app, ["explain-protocol", str(tmp_path / "a.json"), str(faces / "1.png")])
    assert isinstance(done.exception, GanbenchError)


@pytest.mark.parametrize("name", names())
def test_stated_protocols_are_stated_in_words_that_cards_use(name: str) -> None:
    side = public(name)
    assert side.source
    assert side.results
    for result_id, facts in side.results.items():
        metric = result_id.partition("[")[0]
        known = FORMULAS[metric, METRICS[metric].version]
        assert set(facts) <= set(flat({"formula": known})), result_id
        if "formula.root" in facts:
            form_of(metric, {key.removeprefix("formula."): value for key, value in facts.items()})


def test_instruments_are_paired_by_name_then_by_kind() -> None:
    def side(*named: tuple[str, str]) -> Any:
        facts = {name: {"kind": kind} for name, kind in named}
        ids = [f"{'afd' if kind == 'detector' else 'fd'}[{name}]" for name, kind in named]
        return replace(public("pytorch-fid"), instruments=facts, results={i: {} for i in ids}, whole=True)

    one = side(("lite0", "extractor"), ("inception", "extractor"), ("yolo-nano", "detector"))
    other = side(("inception:clean", "extractor"), ("opencv-cascade", "detector"), ("lite2", "extractor"))
    assert dict(paired(one, other).instruments) == {
        "lite0": "lite2",
        "inception": "inception:clean",
        "yolo-nano": "opencv-cascade",
    }


def test_other_forms_of_the_frechet_distance(rng: np.random.Generator) -> None:
    real = FeatureSet.of(rng.normal(size=(300, 6)))
    fake = FeatureSet.of(rng.normal(0.3, 1.2, size=(200, 6)))
    ours = evaluate(["fd"], real=real, fake=fake)["fd"].value
    forms = {"root": ("scipy.linalg.sqrtm", "eigenvalues of the product")}
    for root in forms["root"]:
        metric = METRICS[form_of("fd", {"root": root})]
        assert metric(real=real, fake=fake).value == pytest.approx(ours, rel=1e-9)
    covariances = [np.cov(side.sample.astype(np.float64), rowvar=False, ddof=0) for side in (real, fake)]
    shift = real.moments.mean - fake.moments.mean
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
    expected = shift @ shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * root
    for root_name in (*forms["root"], "singular values of a product of factors"):
        metric = METRICS[form_of("fd", {"covariance": "divided by n", "root": root_name})]
        assert metric(real=real, fake=fake).value == pytest.approx(float(expected), rel=1e-9)
    assert expected != pytest.approx(ours, rel=1e-4)
    with pytest.raises(GanbenchError, match="not built in"):
        form_of("fd", {"root": "by hand"})
    assert form_of("kd", {"estimator": "unbiased, 100 subsets of 1,000"}) == "kd_subsets"


def test_images_decoded_as_others_do(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 0] = 200
    Image.fromarray(pixels).save(tmp_path / "1.png")  # all of it transparent
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels[:, :, :3]).save(tmp_path / "2.png", exif=turned)
    source = open_source(tmp_path)
    other = Converted(source)
    assert (source.load(0) == 255).all()
    assert np.array_equal(other.load(0), pixels[:, :, :3])
    assert np.array_equal(other.load(1), pixels[:, :, :3])
    assert not np.array_equal(source.load(1), pixels[:, :, :3])
    assert other.digest() != source.digest()
    (tmp_path / "3.png").write_bytes(io.BytesIO(b"no picture").getvalue())
    with pytest.raises(GanbenchError, match=r"3\.png"):
        Converted(open_source(tmp_path)).load(2)
