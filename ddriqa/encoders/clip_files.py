"""What a CLIP model's spec means, where its weights are looked for, and how they are downloaded.

A spec is ``MODEL``, ``MODEL:TAG``, ``MODEL:/path``, ``local-dir:/path`` or ``hf-hub:ORG/NAME``.
Nothing here imports torch or open_clip before a file is really wanted.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddriqa.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOCAL_DIR, HF_HUB = "local-dir:", "hf-hub:"
WEIGHTS_FOLDER = "DDRIQA_WEIGHTS"
DEFAULT_TAG = "openai"
QUICK_GELU = "-quickgelu"  # at the end of open_clip's names of models with that activation
NETWORK_TIMEOUT = 10.0  # seconds without an answer
CONFIG_NAME = "open_clip_config.json"
FOLDER_NAMES = (  # of the weights in a folder or on the hub, the first that is there is taken
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
)
WEIGHTS_ENDINGS = (".safetensors", ".pt", ".pth", ".bin")
HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAIFile:
    """A checkpoint as OpenAI published it: a TorchScript archive in half precision."""

    title: str
    file: str
    sha256: str
    size: int
    dim: int
    side: int
    hub: str

    @property
    def url(self) -> str:
        """Where OpenAI publishes it."""
        return f"https://openaipublic.azureedge.net/clip/models/{self.sha256}/{self.file}"


OPENAI = {
    "ViT-B-32": OpenAIFile(
        title="OpenAI ViT-B/32",
        file="ViT-B-32.pt",
        sha256="40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        size=353_976_522,
        dim=512,
        side=224,
        hub="timm/vit_base_patch32_clip_224.openai",
    ),
    "ViT-B-16": OpenAIFile(
        title="OpenAI ViT-B/16",
        file="ViT-B-16.pt",
        sha256="5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        size=350_837_078,
        dim=512,
        side=224,
        hub="timm/vit_base_patch16_clip_224.openai",
    ),
    "ViT-L-14": OpenAIFile(
        title="OpenAI ViT-L/14",
        file="ViT-L-14.pt",
        sha256="b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        size=932_768_134,
        dim=768,
        side=224,
        hub="timm/vit_large_patch14_clip_224.openai",
    ),
    "RN50": OpenAIFile(
        title="OpenAI RN50",
        file="RN50.pt",
        sha256="afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
        size=255_827_503,
        dim=1024,
        side=224,
        hub="timm/resnet50_clip.openai",
    ),
    "RN50x16": OpenAIFile(
        title="OpenAI RN50x16",
        file="RN50x16.pt",
        sha256="52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
        size=661_125_706,
        dim=768,
        side=384,
        hub="timm/resnet50x16_clip.openai",
    ),
    "RN50x64": OpenAIFile(
        title="OpenAI RN50x64",
        file="RN50x64.pt",
        sha256="be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
        size=1_353_500_174,
        dim=1024,
        side=448,
        hub="timm/resnet50x64_clip.openai",
    ),
}


@dataclass(frozen=True)
class WeightsFile:
    """A file on this machine and its sha256."""

    path: Path
    sha256: str

    @property
    def openai(self) -> OpenAIFile | None:
        """The published OpenAI checkpoint that this file is, byte for byte, if it is one."""
        return next((known for known in OPENAI.values() if known.sha256 == self.sha256), None)


@dataclass(frozen=True)
class Origin:
    """What a spec stands for.

    Attributes:
        spec: as the user wrote it.
        model: open_clip's name of the architecture, or ``local-dir:PATH``.
        tokenizer: open_clip's name of the tokenizer.
        file: the weights.
        tag: open_clip's name of the training run, if it is known.
        source: who published the weights, in words.
        quick_gelu: the weights were trained with x sigmoid(1.702 x) for an activation.
        preprocess: ``mean`` and ``std`` where they differ from OpenAI's.
    """

    spec: str
    model: str
    tokenizer: str
    file: WeightsFile
    tag: str = ""
    source: str = ""
    quick_gelu: bool = False
    preprocess: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A path where weights may lie, and the beginning of the sha256 they must have, if known."""

    path: Path
    sha256: str = ""
    put_by_user: bool = False


def locate(spec: str) -> Origin:
    """The origin of a spec; downloads it if a tag or a hub's name asks for that and it's absent.

    Raises:
        UsageError: an unknown tag, or no such file or folder.
        WeightsError: the weights are neither here nor to be had, or not what their name says.
    """
    if spec.startswith(LOCAL_DIR):
        return _in_folder(spec, Path(spec.removeprefix(LOCAL_DIR)).expanduser())
    if spec.startswith(HF_HUB):
        return _on_hub(spec)
    model, _, rest = spec.partition(":")
    model = model.replace("/", "-")
    return _with_tag(spec, model, rest or DEFAULT_TAG) or _with_path(spec, model, rest)


