"""Correlations that papers and projects print, to stand beside one's own: ``published.csv``."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

DATASETS = {
    "LIVE": "live",
    "CSIQ": "csiq",
    "TID2013": "tid2013",
    "KADID-10k": "kadid10k",
    "KonIQ-10k": "koniq10k",
    "LIVE-itW": "livec",
    "CID2013": "cid2013",
    "SPAQ": "spaq",
    "PIPAL": "pipal",
    "Ma-SR": "ma",
    "BIQ2021": "biq2021",
    "FLIVE": "flive",
    "AGIQA-3K": "agiqa3k",
}
"""A data set's printed name -> ours. Sets that we have no reader for keep the printed name."""

METHODS = {
    "ddr": ("DDR",),
    "clip_iqa": ("CLIP-IQA",),
    "niqe": ("NIQE", "pyiqa niqe"),
    "piqe": ("PIQE",),
}
"""Our metric -> the methods of the table that are the same. The toolbox's ``pyiqa clipiqa`` has
five pairs of prompts and isn't CLIP-IQA's one."""

DDR_TYPES = ("color", "blur", "noise", "exposure")
"""In the order of DDR's Table 8."""

WHOLE = frozenset(
    {
        "all images",
        "all 10073",
        "all 1620",
        "all 1162 (copied from MDFS Table I)",
        "all (default configuration)",
        "all, zero-shot transfer",
    }
)
"""What the table calls a whole set."""

WHOLE_PROTOCOLS = ("official", "ddr", "sfd")
"""Those that take a whole set with its usual label, unless ``PARTS`` says otherwise."""

PARTS: dict[tuple[str, str, str | None], set[str]] = {
    ("pipal", "sfd", None): {"training part; probably the 15200 SR images (codes 00 01 02 03 05)"},
    ("livec", "sfd", None): {"probably 1169 images, training pictures included"},
    ("koniq10k", "zscore", "test"): {"official test", "official test, 1024x768"},
    ("koniq10k", "", "train"): {"official training part"},
    ("koniq10k", "", "val"): {"official validation part"},
    ("koniq10k", "", "test"): {"official test part"},
    ("biq2021", "", "test"): {"official test (2000)"},
    ("flive", "", "test"): {"official test (default configuration)"},
}
"""(data set, protocol or empty for those of ``WHOLE_PROTOCOLS``, split) -> what the table calls
these pictures with this label. On KonIQ's test part SFD-IQA takes the raw MOS, CLIP-IQA and the
toolbox the z-scored one."""


@dataclass(frozen=True)
class Published:
    """One row: a method on a data set, as printed; signs dropped.

    Attributes:
        method: as the table names it, with its variant.
        dataset: our name of the set, or the printed one where we have no reader.
        split: which pictures, in words.
        srcc, plcc, krcc: absolute values; None where not printed. How PLCC was mapped, where it
            is known, is in ``source``.
        opinion_unaware: whether the method never saw human scores.
        encoder: as printed, or empty.
        source: the paper's table or the project's file, and doubts about it.
    """

    method: str
    dataset: str
    split: str
    srcc: float | None
    plcc: float | None
    krcc: float | None
    opinion_unaware: bool
    encoder: str
    source: str


@cache
def every_row() -> tuple[Published, ...]:
    """The whole table, in the file's order."""
    text = files("ddriqa.benchmark").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(_row(cells) for cells in csv.DictReader(text.splitlines()))


def published(dataset_name: str) -> list[Published]:
    """The rows of a data set, by our name or by the printed one where we have no reader."""
    return [row for row in every_row() if row.dataset == dataset_name]


def matching(
    method: str,
    encoder: str | None,
    dataset: str,
    *,
    protocol: str = "official",
    split: str | None = None,
    types: Collection[str] | None = None,
    adaptation: bool = True,
) -> list[Published]:
    """The published rows that the same measurement should reproduce, in the file's order.

    Args:
        method: our metric's name, or ``pyiqa:NAME``.
        encoder: the name on the encoder's card (``ViT-B-32:openai``); None takes every encoder.
        dataset, protocol, split: as the data set was loaded.
        types: DDR's types; None for its default four. A part of them gives the ablations.
        adaptation: DDR's.

    Returns:
        Rows whose pictures, label and encoder are the same, as far as their source says; a row
        that names no encoder is taken for any. Empty where nothing comparable was published.
    """
    methods = _methods(method, types, adaptation)
    splits = _splits(dataset, protocol, split)
    return [
        row
        for row in published(dataset)
        if row.method in methods and row.split in splits and _same_encoder(encoder, row.encoder)
    ]


def _row(cells: dict[str, str]) -> Published:
    srcc, plcc, krcc = (
        float(cells[name]) if cells[name] else None for name in ("srcc", "plcc", "krcc")
    )
    return Published(
        method=cells["method"],
        dataset=DATASETS.get(cells["dataset"], cells["dataset"]),
        split=cells["split"],
        srcc=srcc,
        plcc=plcc,
        krcc=krcc,
        opinion_unaware=cells["opinion_unaware"] == "yes",
        encoder=cells["encoder"],
        source=cells["source"],
    )


def _methods(method: str, types: Collection[str] | None, adaptation: bool) -> tuple[str, ...]:
    if method.startswith("pyiqa:"):
        return (f"pyiqa {method.partition(':')[2]}",)
    names = METHODS.get(method, ())
    if method != "ddr":
        return names
    used = set(DDR_TYPES if types is None else types)
    if not used <= set(DDR_TYPES):
        return ()
    listed = "+".join(name for name in DDR_TYPES if name in used)
    ablation = f"DDR [{listed}; {'adaptation' if adaptation else 'no adaptation'}]"
    whole = adaptation and used == set(DDR_TYPES)
    return (*names, ablation) if whole else (ablation,)


def _splits(dataset: str, protocol: str, split: str | None) -> Collection[str]:
    """What the table calls the pictures and the label of a protocol and a split."""
    if (dataset, protocol, split) in PARTS:
        return PARTS[dataset, protocol, split]
    if protocol not in WHOLE_PROTOCOLS:
        return ()
    return WHOLE if split is None else PARTS.get((dataset, "", split), ())


def _same_encoder(ours: str | None, theirs: str) -> bool:
    """Whether a row is of our encoder; None of ours takes every row. A row that names none is
    CLIP-IQA's, whose usual one is RN50."""
    if ours is None:
        return True
    theirs = theirs or "CLIP RN50"
    model, _, tag = ours.partition(":")
    size = re.sub(r"^ViT-([A-Za-z]+)-(\d+)", r"ViT-\1/\2", model.removesuffix("-quickgelu"))
    same = {f"CLIP {size}", f"CLIP {size}, 5 prompt pairs"}
    if size.startswith("RN"):  # CLIP-IQA's own form, and ours
        same.add(f"CLIP {size} without position embedding")
    return tag == "openai" and theirs in same
