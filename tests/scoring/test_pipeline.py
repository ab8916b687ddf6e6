"""One image, one record, the same to the bit whoever else is there."""

import random
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ddriqa import Scorer
from ddriqa.encoders import load_encoder
from ddriqa.errors import DeviceError
from ddriqa.images.views import CentreCrop, SquareCrops, WholePicture
from ddriqa.metrics.ddr import DDR, ddr, directions
from ddriqa.metrics.prompts import select_pairs
from ddriqa.scoring.pipeline import Pipeline


def scores(paths, **options):
    """path -> its scores, or the reason why it has none."""
    records = list(Scorer(encoder="toy", **options).iter(paths))
    assert [record.path for record in records] == list(paths)
    return {record.path: record.error or record.scores for record in records}


@pytest.mark.parametrize("geometry", ["view", "crops"])
def test_scores_equal_a_plain_loop(photos, geometry):
    encoder = load_encoder("toy")
    view = {"view": CentreCrop(32), "crops": SquareCrops(32)}[geometry]
    towards = directions(encoder, select_pairs())
    for path, found in scores(photos, geometry=geometry).items():
        if isinstance(found, str):
            continue
        pixels = torch.cat(
            [
                crop[None].float() / (255 if crop.dtype == torch.uint8 else 1)
                for crop in _view(view, path)
            ]
        )
        responses = ddr(encoder.encode_image(pixels), towards).double().mean(0)
        assert found["ddr"] == pytest.approx(float(responses.mean()), abs=1e-6)
        assert list(found.values())[1:] == pytest.approx(responses.tolist(), abs=1e-6)


def _view(view, path):
    return view(np.array(Image.open(path).convert("RGB")))


@pytest.fixture(scope="module")
def reference(photos):
    return {geometry: scores(photos, geometry=geometry) for geometry in ("view", "crops")}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["view", "crops"]),
    st.integers(1, 70),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
    st.integers(1, 22),
)
def test_a_score_is_the_same_to_the_bit(
    photos, reference, geometry, batch_size, workers, chance, count
):
    chosen = chance.sample(photos, count)
    found = scores(chosen, geometry=geometry, batch_size=batch_size, workers=workers)
    assert found == {path: reference[geometry][path] for path in chosen}


def test_an_image_alone_scores_as_among_others(photos, reference):
    scorer = Scorer(encoder="toy")
    for path in photos:
        record = scorer.score(path)
        assert (record.error or record.scores) == reference["view"][path]


def test_views_of_several_shapes_wait_for_their_own_batches(photos, reference):
    encoder = load_encoder("toy")
    encoder.view = WholePicture(side=64, multiple=16)
    shuffled = random.Random(1).sample(photos, len(photos))
    one = scores_with(encoder, photos, in_flight=1)
    many = scores_with(encoder, shuffled, in_flight=64)
    assert one == many
    assert (
        len({tuple(encoder.view(np.zeros((h, w, 3), np.uint8)).shape) for w, h in [(9, 5), (5, 9)]})
        > 1
    )


def scores_with(encoder, paths, metrics=None, **options):
    metrics = metrics or [DDR(encoder)]
    pipeline = Pipeline(encoder, metrics, torch.device("cpu"), **options)
    return {record.path: record.error or record.scores for record in pipeline.run(paths)}


class CountingEncoder:
    """The toy, counting the batches that really go through it."""

    def __init__(self):
        self.encoder = load_encoder("toy")
        self.batches = []
        encode = self.encoder.encode_image

        def counted(pixels):
            self.batches.append(tuple(pixels.shape))
            return encode(pixels)

        self.encoder.encode_image = counted


def test_every_batch_has_the_size_of_the_card(photos):
    counting = CountingEncoder()
    scores_with(counting.encoder, photos, in_flight=3)
    assert {shape[0] for shape in counting.batches} == {counting.encoder.card.batch}


def test_metrics_with_one_view_share_features_and_others_get_their_own(photos):
    counting = CountingEncoder()
    encoder = counting.encoder

    class Sharpness(DDR):
        columns = ("sharpness",)

        def score(self, features):
            return {"sharpness": DDR(encoder).score(features)["ddr_blur"]}

    alone = scores_with(encoder, photos)
    batches = len(counting.batches)
    both = scores_with(encoder, photos, [DDR(encoder), Sharpness(encoder)])
    assert len(counting.batches) == 2 * batches
    other = scores_with(encoder, photos, [DDR(encoder), Sharpness(encoder, geometry="crops")])
    crops = scores_with(encoder, photos, [DDR(encoder, geometry="crops")])
    for path, found in other.items():
        if isinstance(found, dict):
            assert found == {**alone[path], "sharpness": crops[path]["ddr_blur"]}
    for path, found in both.items():
        if isinstance(found, dict):
            assert found == {**alone[path], "sharpness": alone[path]["ddr_blur"]}


def test_a_source_that_fails_ends_the_run_and_its_threads(photos):
    def sources():
        yield photos[0]
        raise OSError("the list is gone")

    with pytest.raises(OSError, match="list is gone"):
        list(Scorer(encoder="toy").iter(sources()))
    assert not _decoders()


def test_an_abandoned_run_ends_its_threads(photos):
    run = Scorer(encoder="toy", batch_size=4).iter(photos)
    next(run)
    run.close()
    assert not _decoders()


def _decoders():
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        alive = [t for t in threading.enumerate() if t.name.startswith("ddriqa-decode")]
        if not alive:
            return []
        time.sleep(0.01)
    return alive


def test_only_as_many_sources_are_read_as_may_be_in_flight(photos):
    read = []

    def sources():
        for index in range(1000):
            read.append(index)
            yield photos[0]

    run = Scorer(encoder="toy", batch_size=10).iter(sources())
    for done in range(1, 50):
        next(run)
        assert len(read) <= done + 10 + load_encoder("toy").card.batch
    run.close()


def test_a_very_long_picture_is_a_failure_with_its_ratio():
    records = Scorer(encoder="toy").score(
        [np.zeros((3, 153, 3), np.uint8), np.zeros((150, 3, 3), np.uint8) + 99]
    )
    assert records[0].error == "too long and narrow: 51 to 1, the limit is 50 to 1"
    assert (records[0].width, records[0].height) == (153, 3)
    assert records[1].error is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate"), "not enough memory to look at it"),
        (MemoryError(), "not enough memory to look at it"),
        (ValueError("sizes"), "no view of it could be made"),
    ],
)
def test_a_view_that_cannot_be_made_is_a_failure(photos, monkeypatch, fault, reason):
    def broken(view, pixels):
        raise fault

    monkeypatch.setattr(CentreCrop, "__call__", broken)
    assert Scorer(encoder="toy").score(photos[0]).error == reason


def test_a_score_that_is_no_number_is_a_failure(photos, monkeypatch):
    encoder = load_encoder("toy")
    encoder.encode_image = lambda pixels: torch.full((len(pixels), 24), torch.nan)
    assert scores_with(encoder, photos[:1]) == {photos[0]: "ddr: its features give no finite score"}


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_a_device_without_memory_is_an_error_that_says_what_to_do(photos, fault):
    encoder = load_encoder("toy")

    def exhausted(pixels):
        raise fault

    encoder.encode_image = exhausted
    with pytest.raises(DeviceError, match="out of memory"):
        scores_with(encoder, photos)


def test_other_faults_of_the_encoder_stay_what_they_are(photos):
    encoder = load_encoder("toy")

    def broken(pixels):
        raise RuntimeError("shapes differ")

    encoder.encode_image = broken
    with pytest.raises(RuntimeError, match="shapes differ"):
        scores_with(encoder, photos)