def _with_tag(spec: str, model: str, tag: str) -> Origin | None:
    from open_clip.pretrained import get_pretrained_cfg

    known = get_pretrained_cfg(model, tag)
    if not known:
        return None
    tag = tag.lower().replace("-", "_")  # as open_clip reads it
    url, hub = known.get("url", ""), known.get("hf_hub", "")
    file = find(model, tag, url, hub) or _downloaded(model, tag, url, hub)
    openai = OPENAI.get(model.removesuffix(QUICK_GELU)) if tag == DEFAULT_TAG else None
    return Origin(
        spec=spec,
        model=model,
        tokenizer=model,
        file=file,
        tag=tag,
        source=openai.title if openai else hub.strip("/") or url,
        quick_gelu=known.get("quick_gelu", False),
        preprocess={name: known[name] for name in ("mean", "std") if name in known},
    )


def _with_path(spec: str, model: str, rest: str) -> Origin:
    path = Path(rest).expanduser()
    if not rest or not path.is_file():
        raise _no_such_weights(spec, model, rest)
    file = WeightsFile(path, file_sha256(path))
    return Origin(
        spec=spec,
        model=model,
        tokenizer=model,
        file=file,
        tag=DEFAULT_TAG if file.openai else "",
        source=file.openai.title if file.openai else path.name,
        quick_gelu=bool(file.openai),
    )


def _no_such_weights(spec: str, model: str, rest: str) -> UsageError:
    from open_clip.pretrained import list_pretrained_tags_by_model

    if Path(rest).name != rest or Path(rest).suffix in WEIGHTS_ENDINGS:
        return UsageError("--encoder", f"there is no file {rest}")
    tags = list_pretrained_tags_by_model(model)
    near = difflib.get_close_matches(rest, tags, n=3, cutoff=0.4) or tags[:3]
    if rest:
        reason = f"{rest!r} is neither a tag of {model} nor a file"
    else:
        reason = f"OpenAI published no {spec}, so a tag or a file must be named"
    known = " or ".join(f"{model}:{choice}" for choice in [*near, "/path/to/weights"])
    return UsageError("--encoder", reason, f"Say for instance {known}")


def find(model: str, tag: str, url: str, hub: str) -> WeightsFile | None:
    """The weights of a model and tag on this machine, if they are there and whole.

    Raises:
        WeightsError: a file that the user put there isn't the one its name says.
    """
    for candidate in candidates(model, tag, url, hub):
        if not candidate.path.is_file():
            continue
        digest = file_sha256(candidate.path)
        if digest.startswith(candidate.sha256):
            return WeightsFile(candidate.path, digest)
        if candidate.put_by_user:
            raise WeightsError(
                str(candidate.path),
                f"is damaged or another file: its sha256 is {digest}, not {candidate.sha256}",
                f"Replace it, or say --encoder {model}:{candidate.path} to take it all the same",
            )
    return None


def candidates(model: str, tag: str, url: str, hub: str) -> list[Candidate]:
    """Where the weights of a model and tag may lie, in the order they are looked for.

    The folder named by ``DDRIQA_WEIGHTS``, the folder that OpenAI's and open_clip's own
    downloads go to, and the cache of the Hugging Face hub.
    """
    found = []
    folder = os.environ.get(WEIGHTS_FOLDER)
    name, expected = Path(url).name, sha256_in_url(url)
    if folder:
        stem = f"{model.removesuffix(QUICK_GELU)}-{tag}"
        found += [Candidate(Path(folder) / f"{stem}{end}") for end in (".safetensors", ".pt")]
        if name:
            found.append(Candidate(Path(folder) / name, expected, put_by_user=True))
    if name:
        found.append(Candidate(url_cache() / name, expected))
    return found + [Candidate(path) for path in _in_hub_cache(hub)]


def url_cache() -> Path:
    """The folder that OpenAI's package and open_clip download to."""
    return Path.home() / ".cache" / "clip"


def sha256_in_url(url: str) -> str:
    """The sha256 that a publisher's address holds: whole (OpenAI), its beginning (open_clip)."""
    if "openaipublic" in url:
        return url.split("/")[-2]
    if "mlfoundations" in url:
        return Path(url).stem.split("-")[-1]
    return ""


def _hub_files(hub: str) -> tuple[str, tuple[str, ...]]:
    """Repository and file names of open_clip's ``org/name/`` or ``org/name/file``."""
    repository, _, name = hub.rpartition("/")
    if not name:
        return repository, HUB_NAMES
    return repository, (str(Path(name).with_suffix(".safetensors")), name)


def _in_hub_cache(hub: str) -> list[Path]:
    repository, names = _hub_files(hub)
    return [path for name in names if (path := _cached(repository, name))]


def _hub_cache() -> str:
    from huggingface_hub import constants

    return constants.HF_HUB_CACHE


