"""Every preset is a whole set of settings, for a network that exists, and trains a step."""

import json
import math
import re
from dataclasses import replace

import pytest
import torch
from PIL import Image
from random_weights import picture, save_network

pytest.importorskip("lightning_fabric")

from ddriqa.errors import UsageError
from ddriqa.restoration.data import PairedFolder
from ddriqa.restoration.layouts import layouts
from ddriqa.restoration.losses.backbones import FILES
from ddriqa.restoration.methods.catalogue import METHODS
from ddriqa.restoration.methods.catalogue import build as build_method
from ddriqa.restoration.metrics_table import read_rows
from ddriqa.restoration.networks.catalogue import NETWORKS, build
from ddriqa.restoration.networks.catalogue import PRESETS as OF_NETWORKS
from ddriqa.restoration.preset import FOLDER, preset_names, read_preset
from ddriqa.restoration.settings import from_table
from ddriqa.restoration.trainer import Data, Trainer

PRESETS = [(path.parent.name, path.stem) for path in sorted(FOLDER.rglob("*.toml"))]
TINY = {
    "nafnet": {"width": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]},
    "restormer": {"dim": 8, "num_blocks": [1, 1, 1, 1]},
}
CROP = 80  # the least that FDL takes

TABLE_4 = {  # the paper's PSNR by network, set and loss
    ("nafnet", "gopro"): (33.1717, 33.1660, 32.7879, 32.9417, 32.8321, 33.3427),
    ("nafnet", "realblur"): (30.6373, 30.7245, 30.4394, 30.6270, 30.1743, 30.7982),
    ("restormer", "gopro"): (33.3398, 33.3717, 33.2834, 33.2905, 33.3560, 33.4946),
    ("restormer", "realblur"): (31.9816, 31.9639, 31.9893, 31.9900, 31.7673, 32.1759),
    ("nafnet", "realsr"): (27.0856, 27.2835, 27.0985, 26.9467, 27.0263, 27.3121),
    ("restormer", "realsr"): (28.1491, 28.1221, 28.0933, 28.1413, 28.0746, 28.1668),
}
"""Tables 4 and 5: PSNR, + LPIPS, + CTX, + PDL, + FDL, + DDR."""
LOSSES = ("", "-lpips", "-ctx", "-pdl", "-fdl")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with files of random weights, named as those that the rivals look for."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("vgg19", "alexnet"):
        save_network(folder, name).rename(folder / FILES[name])
    channels = (64, 192, 384, 256, 256)
    heads = {f"lin{i}.model.1.weight": torch.ones(1, n, 1, 1) for i, n in enumerate(channels)}
    torch.save(heads, folder / "lpips_alex.pth")
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for side, seed in (("lq", 0), ("gt", 1)):
        (folder / side).mkdir()
        pixels = (picture(CROP, CROP, seed=seed)[0] * 255).byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / side / "a.png")
    return folder


def parts(data):
    for part in data.values():
        yield from part.get("tasks", {"": part}).values()


@pytest.mark.parametrize(("method", "name"), PRESETS)
def test_a_preset_is_whole(method, name):
    settings = from_table(read_preset(method, name))
    assert settings.method.name == method
    assert settings.network.name in NETWORKS
    assert settings.network.preset in OF_NETWORKS[settings.network.name]
    for part in parts(settings.data):
        assert part["split"] in layouts()[part["set"]].splits


def without_data(preset):
    return json.dumps(read_preset(*preset) | {"data": None}, sort_keys=True)


DISTINCT = {without_data(preset): preset for preset in reversed(PRESETS)}
"""Those that differ in more than their data, which the step below replaces."""


@pytest.mark.parametrize(("method", "name"), DISTINCT.values())
def test_a_preset_trains_a_step(method, name, weights, pairs, tmp_path, monkeypatch):
    """Its method and losses, with a tiny network, tiny pairs, and for CLIP the toy encoder."""
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(weights))
    settings = from_table(read_preset(method, name))
    if method == "ddr":
        assert settings.method.options["ddr"]["encoder"] in ("ViT-B-32", "ViT-B-16", *RESNETS)
        settings.method.options["ddr"]["encoder"] = "toy"
    training = replace(settings.training, steps=1, batch_size=1, device="cpu")
    schedule = replace(settings.schedule, hold=0)
    settings = replace(settings, training=training, schedule=schedule)
    torch.manual_seed(0)
    network = build(settings.network.name, "small", **TINY[settings.network.name])
    made = build_method(network, settings)
    outcome = Trainer(made, Data(PairedFolder(pairs, crop=CROP)), tmp_path / "r", settings).run()
    assert outcome.finished
    (row,) = read_rows(tmp_path / "r" / "metrics.csv")
    assert math.isfinite(float(row["loss_network"]))


