import io
import pickle
import subprocess
import sys
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ddriqa import Scorer
from ddriqa.encoders import load_encoder
from ddriqa.errors import DdriqaError, DeviceError, ImageError, UsageError
from ddriqa.metrics import catalogue
from ddriqa.metrics.ddr import DDR, Disparity
from ddriqa.metrics.laplacian import LaplacianVariance
from ddriqa.metrics.prompts import PromptPair
from ddriqa.scoring import Record


@pytest.fixture(scope="module")
def scorer():
    return Scorer(encoder="toy")


def picture(seed=0, size=(40, 60)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_every_kind_of_source_gives_the_same_score(scorer, tmp_path):
    pixels = picture()
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    sources = [path, str(path), path.read_bytes(), Image.fromarray(pixels), pixels, tensor]
    records = [scorer.score(source) for source in sources]
    assert all(isinstance(record, Record) for record in records)
    assert all(record.scores == records[0].scores for record in records)
    assert all((record.width, record.height) == (60, 40) for record in records)
    assert scorer.score(sources) == records


def test_a_batch_tensor_is_many_images(scorer):
    batch = torch.stack([torch.from_numpy(picture(i)).permute(2, 0, 1) for i in range(3)])
    records = scorer.score(batch)
    assert [r.scores for r in records] == [scorer.score(picture(i)).scores for i in range(3)]


def test_floats_are_not_rounded_to_grey_levels():
    """The published class takes floats: crops of a float tensor keep every digit."""
    scorer = Scorer(encoder="toy", geometry="crops")
    tensor = torch.rand(3, 50, 70, generator=torch.Generator().manual_seed(0))
    encoder = load_encoder("toy")
    metric = DDR(encoder, geometry="crops")
    expected = metric.score(encoder.encode_image(metric.view.of_tensor(tensor[None])[0]))
    found = scorer.score(tensor).scores
    assert found["ddr"] == pytest.approx(float(expected["ddr"].mean()), abs=1e-6)
    rounded = scorer.score((tensor * 255).round().byte()).scores
    assert rounded["ddr"] != found["ddr"]


def test_grey_arrays(scorer):
    grey = picture()[..., 0]
    assert scorer.score(grey).scores == scorer.score(np.stack([grey] * 3, -1)).scores


def test_a_generator_is_many_images_and_is_streamed(scorer):
    records = scorer.iter(picture(i) for i in range(3))
    assert next(records).scores == scorer.score(picture(0)).scores
    assert len(scorer.score(picture(i) for i in range(3))) == 3


def test_nothing_in_nothing_out(scorer):
    assert scorer.score([]) == []
    assert list(scorer.table([])) == ["path", "width", "height", *scorer.columns, "status", "error"]


def test_a_table(scorer, tmp_path):
    frame = scorer.table([picture(), tmp_path / "gone.jpg"])
    assert isinstance(frame, pd.DataFrame)
    assert list(frame) == ["path", "width", "height", *scorer.columns, "status", "error"]
    assert frame["status"].tolist() == ["ok", "failed"]
    assert frame["ddr"].notna().tolist() == [True, False]
    assert len(scorer.table(picture())) == 1


def test_a_scorer_can_be_pickled_before_and_after_use(scorer):
    fresh = pickle.loads(pickle.dumps(Scorer(encoder="toy")))
    scorer.score(picture())
    used = pickle.dumps(scorer)
    assert len(used) < 2000  # no model inside
    assert fresh.score(picture()) == pickle.loads(used).score(picture()) == scorer.score(picture())


def test_an_encoder_object_is_taken(scorer):
    assert Scorer(encoder=load_encoder("toy")).score(picture()) == scorer.score(picture())


def test_types_and_prompts(tmp_path):
    assert Scorer(encoder="toy", types=["blur"]).columns == ("ddr", "ddr_blur", "percentile")
    pairs = {"haze": ("A clear photo.", "A hazy photo.")}
    path = tmp_path / "pairs.toml"
    path.write_text('[haze]\nclean = "A clear photo."\ndegraded = "A hazy photo."\n')
    records = [
        Scorer(encoder="toy", prompts=prompts).score(picture())
        for prompts in (pairs, path, str(path), {"haze": PromptPair("haze", *pairs["haze"])})
    ]
    assert records[0].scores.keys() == {"ddr", "ddr_haze"}
    assert all(record == records[0] for record in records)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"metric": "nonsense"}, "ddr"),
        ({"geometry": "round"}, "crops, view"),
        ({"disparity": "l7"}, "cosine, l1, l2"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
        ({"device": "cuda:x"}, "auto, cpu, cuda"),
        ({"prompts": {"haze": "A hazy photo."}}, "two sentences"),
        ({"types": ["sharpness"]}, "color"),
        ({"types": ["blur", "blur"]}, "twice"),
        ({"prompts": "/no/such.toml"}, "can't be read"),
        ({"batch_size": 0}, "at least 1"),
        ({"workers": -1}, "at least 1"),
        ({"max_pixels": 0}, "at least 1"),
    ],
)
def test_wrong_options_are_said_at_once(options, word):
    with pytest.raises(UsageError, match=word):
        Scorer(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="Use --device cpu"):
        Scorer(encoder="toy", device="cuda").score(picture())


