"""Models with random weights, made once a run: two of real size and two of a few thousand."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from ddriqa.encoders import Encoder, load_encoder
from ddriqa.encoders.clip import import_open_clip

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
TINY = {
    "tiny-vit": {"image_size": 32, "layers": 4, "width": 64, "head_width": 32, "patch_size": 8},
    "tiny-resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
    "tiny-timm": {"image_size": 160, "timm_model_name": "test_vit", "timm_proj": "linear"},
}


class Saved(NamedTuple):
    """A model of open_clip with random weights, and the file they were saved to."""

    model: torch.nn.Module
    path: str


@pytest.fixture(scope="session")
def open_clip():
    return import_open_clip()


@pytest.fixture(scope="session")
def tiny_models(open_clip, tmp_path_factory):
    """Register open_clip's ViT, its ResNet and a tower of timm, with GELU and with QuickGELU."""
    folder = tmp_path_factory.mktemp("configs")
    for name, vision in TINY.items():
        config = {"embed_dim": 48, "vision_cfg": vision, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(config))
        config["quick_gelu"] = True
        (folder / f"{name}-quickgelu.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    return tuple(TINY)


@pytest.fixture(scope="session")
def random_model(open_clip):
    """Make open_clip's model of a name, with weights from seed 0 that half precision can hold."""

    def make(name: str) -> torch.nn.Module:
        torch.manual_seed(0)
        model = open_clip.create_model(name).eval().requires_grad_(False)
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith(
                "bn3.weight"
            ):  # zero from the start: blocks would do nothing
                parameter.fill_(0.5)
            parameter.copy_(parameter.half())
        return model

    return make


@pytest.fixture(scope="session")
def vit_b_32(random_model, tmp_path_factory):
    """ViT-B-32 with QuickGELU as a safetensors file in half precision."""
    model = random_model("ViT-B-32-quickgelu")
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file({name: t.half().contiguous() for name, t in model.state_dict().items()}, path)
    return Saved(model, str(path))


@pytest.fixture(scope="session")
def rn50(random_model, tmp_path_factory):
    """RN50 with QuickGELU as the state dict of a training run in half precision."""
    model = random_model("RN50-quickgelu")
    path = tmp_path_factory.mktemp("weights") / "rn50.pt"
    state = {f"module.{name}": tensor.half() for name, tensor in model.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, path)
    return Saved(model, str(path))


@pytest.fixture(scope="session")
def clip_encoder(request):
    """``clip_encoder("RN50")``: an encoder of real size, loaded once, and its original."""
    loaded = {}

    def get(name: str) -> tuple[Encoder, torch.nn.Module]:
        saved = request.getfixturevalue({"ViT-B-32": "vit_b_32", "RN50": "rn50"}[name])
        if name not in loaded:
            loaded[name] = load_encoder(f"{name}-quickgelu:{saved.path}")
        return loaded[name], saved.model

    return get


@pytest.fixture(scope="session")
def tiny(tiny_models, random_model, tmp_path_factory):
    """``tiny("tiny-vit")``: a tiny model and its safetensors file in float32."""
    made = {}

    def make(name: str) -> Saved:
        if name not in made:
            model = random_model(name)
            path = tmp_path_factory.mktemp("tiny") / f"{name}.safetensors"
            save_file({n: t.contiguous() for n, t in model.state_dict().items()}, path)
            made[name] = Saved(model, str(path))
        return made[name]

    return make


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and no cache but empty ones under the returned folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DDRIQA_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.fixture
def put_in_hub_cache(offline):
    """Put files where the hub's client would have cached a repository's."""

    def put(repository: str, **files: bytes) -> None:
        folder = offline / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / "0123abc"
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("0123abc")
        for name, content in files.items():
            (snapshot / name.replace("__", ".")).write_bytes(content)

    return put


@pytest.fixture
def saved_folder(open_clip, tiny, tmp_path):
    """A model as open_clip saves it into a folder, with its own mean and deviation."""
    model, path = tiny("tiny-vit-quickgelu")
    config = {
        "model_cfg": open_clip.get_model_config("tiny-vit-quickgelu"),
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
    }
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with open(path, "rb") as weights:
        (folder / "open_clip_model.safetensors").write_bytes(weights.read())
    return Saved(model, str(folder))
