"""What words mean to an encoder: prompts that it never learned, and words about content.

    python benchmarks/prompt_meaning.py HELDOUT CAPTIONED [--encoder builtin]

HELDOUT is a folder of clean photographs that no training has seen, CAPTIONED the shared folder of
captioned pictures. Reported:

- the issue's pair and the paraphrases of prompts_unseen.toml: the chance that a photograph with
  the pair's damage at a medium level has a lower DDR than a clean one (AUC), for each damage and
  over all of the pair's; below .5 the sign is wrong;
- twenty pairs about content: the absolute rank correlation of their DDR with the level of
  synthetic damage, over all damaged pictures together and as the mean over kinds of damage;
- caption to image: how often a caption's own picture is the nearest by the cosine, among the
  captioned pictures whose licence kept them out of the training.

Every unseen prompt holds a word combination that training sentences never do (``held_out`` of
ddriqa/encoder_training/words.toml); the run stops where one doesn't.
Writes results/prompt_meaning.json, or with ``--encoder NAME`` results/prompt_meaning-NAME.json.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
import torch
from permissive_captions import KEPT
from PIL import Image
from scipy.stats import rankdata, spearmanr

from ddriqa import Scorer, load_encoder
from ddriqa.degradations import degrade
from ddriqa.encoder_training.sentences import held_out
from ddriqa.encoders import Encoder
from ddriqa.images.find import find

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

UNSEEN = Path(__file__).with_name("prompts_unseen.toml")
DAMAGES = (
    *("gaussian_blur", "defocus_blur", "motion_blur", "gaussian_noise", "iso_noise", "jpeg"),
    *("webp", "overexpose", "underexpose", "haze", "wb_warm", "wb_cool", "desaturate"),
    "oversaturate",
)
LEVELS = (0.2, 0.6, 1.0)
MEDIUM = LEVELS.index(0.6)
SEED = 0
CONTENTS = (
    *(("a dog", "a cat"), ("a car", "a bicycle"), ("a mountain", "a beach"), ("a man", "a woman")),
    *(("a flower", "a tree"), ("a house", "a bridge"), ("a boat", "an airplane")),
    *(("a bird", "a fish"), ("a horse", "a cow"), ("a pizza", "a cake"), ("a child", "a dog")),
    *(("a street", "a forest"), ("a kitchen", "a bathroom"), ("a train", "a bus")),
    *(("a lake", "a city"), ("a church", "a castle"), ("a book", "a computer")),
    *(("a chair", "a table"), ("a shoe", "a hat"), ("an elephant", "a lizard")),
)

Table = npt.NDArray[np.float64]


def unseen_pairs() -> dict[str, dict[str, Any]]:
    """The pairs of prompts_unseen.toml: name -> clean, degraded, damage.

    Raises:
        ValueError: a prompt that training may hold.
    """
    pairs = tomllib.loads(UNSEEN.read_text(encoding="utf-8"))
    for pair in pairs.values():
        for prompt in (pair["clean"], pair["degraded"]):
            if not any(words in prompt.lower() for words in held_out()):
                raise ValueError(f"{prompt!r} holds no held-out words")
    return pairs


def content_pairs() -> dict[str, tuple[str, str]]:
    """Twenty pairs that say nothing about damage."""
    return {
        f"content_{i}": (f"a photo of {one}", f"a photo of {two}")
        for i, (one, two) in enumerate(CONTENTS)
    }


def responses(scorer: Scorer, photos: list[Path]) -> tuple[Table, Table]:
    """DDR of every pair, clean ``(photos, pairs)`` and damaged ``(photos, 14, levels, pairs)``."""
    rows = []
    for number, photo in enumerate(photos):
        clean = np.asarray(Image.open(photo).convert("RGB"))
        damaged = [degrade(clean, n, level, SEED + number) for n in DAMAGES for level in LEVELS]
        records = scorer.score([clean, *damaged])
        rows.append([list(record.scores.values()) for record in records])
        print(f"\r{number + 1}/{len(photos)}", end="", flush=True)
    print()
    kept = [i for i, name in enumerate(scorer.columns) if name.startswith("ddr_")]
    table = np.array(rows, dtype=np.float64)[..., kept]
    return table[:, 0], table[:, 1:].reshape(len(photos), len(DAMAGES), len(LEVELS), -1)


def auc(worse: Table, better: Table) -> float:
    """Chance that a member of ``worse`` scores below one of ``better``."""
    ranks = rankdata(np.concatenate([better, worse]))
    n, m = len(better), len(worse)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def of_unseen(pair: dict[str, Any], clean: Table, damaged: Table) -> dict[str, Any]:
    """A pair's AUCs at the medium level: clean ``(photos,)``, damaged ``(photos, 14)``."""
    own = {name: damaged[:, DAMAGES.index(name)] for name in pair["damage"]}
    return {
        "clean": pair["clean"],
        "degraded": pair["degraded"],
        "auc": round(auc(np.concatenate(list(own.values())), clean), 3),
        "by_damage": {name: round(auc(values, clean), 3) for name, values in own.items()},
    }