def test_an_unknown_encoder_is_an_expected_failure():
    with pytest.raises(DdriqaError):
        Scorer(encoder="no-such-encoder").score(picture())


def test_failures_are_records(scorer, tmp_path):
    record = scorer.score(tmp_path / "gone.jpg")
    assert (record.status, record.error, record.scores) == ("failed", "no such file", {})
    assert record.as_row(["ddr"])["ddr"] is None
    assert scorer.score(7).status == "failed"


def test_the_description_holds_what_fixes_the_numbers(scorer):
    facts = scorer.describe()
    assert facts["encoder"]["fingerprint"] == load_encoder("toy").fingerprint
    assert facts["metrics"][0]["view"] == {"geometry": "view", "side": 32}
    assert facts["precision"] == "fp32"
    assert {"ddriqa", "torch", "pillow", "device", "columns"} <= facts.keys()


def test_max_pixels(scorer):
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "PNG")
    record = Scorer(encoder="toy", max_pixels=100).score(stream.getvalue())
    assert "--max-pixels" in record.error


def test_disparities_are_those_of_ddr():
    assert get_args(Disparity) == catalogue.DISPARITIES


def test_metrics_of_pixels_need_no_encoder():
    scorer = Scorer(["laplacian_variance", "colourfulness"], encoder="no-such-encoder")
    record = scorer.score(picture())
    assert record.scores.keys() == {"laplacian_variance", "colourfulness"}
    assert scorer.percentiles is None
    assert scorer.describe()["encoder"] == {"fingerprint": None, "name": "none"}
    assert scorer.directions == {"laplacian_variance": True, "colourfulness": None}


def test_metrics_share_one_pass_and_each_scores_as_alone():
    names = ["ddr", "ddr+unadapted", "stage_statistics", "laplacian_variance"]
    together = Scorer(names, encoder="toy").score(picture())
    for name in names:
        alone = Scorer(name, encoder="toy").score(picture())
        assert alone.scores.items() <= together.scores.items()


def test_a_metric_that_fails_leaves_the_others_their_scores():
    class Picky(LaplacianVariance):
        name = "picky"

        def measure(self, pixels):
            raise ImageError("", "is smaller than 4096 pixels")

    scorer = Scorer(["ddr", "laplacian_variance"], encoder="toy")
    scorer.columns  # noqa: B018  it loads
    scorer._pipeline.of_pixels.append(Picky())
    record = scorer.score(picture())
    assert record.error == "picky: is smaller than 4096 pixels"
    assert {"ddr", "laplacian_variance"} <= record.scores.keys()


def test_only_some_of_the_metrics_with_the_same_model():
    scorer = Scorer(["ddr", "laplacian_variance"], encoder="toy")
    narrow = scorer.only(["laplacian_variance"])
    assert narrow.score(picture()).scores.keys() == {"laplacian_variance"}
    assert narrow.loaded_encoder is scorer.loaded_encoder
    assert scorer.score(picture()).scores.keys() >= {"ddr", "laplacian_variance"}


def test_an_option_that_no_metric_knows_is_refused():
    with pytest.raises(UsageError, match="says nothing to laplacian_variance"):
        Scorer("laplacian_variance", types="blur").columns  # noqa: B018
    assert Scorer(["laplacian_variance", "ddr"], encoder="toy", types="blur").columns


def test_short_side_shrinks_before_anything_looks():
    large = Image.fromarray(picture()).resize((300, 240), Image.Resampling.BICUBIC)
    small = large.resize((100, 80), Image.Resampling.BICUBIC)
    kept = Scorer(["laplacian_variance", "ddr"], encoder="toy").score(small)
    shrunk = Scorer(["laplacian_variance", "ddr"], encoder="toy", short_side=80).score(large)
    assert (shrunk.width, shrunk.height) == (300, 240)
    for name, value in kept.scores.items():
        if name != "percentile":
            assert shrunk.scores[name] == pytest.approx(value, rel=0.05)
    untouched = Scorer("laplacian_variance", short_side=4000).score(large)
    assert untouched.scores == Scorer("laplacian_variance").score(large).scores


def test_making_a_scorer_loads_nothing_heavy():
    program = (
        "import sys; from ddriqa import Scorer; Scorer()\n"
        "heavy = {'torch', 'pandas', 'numpy', 'PIL', 'open_clip', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_scoring_loads_no_more_than_it_needs(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    program = (
        "import sys; from ddriqa import Scorer; Scorer(encoder='toy').score(sys.argv[1])\n"
        "heavy = {'pandas', 'open_clip', 'torchvision', 'scipy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.png")], check=True)
