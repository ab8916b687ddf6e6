"""The library's face: images in, records out."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ddriqa.errors import DeviceError, UsageError
from ddriqa.metrics.catalogue import DISPARITIES
from ddriqa.metrics.prompts import PromptPair, read_pairs, select_pairs
from ddriqa.metrics.specs import MetricSpec
from ddriqa.scoring.table import PERCENTILE, Record

if TYPE_CHECKING:
    import pandas as pd

    from ddriqa.encoders import Encoder
    from ddriqa.metrics.percentiles import Percentiles
    from ddriqa.scoring.pipeline import Pipeline

GEOMETRIES = ("crops", "view", "native", "windows")
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


class Scorer:
    """Scores images with one encoder; the model is loaded on first use.

    A score is the same to the bit on one machine, whatever the batch size, the order, the other
    images and the number of workers. A scorer can be pickled; the copy loads its model anew.

    Args:
        metric: a name of ``ddriqa.metrics.catalogue.METRICS``, which its options may follow
            (``ddr+windows``, see ``ddriqa.metrics.specs``), or several.
        encoder: a name (``ddriqa encoders`` lists them) or an ``Encoder``; it moves to the device.
        types: names of prompt pairs; default color, noise, blur, exposure.
        prompts: a TOML file of prompt pairs instead of the published ones, or a mapping
            ``{type: (clean, degraded)}``.
        geometry: ``crops`` (squares, as DDR's authors), ``view`` (the encoder's own),
            ``native`` (the whole picture as it is) or ``windows`` (crops, and windows at native
            size); default by metric and encoder.
        adaptation, disparity: see ``ddriqa.ddr``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``fp32``, or ``bf16``, ``fp16`` for the network alone: faster where the
            processor has it, and not the same scores.
        draft: decode large JPEGs at a reduced size where every view is of the whole picture:
            faster, and not the same scores.
        batch_size: how many images are held at once; default by encoder. Speed and memory only.
        workers: threads that decode; default the number of cores.
        max_pixels: larger pictures become failures.
        short_side: larger pictures are shrunk to it first, antialiased; a convention of some
            data sets.

    Raises:
        UsageError: an unknown name, or a prompt file that can't be read.

    >>> Scorer(encoder="toy").score("no-such-file.jpg").error
    'no such file'
    """

    def __init__(
        self,
        metric: str | Sequence[str] = "ddr",
        encoder: str | Encoder = "builtin",
        *,
        types: str | Sequence[str] | None = None,
        prompts: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        geometry: str | None = None,
        adaptation: bool = True,
        disparity: str = "cosine",
        device: str = "auto",
        precision: str = "fp32",
        draft: bool = False,
        batch_size: int | None = None,
        workers: int | None = None,
        max_pixels: int | None = None,
        short_side: int | None = None,
    ) -> None:
        self.metrics = [metric] if isinstance(metric, str) else list(dict.fromkeys(metric))
        self._specs = [MetricSpec.read(text) for text in self.metrics]
        self.metrics = [spec.name for spec in self._specs]
        if len(set(self.metrics)) < len(self.metrics):
            raise UsageError("--metric", f"one is named twice: {', '.join(self.metrics)}")
        if geometry is not None:
            _known("--geometry", geometry, GEOMETRIES)
        _known("--disparity", disparity, DISPARITIES)
        _known("--precision", precision, PRECISIONS)
        _check_device(device)
        for option, value in (
            ("--batch-size", batch_size),
            ("--workers", workers),
            ("--max-pixels", max_pixels),
            ("--short-side", short_side),
        ):
            if value is not None and value < 1:
                raise UsageError(option, f"{value} is too small", "It must be at least 1")
        self.encoder, self.device = encoder, device
        self.precision, self.draft = precision, draft
        self.types = [types] if isinstance(types, str) else list(types) if types else None
        self.pairs = _pairs(prompts)
        select_pairs(self.types, self.pairs)
        self.geometry, self.adaptation, self.disparity = geometry, adaptation, disparity
        self.batch_size, self.workers, self.max_pixels = batch_size, workers, max_pixels
        self.short_side = short_side
        self._pipeline: Pipeline | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pipeline": None}

    @property
    def columns(self) -> tuple[str, ...]:
        """The score columns, in order; the last one is ``percentile``. Loads the model."""
        return (*self._ready().columns, PERCENTILE)

    @property
    def percentiles(self) -> Percentiles | None:
        """The reference that the first metric's percentile comes from, where one is known for
        this encoder and these settings; else the column stays empty. Loads the model.
        """
        from ddriqa.metrics.percentiles import table_for

        pipeline = self._ready()
        if self.precision != "fp32" or self.draft or self.short_side or not pipeline.encoder:
            return None
        return table_for(pipeline.encoder.fingerprint, pipeline.metrics[0].describe())

    @property
    def usual(self) -> dict[str, tuple[float, float]]:
        """Column -> median and deviation over clean photographs, where they are known."""
        return {k: v for metric in self._ready().metrics for k, v in metric.usual.items()}

    @property
    def directions(self) -> dict[str, bool | None]:
        """Metric -> whether a higher score means a better picture; None where it means neither.
        Loads the model.
        """
        return {metric.name: metric.higher_is_better for metric in self._ready().metrics}

    @property
    def columns_of(self) -> dict[str, tuple[str, ...]]:
        """Metric -> its columns; that of the score, where it has one, first. Loads the model."""
        return {metric.name: tuple(metric.columns) for metric in self._ready().metrics}

    @property
    def loaded_encoder(self) -> Encoder | None:
        """The encoder where it is loaded and needed."""
        return self._pipeline.encoder if self._pipeline else None

    @property
    def needing_encoder(self) -> frozenset[str]:
        """The metrics that look through the encoder; the others look at pixels."""
        return frozenset(spec.name for spec in self._specs if spec.needs_encoder)

    @property
    def code_of_metrics(self) -> dict[str, str]:
        """Metric -> a digest of the file that its class stands in."""
        return {spec.name: spec.code for spec in self._specs}

    def only(self, metrics: Sequence[str]) -> Scorer:
        """A scorer of some of the metrics (by ``columns_of``'s names) with the same model."""
        from copy import copy

        narrow = copy(self)
        narrow._specs = [spec for spec in self._specs if spec.name in metrics]
        narrow.metrics = [spec.name for spec in narrow._specs]
        narrow._pipeline = self._ready().only(narrow.metrics)
        return narrow

    def score(self, images: Any) -> Record | list[Record]:
        """The record of one image, or the list of records of several.

        Args:
            images: a path, the bytes of a file, a Pillow image, an array ``(H, W)`` or
                ``(H, W, 3)``, a tensor ``(3, H, W)``; or an iterable of such, a tensor
                ``(B, 3, H, W)``. Arrays and tensors are uint8, or float in [0, 1].

        Raises:
            WeightsError, DeviceError, UsageError: the encoder can't be had. What is wrong with
                an image is in its record.
        """
        records = list(self.iter(images))
        return records[0] if _is_one(images) else records

    def iter(self, images: Iterable[Any]) -> Generator[Record, None, None]:
        """A record for each image, in order, as a stream: memory stays bounded.

        ``scorer.iter(ddriqa.images.find.find(["photos/"]))`` goes through a folder.
        """
        pipeline, percentiles = self._ready(), self.percentiles
        score = pipeline.columns[0]
        with closing(pipeline.run([images] if _is_one(images) else images)) as records:
            for record in records:
                if percentiles and score in record.scores:
                    record.scores[PERCENTILE] = round(percentiles.of(record.scores[score]), 2)
                yield record

    def table(self, images: Any) -> pd.DataFrame:
        """One row an image: path, width, height, the score columns, status, error."""
        import pandas as pd

        rows = [record.as_row(self.columns) for record in self.iter(images)]
        frame = pd.DataFrame(rows, columns=list(Record("").as_row(self.columns)))
        return frame.astype({"width": "Int64", "height": "Int64"})

    def describe(self) -> dict[str, Any]:
        """Everything that fixes the numbers, as plain values. Loads the model."""
        from dataclasses import asdict

        import PIL
        import torch

        from ddriqa import __version__

        pipeline = self._ready()
        encoder = pipeline.encoder
        return {
            "ddriqa": __version__,
            "torch": str(torch.__version__),
            "pillow": PIL.__version__,
            "encoder": {"fingerprint": encoder.fingerprint, **asdict(encoder.card)}
            if encoder
            else {"fingerprint": None, "name": "none"},
            "metrics": [metric.describe() for metric in pipeline.metrics],
            "columns": list(self.columns),
            "higher_is_better": self.directions,
            "device": str(pipeline.device),
            "percentile_reference": self.percentiles and self.percentiles.digest,
            "precision": self.precision,
            "draft": self.draft,
            "threads": torch.get_num_threads(),
            "in_flight": pipeline.in_flight,
            "workers": pipeline.workers,
            "max_pixels": pipeline.max_pixels,
            "short_side": self.short_side,
        }

    def timing(self) -> str:
        """Where the time of the runs so far went, in words."""
        seconds = self._ready().seconds
        return "waited " + ", ".join(f"{s:.1f} s for the {what}" for what, s in seconds.items())

    def _ready(self) -> Pipeline:
        if self._pipeline is None:
            self._pipeline = self._load()
        return self._pipeline

    def _load(self) -> Pipeline:
        import torch

        from ddriqa.images.decode import MAX_PIXELS
        from ddriqa.scoring.pipeline import Pipeline

        given = self._given()
        encoder = self._load_encoder() if any(s.needs_encoder for s in self._specs) else None
        metrics = [spec.build(encoder, given) for spec in self._specs]
        if encoder and self.precision != "fp32":
            encoder = encoder.in_precision(getattr(torch, PRECISIONS[self.precision]))
        if self.draft and any(m.view is None or m.view.draft is None for m in metrics):
            hint = "Add --geometry view, or leave it out"
            raise UsageError("--draft", "needs views of the whole picture", hint)
        return Pipeline(
            encoder,
            metrics,
            encoder.mean.device if encoder else torch.device("cpu"),
            in_flight=self.batch_size,
            workers=self.workers,
            max_pixels=self.max_pixels or MAX_PIXELS,
            draft=self.draft,
            short_side=self.short_side,
        )

    def _load_encoder(self) -> Encoder:
        from ddriqa.encoders import load_encoder

        device = torch_device(self.device)
        if device.startswith("cuda"):
            _use_full_precision()
        if isinstance(self.encoder, str):
            return load_encoder(self.encoder, device)
        return self.encoder.to(device)

    def _given(self) -> dict[str, Any]:
        """The options of metrics that aren't what they are by default.

        Raises:
            UsageError: one that none of the metrics knows.
        """
        given = {
            "types": self.types,
            "pairs": self.pairs,
            "geometry": self.geometry,
            "adaptation": None if self.adaptation else False,
            "disparity": None if self.disparity == "cosine" else self.disparity,
        }
        given = {name: value for name, value in given.items() if value is not None}
        for name in given:
            if not any(spec.takes(name) for spec in self._specs):
                option = {"pairs": "--prompts", "adaptation": "--no-adaptation"}.get(name)
                metrics = ", ".join(self.metrics)
                raise UsageError(option or f"--{name}", f"says nothing to {metrics}")
        return given


def _known(option: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(option, f"unknown name {name!r}", f"Known: {', '.join(known)}")


def _check_device(name: str) -> None:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        known = "Known: auto, cpu, cuda, cuda:1, mps"
        raise UsageError("--device", f"unknown name {name!r}", known)


def _pairs(prompts: Any) -> dict[str, PromptPair] | None:
    if prompts is None:
        return None
    if isinstance(prompts, (str, os.PathLike)):
        return read_pairs(os.fspath(prompts))
    return {name: _pair(name, pair) for name, pair in prompts.items()}


def _pair(name: str, pair: Any) -> PromptPair:
    if isinstance(pair, PromptPair):
        return pair
    if isinstance(pair, str) or len(pair) != 2:
        raise UsageError("prompts", f"{name} must be two sentences: (clean, degraded)")
    return PromptPair(name, *pair)


def _is_one(images: Any) -> bool:
    if isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)):
        return True
    if hasattr(images, "ndim"):
        return images.ndim in (2, 3)
    return hasattr(images, "convert") or not isinstance(images, Iterable)


def _use_full_precision() -> None:
    """Keep float32 whole on a GPU: TF32 would move the scores' fourth digit."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def torch_device(name: str) -> str:
    """The device that ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` means here.

    Raises:
        UsageError: an unknown name.
        DeviceError: this machine has none.
    """
    _check_device(name)
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if (name.startswith("cuda") and not cuda) or (name == "mps" and not mps):
        raise DeviceError(name, "this machine or this torch has none", "Use --device cpu")
    if name.startswith("cuda:") and not 0 <= int(name[5:]) < torch.cuda.device_count():
        raise DeviceError(name, f"there are {torch.cuda.device_count()}", "They count from cuda:0")
    return name