def _on_the_hub(repository: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{repository}"


def _cached(repository: str, name: str) -> Path | None:
    if not repository:
        return None
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repository, name, cache_dir=_hub_cache())
    return Path(path) if isinstance(path, str) else None


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _downloaded(model: str, tag: str, url: str, hub: str) -> WeightsFile:
    """Download through open_clip: OpenAI's own files from OpenAI, others from the hub first."""
    from open_clip.pretrained import download_pretrained_from_hf, download_pretrained_from_url

    repository, names = _hub_files(hub)
    ways: list[tuple[str, Callable[[], str]]] = []
    if hub:
        from_hub = partial(download_pretrained_from_hf, repository, filename=names[-1])
        ways.append((_on_the_hub(repository), from_hub))
    if url:
        from_url = partial(download_pretrained_from_url, url, cache_dir=str(url_cache()))
        ways.insert(0 if tag == DEFAULT_TAG else len(ways), (url, from_url))
    name = Path(url).name if tag == DEFAULT_TAG else names[0]
    looked = [os.environ.get(WEIGHTS_FOLDER, ""), str(url_cache()) if url else "", _hub_cache()]
    path = _fetch(name, ways, looked, _how_to_supply(model, tag, name))
    return WeightsFile(path, file_sha256(path))


def _how_to_supply(model: str, tag: str, name: str) -> str:
    folder = os.environ.get(WEIGHTS_FOLDER) or "not set"
    at_home = name if tag == DEFAULT_TAG else f"{model}-{tag}.safetensors"
    return (
        f"Get the file and say --encoder {model}:/path/to/{name}, or put it as {at_home} into "
        f"the folder that {WEIGHTS_FOLDER} names ({folder})"
    )


def _fetch(
    name: str, ways: list[tuple[str, Callable[[], str]]], looked: list[str], supply: str
) -> Path:
    """The first download that succeeds; one line that says everything if none does."""
    failures = []
    for place, download in ways:
        try:
            with _network(place):
                logger.warning("downloading %s from %s", name, place)
                return Path(download())
        except Exception as error:  # open_clip and its clients raise every kind
            failures.append(one_line(error))
    raise WeightsError(
        name,
        f"isn't here (looked in {', '.join(filter(None, looked))}) "
        f"and can't be downloaded ({'; '.join(dict.fromkeys(failures))})",
        supply,
    )


@contextmanager
def _network(place: str) -> Iterator[None]:
    """Fail within seconds where there is no network, and at once where it is forbidden."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    if constants.HF_HUB_OFFLINE:
        raise OSError("HF_HUB_OFFLINE is set")
    if place.startswith(constants.ENDPOINT):  # its client would retry each file for half a minute
        get_session().head(constants.ENDPOINT, timeout=NETWORK_TIMEOUT)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def one_line(error: BaseException) -> str:
    """An error's text on one line of at most 200 characters, without a final full stop."""
    text = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
    return text[:200].rstrip(". ")


def _in_folder(spec: str, folder: Path) -> Origin:
    config_path = folder / CONFIG_NAME
    path = next((folder / name for name in FOLDER_NAMES if (folder / name).is_file()), None)
    if not config_path.is_file() or path is None:
        absent = f"one of {', '.join(FOLDER_NAMES)}" if config_path.is_file() else CONFIG_NAME
        raise WeightsError(
            str(folder), f"doesn't hold {absent}", "Save a model there as open_clip does"
        )
    config = read_config(config_path)
    own_tokenizer = "hf_tokenizer_name" in config["model_cfg"]["text_cfg"]
    return Origin(
        spec=spec,
        model=f"{LOCAL_DIR}{folder}",
        tokenizer=spec if own_tokenizer else f"{LOCAL_DIR}{folder}",
        file=WeightsFile(path, file_sha256(path)),
        source=folder.name if spec.startswith(LOCAL_DIR) else spec.removeprefix(HF_HUB),
        quick_gelu=bool(config["model_cfg"].get("quick_gelu")),
        preprocess=_mean_and_std(config),
    )


def read_config(path: Path) -> dict[str, Any]:
    """open_clip's description of a model beside its weights.

    Raises:
        WeightsError: it isn't one.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        config["model_cfg"]["text_cfg"], config["model_cfg"]["vision_cfg"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"isn't a description of an open_clip model ({one_line(error)})"
        raise WeightsError(str(path), reason) from error
    return config


def _mean_and_std(config: Mapping[str, Any]) -> dict[str, Any]:
    preprocess = config.get("preprocess_cfg", {})
    return {name: tuple(preprocess[name]) for name in ("mean", "std") if name in preprocess}


def _on_hub(spec: str) -> Origin:
    from open_clip.pretrained import download_pretrained_from_hf

    repository = spec.removeprefix(HF_HUB)
    supply = f"Copy its files into a folder and say --encoder {LOCAL_DIR}/path/to/folder"

    def here(*names: str) -> Path:
        for name in names:
            if path := _cached(repository, name):
                return path
        download = partial(download_pretrained_from_hf, repository, filename=names[-1])
        way = (_on_the_hub(repository), download)
        return _fetch(f"{names[0]} of {spec}", [way], [_hub_cache()], supply)

    config = here(CONFIG_NAME)
    here(*HUB_NAMES)
    return _in_folder(spec, config.parent)
