"""CLIP through open_clip: the same numbers as open_clip from every kind of file, or a reason."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ddriqa.encoders import load_encoder
from ddriqa.encoders.clip import import_open_clip
from ddriqa.encoders.clip_files import OPENAI, find
from ddriqa.errors import DeviceError, UsageError, WeightsError

TEXTS = ["A sharp photo with high-quality.", "A blurry photo with low-quality."]


def image(side: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3))


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """As OpenAI's preprocessing does; numbers from the DDR authors' code."""
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    return (pixels - mean) / std


class TestAgainstOpenClip:
    """The encoder against the model that the weights were saved from."""

    @pytest.mark.parametrize("name", ["ViT-B-32", "RN50"])
    def test_real_sizes(self, name, clip_encoder, open_clip):
        encoder, model = clip_encoder(name)
        pixels = image(224, 1)
        with torch.no_grad():
            expected = model.encode_image(normalised(pixels))
            texts = model.encode_text(open_clip.get_tokenizer(name)(TEXTS))
            assert (encoder.encode_image(pixels) - expected).abs().max() <= 1e-6
            assert (encoder.encode_text(TEXTS) - texts).abs().max() <= 1e-6

    @pytest.mark.parametrize("name", ["tiny-vit", "tiny-resnet-quickgelu"])
    def test_the_named_activation_is_the_models(self, name, tiny):
        model, path = tiny(name)
        other = name.removesuffix("-quickgelu") if "quick" in name else f"{name}-quickgelu"
        encoder, wrong = load_encoder(f"{name}:{path}"), load_encoder(f"{other}:{path}")
        tokens = encoder.tokenizer(TEXTS)
        with torch.no_grad():
            assert (encoder.encode_text(TEXTS) - model.encode_text(tokens)).abs().max() <= 1e-6
            assert (wrong.encode_text(TEXTS) - model.encode_text(tokens)).abs().max() > 1e-3
        assert encoder.fingerprint != wrong.fingerprint

    def test_the_default_tag_takes_quickgelu_by_itself(self, vit_b_32, offline, monkeypatch):
        monkeypatch.setenv("DDRIQA_WEIGHTS", str(offline))
        (offline / "ViT-B-32-openai.safetensors").symlink_to(vit_b_32.path)
        encoder = load_encoder("ViT-B/32")
        pixels = image(224, 1)
        with torch.no_grad():
            expected = vit_b_32.model.encode_image(normalised(pixels))
            assert (encoder.encode_image(pixels) - expected).abs().max() <= 1e-6
        assert encoder.card.name == "ViT-B-32:openai"
        assert encoder.card.source == "OpenAI ViT-B/32"
        assert encoder.card.licence == "MIT"
        assert encoder.fingerprint.startswith("ViT-B-32-quickgelu:")

    def test_the_root_logger_is_left_alone(self, tiny):
        before = list(logging.root.handlers)
        load_encoder(f"tiny-vit:{tiny('tiny-vit').path}")
        assert logging.root.handlers == before


class TestStages:
    def test_a_resnets_stages_lead_to_its_features(self, tiny):
        model, path = tiny("tiny-resnet")
        encoder = load_encoder(f"tiny-resnet:{path}")
        pixels = image(64)
        with torch.no_grad():
            stages = encoder.stages(pixels)
            x = model.visual.stem(normalised(pixels))
            for name, stage in zip(["layer1", "layer2", "layer3", "layer4"], stages, strict=True):
                x = getattr(model.visual, name)(x)
                assert (stage - x).abs().max() <= 1e-6
            features = model.visual.attnpool(stages[-1])
            assert (features - encoder.encode_image(pixels)).abs().max() <= 1e-6

    def test_a_vits_stages_are_its_patch_tokens_on_the_way_to_its_features(self, tiny):
        model, path = tiny("tiny-vit")
        encoder = load_encoder(f"tiny-vit:{path}")
        pixels, tokens = image(32), []
        hooks = [
            block.register_forward_hook(lambda _module, _inputs, out: tokens.append(out))
            for block in model.visual.transformer.resblocks
        ]
        with torch.no_grad():
            features = model.encode_image(normalised(pixels))
            stages = encoder.stages(pixels)
        for hook in hooks:
            hook.remove()
        assert (encoder.encode_image(pixels) - features).abs().max() <= 1e-6
        for stage, seen in zip(stages, tokens, strict=True):
            grid = seen[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)  # after the class token
            assert (stage - grid).abs().max() <= 1e-6

    def test_twelve_blocks_give_the_end_of_each_quarter(self, clip_encoder):
        encoder, model = clip_encoder("ViT-B-32")
        with torch.no_grad():
            stages = encoder.stages(image(224, 1))
            expected = model.visual.forward_intermediates(
                normalised(image(224, 1)), indices=[2, 5, 8, 11], intermediates_only=True
            )["image_intermediates"]
        for stage, taken in zip(stages, expected, strict=True):
            assert (stage - taken).abs().max() <= 1e-5

    def test_a_tower_of_timm_has_features_but_no_stages(self, tiny):
        model, path = tiny("tiny-timm")
        encoder = load_encoder(f"tiny-timm:{path}")
        with torch.no_grad():
            expected = model.encode_image(normalised(image(160)))
            assert (encoder.encode_image(image(160)) - expected).abs().max() <= 1e-6
        assert encoder.card.stage_channels == ()
        with pytest.raises(UsageError, match="no middle features"):
            encoder.stages(image(160))


class TestFiles:
    """One set of weights in every format is one encoder."""

    def save(self, kind: str, tensors: dict, folder: Path) -> Path:
        path = folder / "weights.any"
        if kind == "safetensors":
            save_file(tensors, path)
        elif kind == "state dict":
            torch.save(tensors, path)
        elif kind == "training run":
            state = {f"module.{name}": tensor for name, tensor in tensors.items()}
            torch.save({"epoch": 32, "state_dict": state, "optimizer": {"state": {}}}, path)
        elif kind == "half precision":
            halves = {name: tensor.half() for name, tensor in tensors.items()}
            save_file(halves, path)
        return path

    @pytest.mark.parametrize(
        "kind", ["safetensors", "state dict", "training run", "half precision"]
    )
    def test_every_format_gives_the_same_features_and_fingerprint(self, kind, tiny, tmp_path):
        model, original = tiny("tiny-vit")
        path = self.save(kind, load_file(original), tmp_path)
        encoder, expected = load_encoder(f"tiny-vit:{path}"), load_encoder(f"tiny-vit:{original}")
        assert encoder.fingerprint == expected.fingerprint
        with torch.no_grad():
            assert torch.equal(encoder.encode_image(image(32)), expected.encode_image(image(32)))
        assert encoder.card.name == "tiny-vit:weights.any"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert encoder.card.numbers["file_sha256"] == digest

    def test_the_fingerprint_is_the_sha256_of_all_numbers(self, tiny):
        _, path = tiny("tiny-resnet")
        encoder = load_encoder(f"tiny-resnet:{path}")
        tensors = load_file(path)
        tensors["mean"] = torch.tensor([0.48145466, 0.4578275, 0.40821073])
        tensors["std"] = torch.tensor([0.26862954, 0.26130258, 0.27577711])
        digest = hashlib.sha256()
        for name in sorted(tensors):
            if "num_batches_tracked" not in name:
                digest.update(name.encode() + tensors[name].numpy().tobytes())
        assert encoder.fingerprint == f"tiny-resnet:{digest.hexdigest()}"

    def test_one_changed_number_changes_the_fingerprint(self, tiny, tmp_path):
        _, path = tiny("tiny-vit")
        tensors = load_file(path)
        tensors["visual.proj"][0, 0] += 1e-3
        save_file(tensors, tmp_path / "changed")
        changed = load_encoder(f"tiny-vit:{tmp_path / 'changed'}")
        assert changed.fingerprint != load_encoder(f"tiny-vit:{path}").fingerprint

    def test_a_published_file_of_openai_is_known_by_its_hash(self, tiny, monkeypatch):
        model, path = tiny("tiny-vit-quickgelu")
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        monkeypatch.setitem(OPENAI, "RN50", replace(OPENAI["RN50"], sha256=digest))
        encoder = load_encoder(f"tiny-vit:{path}")
        with torch.no_grad():
            expected = model.encode_text(encoder.tokenizer(TEXTS))
            assert (encoder.encode_text(TEXTS) - expected).abs().max() <= 1e-6
        assert encoder.card.source == "OpenAI RN50"
        assert encoder.card.licence == "MIT"

    def test_a_folder_brings_its_own_mean_and_deviation(self, saved_folder):
        model, folder = saved_folder
        encoder = load_encoder(f"local-dir:{folder}")
        pixels = image(32)
        with torch.no_grad():
            expected = model.encode_image((pixels - 0.5) / 0.25)
            assert (encoder.encode_image(pixels) - expected).abs().max() <= 1e-6
        assert encoder.card.name == "my-model"
        assert encoder.fingerprint.startswith("tiny-vit-quickgelu:")

    def test_a_hub_model_in_the_cache_needs_no_network(self, saved_folder, put_in_hub_cache):
        model, folder = saved_folder
        files = {
            "open_clip_config__json": (Path(folder) / "open_clip_config.json").read_bytes(),
            "open_clip_model__safetensors": (
                Path(folder) / "open_clip_model.safetensors"
            ).read_bytes(),
        }
        put_in_hub_cache("someone/tiny", **files)
        encoder = load_encoder("hf-hub:someone/tiny")
        with torch.no_grad():
            expected = model.encode_image((image(32) - 0.5) / 0.25)
            assert (encoder.encode_image(image(32)) - expected).abs().max() <= 1e-6
        assert encoder.card.source == "someone/tiny"


class TestWrongWeights:
    def refused(self, spec: str) -> str:
        with pytest.raises(WeightsError) as caught:
            load_encoder(spec)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_weights_of_another_model_name_the_tensor_and_the_model(self, vit_b_32):
        message = self.refused(f"ViT-B-16:{vit_b_32.path}")
        assert vit_b_32.path in message
        assert "visual.positional_embedding is (50, 768), expected (197, 768)" in message
        assert f"--encoder ViT-B-32:{vit_b_32.path}" in message

    def test_a_resnets_weights_are_told_from_a_vits(self, rn50):
        assert f"--encoder RN50:{rn50.path}" in self.refused(f"ViT-B-32:{rn50.path}")

    @pytest.mark.parametrize("change", ["missing", "extra"])
    def test_a_missing_or_unknown_tensor_is_named(self, change, tiny, tmp_path):
        tensors = load_file(tiny("tiny-vit").path)
        if change == "missing":
            del tensors["visual.proj"]
            expected = "visual.proj is absent, expected (64, 48)"
        else:
            tensors["visual.head"] = torch.zeros(2, 3)
            expected = "visual.head is (2, 3), expected absent"
        save_file(tensors, tmp_path / "w")
        assert expected in self.refused(f"tiny-vit:{tmp_path / 'w'}")

    def test_a_pickle_that_runs_code_is_refused_and_not_run(self, tiny_models, tmp_path):
        class Attack:
            def __reduce__(self):
                return os.system, (f"touch {tmp_path / 'ran'}",)

        torch.save({"visual.proj": Attack()}, tmp_path / "bad.pt")
        message = self.refused(f"tiny-vit:{tmp_path / 'bad.pt'}")
        assert "without running code" in message
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"a": torch.zeros(2), "epoch": 3}, "'epoch' is of type int"),
            ([torch.zeros(2)], "list"),
            ({}, "without tensors"),
        ],
    )
    def test_what_is_no_state_dict_is_refused(self, content, reason, tiny_models, tmp_path):
        torch.save(content, tmp_path / "odd.pt")
        assert reason in self.refused(f"tiny-vit:{tmp_path / 'odd.pt'}")

    @pytest.mark.parametrize(
        "kind", ["text", "empty", "old pickle", "cut zip", "torn zip", "cut safetensors"]
    )
    def test_damaged_and_foreign_files_are_refused(self, kind, tiny, tmp_path):
        path = tmp_path / "w.pt"
        if kind == "text":
            path.write_text("<html>404: this is no checkpoint</html>")
        elif kind == "empty":
            path.touch()
        elif kind == "old pickle":
            torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
        elif kind == "cut zip":
            torch.save(load_file(tiny("tiny-vit").path), path)
            path.write_bytes(path.read_bytes()[:-5000])
        elif kind == "torn zip":
            torch.save(load_file(tiny("tiny-vit").path), path)
            content = bytearray(path.read_bytes())
            directory = content.index(b"PK\x01\x02")
            content[directory : directory + 40] = bytes(40)
            path.write_bytes(content)
        else:
            path.write_bytes(Path(tiny("tiny-vit").path).read_bytes()[:-5000])
        assert str(path) in self.refused(f"tiny-vit:{path}")

    def test_a_folder_without_its_files_says_which(self, tmp_path):
        assert "open_clip_config.json" in self.refused(f"local-dir:{tmp_path}")
        (tmp_path / "open_clip_config.json").write_text("{}")
        assert "open_clip_model.safetensors" in self.refused(f"local-dir:{tmp_path}")
        (tmp_path / "open_clip_model.safetensors").touch()
        assert "isn't a description" in self.refused(f"local-dir:{tmp_path}")

    def test_a_model_that_open_clip_cannot_build_is_one_line(self, saved_folder):
        config = Path(saved_folder.path) / "open_clip_config.json"
        content = json.loads(config.read_text())
        content["model_cfg"]["vision_cfg"]["colour"] = "blue"
        config.write_text(json.dumps(content))
        assert "can't build it" in self.refused(f"local-dir:{saved_folder.path}")


class TestWrongNames:
    def refused(self, spec: str) -> str:
        with pytest.raises(UsageError) as caught:
            load_encoder(spec)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_unknown_models_get_the_nearest_names(self):
        assert "ViT-B-32" in self.refused("ViT-B32")
        assert "builtin" in self.refused("built-in")
        assert "RN50x64" in self.refused("RN50x63:openai")

    def test_a_file_needs_its_models_name(self, vit_b_32):
        assert f"ViT-B-32:{vit_b_32.path}" in self.refused(vit_b_32.path)

    def test_an_absent_file_and_an_unknown_tag_are_told_apart(self):
        assert "there is no file /no/such/file.pt" in self.refused("ViT-B-32:/no/such/file.pt")
        assert "ViT-B-32:laion2b_e16" in self.refused("ViT-B-32:laion2b_e15")

    def test_a_model_that_openai_never_published_needs_a_tag(self):
        assert "ViT-H-14:laion2b_s32b_b79k" in self.refused("ViT-H-14")

    def test_an_unknown_device_is_a_device_error(self):
        with pytest.raises(DeviceError, match="--device"):
            load_encoder("toy", "quantum")


class TestFinding:
    def test_offline_and_absent_is_one_line_that_says_what_to_do(self, offline, monkeypatch):
        monkeypatch.setenv("DDRIQA_WEIGHTS", str(offline / "mine"))
        with pytest.raises(WeightsError) as caught:
            load_encoder("ViT-B-32")
        message = str(caught.value)
        assert "\n" not in message
        assert "ViT-B-32.pt" in message
        for place in (offline / "mine", offline / ".cache" / "clip", offline / "hub"):
            assert str(place) in message
        assert "--encoder ViT-B-32:/path/to/ViT-B-32.pt" in message
        assert "DDRIQA_WEIGHTS" in message
        assert "HF_HUB_OFFLINE" in message

    def test_an_absent_hub_model_names_itself(self, offline):
        with pytest.raises(WeightsError, match="hf-hub:nobody/nothing"):
            load_encoder("hf-hub:nobody/nothing")

    def test_a_network_without_answers_does_not_hold_us_up(self, offline, monkeypatch):
        silent = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("ddriqa.encoders.clip_files.NETWORK_TIMEOUT", 0.5)
        start = time.monotonic()
        with silent, pytest.raises(WeightsError, match="can't be downloaded"):
            load_encoder("ViT-B-32:laion2b_s34b_b79k")
        assert time.monotonic() - start < 10

    def test_the_hubs_cache_is_looked_in(self, put_in_hub_cache):
        put_in_hub_cache("timm/resnet50_clip.openai", open_clip_model__safetensors=b"weights")
        found = find("RN50", "openai", OPENAI["RN50"].url, "timm/resnet50_clip.openai/")
        assert found is not None
        assert found.path.read_bytes() == b"weights"
        assert found.sha256 == hashlib.sha256(b"weights").hexdigest()

    def test_openais_own_cache_is_looked_in_unless_the_file_is_damaged(self, offline, monkeypatch):
        cache = offline / ".cache" / "clip"
        cache.mkdir(parents=True)
        (cache / "RN50.pt").write_bytes(b"half a downl")
        known = OPENAI["RN50"]
        assert find("RN50", "openai", known.url, "") is None
        whole = replace(known, sha256=hashlib.sha256(b"half a downl").hexdigest())
        assert find("RN50", "openai", whole.url, "").path == cache / "RN50.pt"

    def test_a_wrong_file_that_the_user_put_there_is_refused(self, offline, monkeypatch):
        monkeypatch.setenv("DDRIQA_WEIGHTS", str(offline))
        (offline / "RN50.pt").write_bytes(b"not OpenAI's")
        with pytest.raises(WeightsError, match=OPENAI["RN50"].sha256):
            load_encoder("RN50")


class TestImportingOpenClip:
    def test_a_torchvision_that_does_not_fit_torch_is_no_hindrance(self, tmp_path):
        """A stand-in for open_clip that fails as it does beside such a torchvision."""
        (tmp_path / "open_clip.py").write_text(
            "import torch\n"
            "torch.library.register_fake('torchvision::nms')(lambda dets, scores, t: dets)\n"
            "torch.library.register_fake('torchvision::qnms')(lambda dets, scores, t: dets)\n"
        )
        program = "from ddriqa.encoders.clip import import_open_clip; print(import_open_clip())"
        paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        assert str(tmp_path) in run.stdout

    def test_an_absent_open_clip_says_how_to_install_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "open_clip", None)
        with pytest.raises(WeightsError, match="pip install open_clip_torch"):
            import_open_clip()


# The tokens between 49406 and 49407; from the DDR authors' tokenizer
TOKENS = {
    "A real color photo with high-quality.": "320 1532 3140 1125 593 1400 268 3027 269",
    "A unnatural color photo with low-quality.": "320 569 3288 3140 1125 593 1042 268 3027 269",
    "A clean photo with high-quality.": "320 3772 1125 593 1400 268 3027 269",
    "A noise degraded photo with low-quality.": "320 9307 561 13823 1125 593 1042 268 3027 269",
    "A sharp photo with high-quality.": "320 8157 1125 593 1400 268 3027 269",
    "A blurry photo with low-quality.": "320 21977 1125 593 1042 268 3027 269",
    "A clear content photo with high-quality.": "320 3143 4750 1125 593 1400 268 3027 269",
    "A bad content photo with low-quality.": "320 2103 4750 1125 593 1042 268 3027 269",
    "A natural exposure photo with high-quality.": "320 3288 11903 1125 593 1400 268 3027 269",
    "A unnatural exposure photo with low-quality.": (
        "320 569 3288 11903 1125 593 1042 268 3027 269"
    ),
}


def test_the_prompts_become_the_tokens_of_the_authors(tiny):
    encoder = load_encoder(f"tiny-vit:{tiny('tiny-vit').path}")
    for text, tokens in TOKENS.items():
        expected = [49406, *map(int, tokens.split()), 49407]
        expected += [0] * (77 - len(expected))
        assert encoder.tokenizer([text])[0].tolist() == expected
