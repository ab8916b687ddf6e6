"""Official files: committed manifests of their keys and shapes, envelopes, names, messages."""

import pytest
import torch
from official_layouts import COUNTS, FILES, MANIFESTS, manifest, trained
from safetensors.torch import save_file

from ddriqa.errors import WeightsError
from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.networks.checkpoints import load_official, read_official

CONFIGURATIONS = {
    "nafnet-gopro-width32": ("nafnet", "paper"),
    "nafnet-sidd-width64": ("nafnet", "sidd-width64"),
    "restormer-motion-deblurring": ("restormer", "paper"),
    "restormer-colour-denoising": ("restormer", "denoise"),
    "restormer-grey-denoising": ("restormer", "denoise-grey"),
    "restormer-dual-pixel": ("restormer", "dual-pixel"),
    "promptir": ("promptir", "paper"),
    "swinir-classical-x3-s48": ("swinir", "classical-x3"),
    "swinir-classical-x4-s64": ("swinir", "paper"),
    "swinir-light-x2": ("swinir", "light-x2"),
    "swinir-real-x4-large": ("swinir", "real-x4-large"),
    "swinir-colour-denoising": ("swinir", "denoise"),
    "swinir-jpeg-grey": ("swinir", "jpeg-grey"),
    "rrdb-x4-basicsr": ("rrdb", "paper"),
    "rrdb-x2-basicsr": ("rrdb", "x2"),
    "rrdb-x4-esrgan": ("rrdb", "paper"),
    "rrdb-x4-numbered": ("rrdb", "paper"),
    "rrdb-x2-sfd": ("rrdb", "sfd-x2"),
}
ENVELOPES = {
    "bare": lambda tensors: tensors,
    "params": lambda tensors: {"params": tensors},
    "params_ema": lambda tensors: {"params_ema": tensors},
    "averaged first": lambda tensors: {
        "params": {name: torch.full_like(t, 9) for name, t in tensors.items()},
        "params_ema": tensors,
    },
    "many devices": lambda tensors: {f"module.{name}": t for name, t in tensors.items()},
    "lightning": lambda tensors: {
        "epoch": 3,
        "state_dict": {f"net.{name}": t for name, t in tensors.items()},
    },
    "both prefixes": lambda tensors: {f"module.net.{name}": t for name, t in tensors.items()},
}


def on_meta(name):
    with torch.device("meta"):
        return build(*CONFIGURATIONS[name])


def random_tensors(shapes):
    generator = torch.Generator().manual_seed(0)
    return {key: torch.randn(shape, generator=generator) for key, shape in shapes.items()}


def test_manifests_are_what_the_rules_write():
    assert {path.stem for path in MANIFESTS.glob("*.json")} == FILES.keys() == COUNTS.keys()
    assert CONFIGURATIONS.keys() == FILES.keys()
    for name, shapes in FILES.items():
        assert manifest(name) == shapes


@pytest.mark.parametrize("name", COUNTS)
def test_manifests_have_the_measured_totals(name):
    shapes = manifest(name)
    assert (len(shapes), trained(shapes)) == COUNTS[name]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_official_layout_fits_its_preset(name):
    shapes = manifest(name)
    tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    load_official(on_meta(name), tensors)
    lost = next(key for key in reversed(shapes) if "chnl" not in key and "channel_" not in key)
    with pytest.raises(WeightsError, match="missing"):
        load_official(on_meta(name), {k: t for k, t in tensors.items() if k != lost})


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        (
            "rrdb-x4-numbered",
            {
                "model.0.weight": "conv_first.weight",
                "model.1.sub.7.RDB2.conv3.0.weight": "body.7.rdb2.conv3.weight",
                "model.1.sub.22.RDB3.conv5.0.bias": "body.22.rdb3.conv5.bias",
                "model.1.sub.23.bias": "conv_body.bias",
                "model.3.weight": "conv_up1.weight",
                "model.6.weight": "conv_up2.weight",
                "model.8.weight": "conv_hr.weight",
                "model.10.bias": "conv_last.bias",
            },
        ),
        (
            "rrdb-x4-esrgan",
            {
                "RRDB_trunk.7.RDB2.conv3.weight": "body.7.rdb2.conv3.weight",
                "trunk_conv.bias": "conv_body.bias",
                "upconv1.weight": "conv_up1.weight",
                "upconv2.weight": "conv_up2.weight",
                "HRconv.weight": "conv_hr.weight",
                "conv_last.bias": "conv_last.bias",
            },
        ),
        (
            "swinir-light-x2",
            {
                "patch_embed.norm.weight": "first_norm.weight",
                "norm.weight": "norm.weight",
                "layers.2.residual_group.blocks.5.attn.qkv.bias": "layers.2.blocks.5.attn.qkv.bias",
                "layers.3.conv.weight": "layers.3.conv.weight",
                "upsample.0.weight": "head.upsample.0.weight",
            },
        ),
        (
            "promptir",
            {
                "patch_embed.proj.weight": "patch_embed.weight",
                "encoder_level2.4.norm1.body.bias": "encoder_level2.4.norm1.bias",
                "noise_level2.norm2.body.weight": "noise_level2.norm2.weight",
                "up4_3.body.0.weight": "up4_3.0.weight",
                "prompt1.prompt_param": "prompt1.prompt_param",
            },
        ),
        ("nafnet-gopro-width32", {"encoders.3.27.sca.1.bias": "encoders.3.27.sca.1.bias"}),
    ],
)
def test_tensors_arrive_where_they_belong(name, pairs):
    network, tensors = build(*CONFIGURATIONS[name]), random_tensors(manifest(name))
    load_official(network, tensors)
    own = network.state_dict()
    for official, ours in pairs.items():
        assert torch.equal(own[ours], tensors[official]), official


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_envelope_is_opened(envelope):
    source, network = build("nafnet", width=4), build("nafnet", width=4)
    load_official(network, ENVELOPES[envelope](source.state_dict()))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name])


