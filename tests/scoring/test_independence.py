"""Real encoders: a score is the same to the bit whoever its neighbours are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddriqa import Scorer

PHOTOS = sorted((Path(__file__).parent.parent / "photos").glob("*.jpg"))


@pytest.fixture(scope="module")
def pictures():
    """Five photographs in three shapes."""
    images = [Image.open(path).convert("RGB") for path in PHOTOS[:5]]
    images[1] = images[1].rotate(90, expand=True)
    images[3] = images[3].crop((100, 0, 580, 480))
    return [np.asarray(image) for image in images]


def scores(encoder, pictures, **options):
    scorer = Scorer(encoder=encoder, **options)
    return [tuple(record.scores.values()) for record in scorer.score(pictures)]


@pytest.mark.parametrize("encoder", ["builtin", pytest.param("vit", marks=pytest.mark.slow)])
def test_scores_do_not_depend_on_batch_order_or_workers(encoder, pictures, request):
    if encoder == "vit":
        encoder = request.getfixturevalue("random_vit")
    expected = scores(encoder, pictures)
    assert scores(encoder, pictures[::-1], batch_size=1, workers=1)[::-1] == expected
    assert scores(encoder, pictures[2:3], workers=3) == expected[2:3]
    assert scores(encoder, [*pictures, *pictures], batch_size=7) == [*expected, *expected]


def test_batches_side_by_side_give_the_same(pictures, monkeypatch):
    import torch

    from ddriqa.scoring import batches

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = scores("builtin", pictures * 3)
        monkeypatch.setattr(batches, "streams", lambda device: (4, 1))
        assert scores("builtin", pictures * 3) == expected
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def random_vit(tmp_path_factory):
    """The spec of a ViT-B/32 with random weights."""
    from safetensors.torch import save_file

    from ddriqa.encoders.clip import import_open_clip

    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_file(import_open_clip().create_model("ViT-B-32-quickgelu").state_dict(), path)
    return f"ViT-B-32-quickgelu:{path}"
