"""OpenAI's TorchScript archives: the right tensors, and nothing of the archive is run."""

import copy
import io
import os
import pickle
import zipfile

import pytest
import torch
from torch import Tensor, nn

from ddriqa.encoders import load_encoder
from ddriqa.encoders.openai_archive import is_archive, read_archive
from ddriqa.errors import WeightsError


def save_as_openai(model: nn.Module, side: int, path: str) -> dict[str, Tensor]:
    """Trace a model and save it in OpenAI's manner: mixed precision, other tensors in it, too."""
    model = copy.deepcopy(model)
    for name, value in (("input_resolution", side), ("context_length", 77), ("vocab_size", 49408)):
        vars(model).pop(name, None)
        model.register_buffer(name, torch.tensor(value))
    model.transformer.resblocks[0].attention_mask = torch.ones(77, 77)  # no parameter, no buffer
    inputs = {
        "encode_image": (torch.rand(1, 3, side, side),),
        "encode_text": (torch.ones(1, 77, dtype=torch.int64),),
    }
    traced = torch.jit.trace_module(model, inputs, check_trace=False)
    for name, parameter in traced.named_parameters():
        if "ln_" not in name and "embedding" not in name and "logit" not in name:
            parameter.data = parameter.data.half()
    torch.jit.save(traced, path)
    return torch.jit.load(path, map_location="cpu").state_dict()


pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


@pytest.fixture(params=[("tiny-vit", 32), ("tiny-resnet", 64)], ids=["vit", "resnet"])
def archive(request, tiny_models, random_model, tmp_path):
    name, side = request.param
    model = random_model(f"{name}-quickgelu")
    path = tmp_path / "CLIP.pt"
    return name, side, model, path, save_as_openai(model, side, str(path))


def test_the_tensors_are_those_that_torch_would_load(archive):
    _, _, _, path, expected = archive
    tensors = read_archive(path)
    assert is_archive(path)
    assert set(expected) <= set(tensors)
    assert any(tensor.dtype == torch.float16 for tensor in tensors.values())
    for name, tensor in expected.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_an_archive_is_an_encoder_with_quickgelu(archive):
    name, side, model, path, _ = archive
    encoder = load_encoder(f"{name}:{path}")
    pixels = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    tokens = encoder.tokenizer(["A photo."])
    with torch.no_grad():
        image = model.encode_image(encoder.normalise(pixels))
        assert (encoder.encode_image(pixels) - image).abs().max() <= 1e-6
        assert (encoder.encode_text(["A photo."]) - model.encode_text(tokens)).abs().max() <= 1e-6
    assert all(parameter.dtype == torch.float32 for parameter in encoder.parameters())
    assert encoder.fingerprint.startswith(f"{name}-quickgelu:")


def test_an_archive_and_a_state_dict_of_the_same_weights_have_one_fingerprint(archive, tmp_path):
    name, _, _, path, state = archive
    torch.save(state, tmp_path / "state.pt")
    from_archive = load_encoder(f"{name}:{path}")
    from_state = load_encoder(f"{name}-quickgelu:{tmp_path / 'state.pt'}")
    assert from_archive.fingerprint == from_state.fingerprint


class WithEverything(nn.Module):
    """A module with attributes of the kinds that TorchScript keeps beside tensors."""

    sizes: list[int]
    scales: list[float]
    flags: list[bool]
    masks: list[Tensor]
    names: dict[str, int]
    pair: tuple[int, str]
    nothing: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3).t())  # not contiguous
        self.register_buffer("count", torch.tensor([3, 4]))
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.sizes = [1, 2]
        self.scales = [0.5]
        self.flags = [True]
        self.masks = [torch.ones(1)]
        self.names = {"a": 1}
        self.pair = (1, "x")
        self.text = "text"
        self.nothing = None

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.scales[0] + self.sizes[0] + len(self.text) + self.pair[0]


def test_other_attributes_of_modules_are_passed_over(tmp_path):
    module = torch.jit.script(WithEverything().eval())
    torch.jit.save(module, tmp_path / "all.pt")
    tensors = read_archive(tmp_path / "all.pt")
    assert set(tensors) == set(module.state_dict())
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensors[name], tensor)


def write_archive(path, pickled: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CLIP/data.pkl", pickled)
        archive.writestr("CLIP/constants.pkl", pickle.dumps(()))
        archive.writestr("CLIP/data/0", bytes(8))


class Attack:
    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("function", [os.system, eval, getattr, torch.load, torch.jit.load])
def test_a_pickle_that_calls_anything_is_refused_and_not_run(function, tiny_models, tmp_path):
    mark = tmp_path / "ran"
    argument = f"touch {mark}" if function is os.system else f"open({str(mark)!r}, 'w')"
    path = tmp_path / "bad.pt"
    write_archive(path, pickle.dumps(Attack(function, argument), protocol=2))
    with pytest.raises(WeightsError, match="isn't run"):
        load_encoder(f"tiny-vit:{path}")
    assert not mark.exists()


class Storage:
    """Pickles as a reference to storage 0, which holds two floats' worth of bytes."""


class StoragePickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, count: int) -> None:
        super().__init__(file, protocol=2)
        self.count = count

    def persistent_id(self, value: object) -> object:
        if isinstance(value, Storage):
            return ("storage", torch.FloatStorage, "0", "cpu", self.count)
        return None


@pytest.mark.parametrize(("count", "offset", "size"), [(2, 1, (2,)), (2, 0, (3,)), (9, 0, (2,))])
def test_tensors_beyond_their_numbers_are_refused(count, offset, size, tmp_path):
    call = Attack(torch._utils._rebuild_tensor_v2, Storage(), offset, size, (1,), False, {})
    pickled = io.BytesIO()
    StoragePickler(pickled, count).dump(call)
    write_archive(tmp_path / "short.pt", pickled.getvalue())
    with pytest.raises(WeightsError, match="damaged"):
        read_archive(tmp_path / "short.pt")


def test_a_damaged_archive_is_refused(archive, tmp_path):
    *_, path, _ = archive
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "cut.pt", "w") as cut:
        for name in whole.namelist():
            if not name.endswith("/data/0"):
                cut.writestr(name, whole.read(name))
    with pytest.raises(WeightsError, match="damaged"):
        read_archive(tmp_path / "cut.pt")