@pytest.mark.parametrize("names", ["numbered of scale 1", "numbered of scale 2"])
def test_numbered_names_count_fewer_layers_at_smaller_scales(names):
    """Each doubling is an up-sampling, a convolution and an activation: three numbers."""
    doublings = int(names[-1]) - 1
    network = build("rrdb", scale=1 + doublings, blocks=1, unshuffle=False)
    last = ["model.3", "model.5", "model.7"] if doublings else ["model.2", "model.4"]
    ours = ["conv_up1", "conv_hr", "conv_last"][-len(last) :]
    tensors = {}
    for key, tensor in network.state_dict().items():
        layer, _, kind = key.rpartition(".")
        if layer in ours:
            key = f"{last[ours.index(layer)]}.{kind}"
        elif layer in ("conv_first", "conv_body"):
            key = f"{'model.0' if layer == 'conv_first' else 'model.1.sub.1'}.{kind}"
        else:
            key = f"{layer.replace('body', 'model.1.sub').replace('rdb', 'RDB')}.0.{kind}"
        tensors[key] = tensor + 1
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    load_official(network, tensors)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[key] + 1)


def test_what_does_not_fit_is_named_and_nothing_is_changed():
    network = build("nafnet", width=4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tensors = {name: torch.ones_like(tensor) for name, tensor in before.items()}
    del tensors["intro.bias"]
    tensors["extra.weight"] = torch.ones(1)
    tensors["ending.bias"] = torch.ones(4)
    with pytest.raises(WeightsError) as caught:
        load_official(network, tensors)
    told = str(caught.value)
    assert "missing intro.bias" in told
    assert "unexpected extra.weight" in told
    assert "ending.bias is (4,), expected (3,)" in told
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_another_layer_norm_is_told_by_its_88_missing_names():
    other = on_meta("restormer-colour-denoising").state_dict()
    with pytest.raises(WeightsError, match=r"missing (\S+ ){3}and 85 more\. Build") as caught:
        load_official(on_meta("restormer-motion-deblurring"), other)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("content", [{}, {"weights": {"a": torch.ones(1)}}, {"params": {"a": 1}}])
def test_what_holds_no_tensors_is_refused(content):
    with pytest.raises(WeightsError, match="Known entries are params_ema, params, state_dict"):
        load_official(build("nafnet", width=4), content)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_files_are_read(kind, tmp_path):
    source, network = build("nafnet", width=4), build("nafnet", width=4)
    path = tmp_path / f"net.{kind}"
    if kind == "pth":
        torch.save({"params": source.state_dict()}, path)
    else:
        save_file(source.state_dict(), path)
    load_official(network, read_official(path))
    assert torch.equal(network.intro.weight, source.intro.weight)


class Stranger:
    """Not a plain value."""


def test_files_that_are_absent_damaged_or_hold_code_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        read_official(tmp_path / "absent.pth")
    for name in ("damaged.pth", "damaged.safetensors", "empty.pth"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"not weights at all")
        with pytest.raises(WeightsError, match="is damaged"):
            read_official(tmp_path / name)
    torch.save({"params": Stranger()}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="more than plain values"):
        read_official(tmp_path / "code.pth")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="holds a list"):
        read_official(tmp_path / "list.pth")