def of_content(clean: Table, damaged: Table) -> dict[str, float]:
    """|SRCC| with the level: ``clean`` is ``(photos,)``, ``damaged`` ``(photos, 14, levels)``.

    ``silent`` is 1 for a pair whose words the encoder doesn't know: its response is constant.
    """
    if np.ptp(clean) == 0:
        return {"together": 0.0, "mean_of_kinds": 0.0, "silent": 1.0}

    def srcc(some: Table) -> float:
        levels = np.broadcast_to(LEVELS, some.shape)
        values = np.concatenate([clean, some.ravel()])
        return abs(float(spearmanr(values, [*np.zeros(len(clean)), *levels.ravel()]).statistic))

    kinds = [srcc(damaged[:, i]) for i in range(len(DAMAGES))]
    mean = round(float(np.mean(kinds)), 3)
    return {"together": round(srcc(damaged), 3), "mean_of_kinds": mean, "silent": 0.0}


def caption_recall(encoder: Encoder, folder: Path) -> dict[str, Any]:
    """Recall at 1 of the pictures that weren't trained on, beside chance."""
    with (folder / "index.csv").open(encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["licence"] not in KEPT]
    with (folder / "captions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] in set(names)]
    view = encoder.view_for()
    pictures = []
    with torch.inference_mode():
        for name in names:
            pixels = np.array(Image.open(folder / "images" / name).convert("RGB"))
            pictures.append(encoder.encode_image(view(pixels).float() / 255).mean(0))
        texts = torch.cat([encoder.encode_text([row["caption"]]) for row in rows])
    images = torch.nn.functional.normalize(torch.stack(pictures), dim=-1)
    own = torch.tensor([names.index(row["image"]) for row in rows])
    right = float(((texts @ images.T).argmax(1) == own).double().mean())
    return {
        "pictures": len(names),
        "captions": len(rows),
        "recall_at_1": round(right, 4),
        "chance": round(1 / len(names), 5),
        "times_chance": round(right * len(names), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("heldout", type=Path)
    parser.add_argument("captioned", type=Path)
    parser.add_argument("--encoder", default="builtin")
    arguments = parser.parse_args()

    unseen, contents = unseen_pairs(), content_pairs()
    prompts = {name: (pair["clean"], pair["degraded"]) for name, pair in unseen.items()}
    encoder = load_encoder(arguments.encoder)
    scorer = Scorer(encoder=encoder, prompts={**prompts, **contents})
    photos = [Path(path) for path in find([str(arguments.heldout)])]
    clean, damaged = responses(scorer, photos)
    found = {
        name: of_unseen(pair, clean[:, i], damaged[:, :, MEDIUM, i])
        for i, (name, pair) in enumerate(unseen.items())
    }
    about = {
        " / ".join(pair): of_content(clean[:, i], damaged[..., i])
        for i, pair in enumerate(contents.values(), len(unseen))
    }
    means = {
        key: float(np.mean([row[key] for row in about.values()]))
        for key in next(iter(about.values()))
    }
    reached = sum(row["auc"] >= 0.85 for row in found.values())
    result = {
        "encoder": encoder.fingerprint,
        "photographs": len(photos),
        "levels": LEVELS,
        "seed": SEED,
        "unseen_pairs": found,
        "unseen_pairs_at_85": f"{reached} of {len(found)}",
        "content_srcc": {**{k: round(v, 3) for k, v in means.items()}, "pairs": about},
        "caption_to_image": caption_recall(encoder, arguments.captioned),
        "held_out_words": held_out(),
    }
    other = arguments.encoder != "builtin"
    slug = re.sub(r"[^\w.-]+", "-", Path(arguments.encoder).name)
    machine.write(f"prompt_meaning-{slug}" if other else "prompt_meaning", result)
    for name, row in found.items():
        print(f"{name:15s} {row['auc']:.3f}", row["by_damage"])
    print("content, |SRCC| with the level:", means)
    print("caption to image:", result["caption_to_image"])


if __name__ == "__main__":
    main()
