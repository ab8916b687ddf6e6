"""From a run folder to a network for use."""

import numpy as np
import pytest
import torch
from PIL import Image
from training_toys import settings

pytest.importorskip("lightning_fabric")

from dataclasses import replace

from ddriqa.restoration import checkpoint
from ddriqa.restoration.extras import extras_of
from ddriqa.restoration.infer import restore
from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.restorer import network_of, save, steps_of
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.restoration.settings import NetworkSettings

OPTIONS = {"width": 4, "encoder_blocks": [1, 1], "middle_blocks": 1, "decoder_blocks": [1, 1]}


def written(path, mode="RGB", **options):
    """A small picture with a maker, a date and an orientation."""
    exif = Image.Exif()
    exif[271], exif[306], exif[274] = "maker", "2020:01:01 00:00:00", 6
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("ending", ["tif", "tiff", "png"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.tif", {}),
        ("b.tif", {"mode": "1", "compression": "group4"}),
        ("c.tiff", {"compression": "jpeg"}),
        ("d.png", {}),
        ("e.webp", {}),
    ],
)
def test_descriptions_stay_and_pixels_are_the_new_ones(tmp_path, name, options, ending):
    """Of a TIFF also where its width, strips and compression are others."""
    pixels = np.random.default_rng(1).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    extras = extras_of(written(tmp_path / name, **options))
    save(pixels, tmp_path / f"out.{ending}", replace(extras, grey=False))
    with Image.open(tmp_path / f"out.{ending}") as image:
        assert np.array_equal(np.asarray(image), pixels)
        found = dict(image.getexif())
    assert (found[271], found[306]) == ("maker", "2020:01:01 00:00:00")
    assert found.get(274, 1) == 1
    assert image.format == ("PNG" if ending == "png" else "TIFF")


def trained(folder, data, name="nafnet"):
    """A run folder with random weights whose blocks do something."""
    own = settings()
    network_settings = NetworkSettings(name, "small", OPTIONS if name == "nafnet" else {})
    own = replace(own, network=network_settings, data=data)
    RunFolder(folder).create(own)
    torch.manual_seed(0)
    network = build(name, "small", **network_settings.options)
    with torch.no_grad():
        for key, weight in network.named_parameters():
            if key.endswith(("beta", "gamma")):
                weight.normal_(0, 0.5)
    checkpoint.save(folder / "checkpoints", 1, {"network": network}, {}, {})
    return network.eval()


def picture(side):
    """Dark on one side, bright on the other: its means depend on where one looks."""
    ramp = torch.linspace(0, 1, side).expand(3, side, side)
    return (0.8 * ramp + 0.2 * torch.rand(3, side, side, generator=torch.Generator())).contiguous()


def test_nafnet_restores_with_local_statistics(tmp_path):
    """As ``nafnet-local`` of the training crop: equal up to 1.5 crops, another beyond."""
    plain = trained(tmp_path, {"train": {"folder": "x", "crop": 32}})
    local = build("nafnet-local", "small", **OPTIONS, train_size=32).eval()
    local.load_state_dict(plain.state_dict())
    found = network_of(tmp_path)
    with torch.no_grad():
        small, large = picture(48)[None], picture(120)[None]
        assert torch.equal(found(small), plain(small))
        assert torch.equal(found(large), local(large))
        assert (found(large) - plain(large)).abs().max() > 1e-3


def test_its_tiles_agree_better_than_those_of_the_global_one(tmp_path):
    plain = trained(tmp_path, {"train": {"folder": "x", "crop": 32}})
    large = picture(192)
    errors = []
    for network in (network_of(tmp_path), plain):
        with torch.no_grad():
            whole = network(large[None])[0]
        tiled = restore(network, large, tile=96, overlap=32)
        errors.append((whole - tiled).square().mean().item())
    assert errors[0] < errors[1] / 4


def test_its_steps_are_those_of_its_newest_checkpoint(tmp_path):
    trained(tmp_path, {})
    assert steps_of(tmp_path) == 1


def test_of_tasks_the_largest_crop_counts(tmp_path):
    tasks = {name: {"folder": "x", "crop": crop} for name, crop in (("a", 32), ("b", 64))}
    trained(tmp_path, {"train": {"tasks": tasks}})
    assert network_of(tmp_path).train_size == 64


@pytest.mark.parametrize("data", [{}, {"train": {"folder": "x"}}])
def test_without_crops_it_is_the_network_itself(tmp_path, data):
    plain = trained(tmp_path, data)
    large = picture(120)[None]
    with torch.no_grad():
        assert torch.equal(network_of(tmp_path)(large), plain(large))


def test_other_networks_are_what_they_were(tmp_path):
    plain = trained(tmp_path, {"train": {"folder": "x", "crop": 32}}, "rrdb")
    assert type(network_of(tmp_path)) is type(plain)