RESNETS = ("RN50x16", "RN50x64")


def first_line(method, name):
    return (FOLDER / method / f"{name}.toml").read_text().splitlines()[0]


def losses_of(method, name):
    options = read_preset(method, name)["method"]["options"]
    loss = options["loss"]
    return [part["name"] for part in (loss if isinstance(loss, list) else [loss])]


@pytest.mark.parametrize(("network", "data"), TABLE_4)
def test_tables_4_and_5_have_a_preset_a_cell(network, data):
    numbers = TABLE_4[network, data]
    for ending, number in zip(LOSSES, numbers, strict=False):
        name = f"{data}-{network}{ending}"
        assert f"{number:.4f} dB" in first_line("baseline", name)
        rival = [ending[1:]] if ending else []
        assert losses_of("baseline", name) == ["psnr", *rival]
        plain = read_preset("baseline", f"{data}-{network}")
        table = read_preset("baseline", name)
        assert table | {"method": 0} == plain | {"method": 0}  # they differ in nothing else
    assert f"{numbers[-1]:.4f} dB" in first_line("ddr", f"{data}-{network}")
    with_ddr = read_preset("ddr", f"{data}-{network}")
    assert with_ddr | {"method": 0} == read_preset("baseline", f"{data}-{network}") | {"method": 0}


def test_the_rivals_have_the_papers_weights():
    found = {}
    for ending in LOSSES[1:]:
        (_, rival) = read_preset("baseline", f"gopro-nafnet{ending}")["method"]["options"]["loss"]
        found[rival["name"]] = rival["weight"]
    assert found == {"lpips": 1.0, "ctx": 1.0, "pdl": 1.0, "fdl": 0.1}


TABLE_6 = {
    "blur-content": ("33.2080", {"types": ["blur", "content"]}),
    "color-content": ("33.2077", {"types": ["color", "content"]}),
    "color-blur": ("33.2912", {"types": ["color", "blur"]}),
    "weight1": ("33.3031", {"weight": 1.0}),
    "weight3": ("33.3419", {"weight": 3.0}),
    "vit-b16": ("33.1194", {"encoder": "ViT-B-16"}),
    "rn50x16": ("33.2709", {"encoder": "RN50x16"}),
    "rn50x64": ("33.1379", {"encoder": "RN50x64"}),
    "unadapted": ("33.0864", {"adaptation": False}),
}


def test_table_6_has_a_preset_a_row():
    base = read_preset("ddr", "gopro-nafnet")
    rows = {name for name in preset_names("ddr") if name.startswith("gopro-nafnet-")}
    assert rows == {f"gopro-nafnet-{row}" for row in TABLE_6}
    for row, (number, options) in TABLE_6.items():
        table = read_preset("ddr", f"gopro-nafnet-{row}")
        assert number in first_line("ddr", f"gopro-nafnet-{row}")
        assert table["method"]["options"]["ddr"] == {"encoder": "ViT-B-32"} | options
        assert table | {"method": 0} == base | {"method": 0}


def test_there_are_some_for_every_method():
    assert {method for method, _ in PRESETS} == set(METHODS)


def test_readme_names_every_preset():
    """A base, and the endings of what extends it."""
    from pathlib import Path

    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    endings = set(re.findall(r"`(-[\w-]+)`", text))
    for method, name in PRESETS:
        base = "-".join(name.split("-")[:2])
        assert f"--preset {base} " in text, (method, name)
        assert name == base or name.removeprefix(base) in endings, (method, name)


def test_a_name_may_have_its_method_and_an_unknown_one_is_told():
    assert read_preset("ddr", "ddr/gopro-nafnet") == read_preset("ddr", "gopro-nafnet")
    with pytest.raises(UsageError, match="Known: gopro-nafnet, gopro-nafnet-blur-content"):
        read_preset("ddr", "baseline/gopro-nafnet")
