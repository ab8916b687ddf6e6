"""Agreement with people against images/s: the built-in encoders, their predecessor, and others.

    python benchmarks/pareto.py BIQ_DEV_FOLDER PHOTOS --niqe FILE [--encoders builtin,...]

BIQ_DEV_FOLDER holds ``scores.csv`` and ``images/`` of ``biq2021-dev``, a development set; each look
at it is logged (``looks.py``). SRCC and intervals come from ``ddriqa bench``, turned so that more
is better, with the paired difference of the first encoder to everything else.

Images/s are those of ``ddriqa score`` on 512x512 cuts of PHOTOS (JPEG, quality 90), decoding
included, on all cores; all contestants take turns in one run, and medians over the rounds are
reported, with start and after it (less a run over ten pictures). ViT-B/32 has random weights, so
that it has a speed and no agreement. NIQE, BRISQUE and PIQE get fewer pictures, because they are
slow. An encoder may be followed by a precision (``builtin-fast bf16``), which is faster where the
processor has that arithmetic. Speeds come first, so that a fault there costs no look. Needs
``pip install "ddriqa[metrics]"``. Writes results/pareto.json and results/pareto.svg.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import looks
import machine
from pareto_plot import Point, front, pareto_svg
from PIL import Image, ImageOps
from score_throughput import FEW, SMALL, command, in_turn, random_vit

from ddriqa import load_encoder
from ddriqa.benchmark.bootstrap import compare
from ddriqa.benchmark.tables import read_scores
from ddriqa.images.find import find

PREDECESSOR = "builtin@1"
VIT, TIMES = "ViT-B/32 fp32", 6


def metrics(niqe: Path) -> dict[str, str]:
    """Name -> the word for ``--metric``, of those that look through no encoder."""
    plain = ("laplacian_variance", "brisque", "piqe")
    return {**{name: name for name in plain}, "niqe": f"niqe={niqe}"}


def options_of(contestant: str) -> list[str]:
    """The options of ``score`` and ``bench`` for an encoder, with or without a precision."""
    encoder, precision = encoder_of(contestant)
    return ["--encoder", encoder, *(["--precision", precision] if precision else [])]


def encoder_of(contestant: str) -> tuple[str, str]:
    """The encoder and the precision, empty where none is named; paths may hold spaces."""
    encoder, _, last = contestant.rpartition(" ")
    return (encoder, last) if last in ("bf16", "fp16") else (contestant, "")


def make_pictures(photos: list[str], folder: Path, count: int) -> Path:
    """A folder with ``count`` 512x512 JPEGs of quality 90, photographs repeated as needed."""
    folder.mkdir()
    for number in range(count):
        picture = Image.open(photos[number % len(photos)]).convert("RGB")
        ImageOps.fit(picture, SMALL).save(folder / f"{number:05d}.jpg", quality=90)
    return folder


def speeds(
    folder: Path, photos: list[str], given: argparse.Namespace, vit: str
) -> dict[str, dict[str, Any]]:
    """Name -> ``images``, ``images_per_s`` and ``images_per_s_after_start``."""
    full = make_pictures(photos, folder / "full", given.images)
    less = make_pictures(photos, folder / "less", given.slow_images)
    few = make_pictures(photos, folder / "few", FEW)
    options = {spec: (options_of(spec), full) for spec in given.encoders}
    options[VIT] = (["--encoder", vit], full)
    for name, word in metrics(given.niqe).items():
        options[name] = (["--metric", word], full if name == "laplacian_variance" else less)
    contestants = {}
    for name, (words, pictures) in options.items():
        contestants[f"start of {name}"] = partial(command, few, *words)
        contestants[name] = partial(command, pictures, *words)
    times = in_turn(contestants, given.rounds)
    return {
        name: rate(
            given.images if pictures == full else given.slow_images,
            {"all": times[name], "start": times[f"start of {name}"]},
        )
        for name, (_, pictures) in options.items()
    }


def rate(count: int, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Images/s by the medians of ``all`` (``count`` images) and ``start`` (a run over ``FEW``)."""
    whole, start = (statistics.median(seconds[key]) for key in ("all", "start"))
    if whole <= start:
        raise SystemExit(f"{count} images are too few to tell work from start: {seconds}")
    return {
        "images": count,
        "images_per_s": round(count / whole, 3),
        "images_per_s_after_start": round((count - FEW) / (whole - start), 3),
        "seconds": {key: [round(value, 2) for value in values] for key, values in seconds.items()},
    }


def bench(dataset: Path, scores: Path, spec: str, others: list[str]) -> dict[str, Any]:
    """What ``ddriqa bench -o`` writes into its JSON; scores of pictures go to ``scores``."""
    figures = scores.with_name(f"figures-{scores.name}")
    options = [word for name in ("ddr", *others) for word in ("--metric", name)]
    options += [*options_of(spec), "--cache", str(scores.with_suffix(".cache"))]
    options += ["--scores", str(scores), "-o", str(figures)]
    words = [sys.executable, "-m", "ddriqa", "bench", "--dataset", f"csv:{dataset}", "-q"]
    subprocess.run([*words, *options], check=True)
    return json.loads(figures.with_name(f"{figures.name}.json").read_text("utf-8"))


def agreements(folder: Path, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Name -> agreement of each encoder's ``ddr`` and of the other metrics.

    Each has ``srcc`` with ``low`` and ``high``, turned so that more is better; all but the first
    encoder have ``first_less_this``: what the first has more, with its paired interval.
    """
    found: dict[str, dict[str, Any]] = {}
    first = folder / "0.csv"
    for number, spec in enumerate(given.encoders):
        others = metrics(given.niqe) if number == 0 else {}
        scores = folder / f"{number}.csv"
        told = bench(given.folder / "scores.csv", scores, spec, list(others.values()))
        looks.log_look(f"pareto.py, {spec}", told["figures"])
        rows = {row["column"]: row for row in told["figures"] if row["group"] is None}
        for name, column in {spec: "ddr", **{name: name for name in others}}.items():
            found[name] = oriented(rows[column])
            if name != given.encoders[0]:
                found[name]["first_less_this"] = difference((first, "ddr"), (scores, column))
    return found


def oriented(row: dict[str, Any]) -> dict[str, Any]:
    """A row of figures as SRCC with its interval, more is better."""
    sign = 1 if row["higher_is_better"] else -1
    low, high = sorted((sign * row["srcc_low"], sign * row["srcc_high"]))
    within = row["srcc_within"]
    return {
        "dataset": row["dataset"],
        "development_set": row["development_set"],
        "fingerprint": row["fingerprint"],
        "pictures": row["n"],
        "srcc": sign * row["srcc"],
        "low": low,
        "high": high,
        "mean_within_groups": None if within is None else sign * within,
    }


def difference(one: tuple[Path, str], other: tuple[Path, str]) -> dict[str, float]:
    """SRCC of one column less that of another on the same pictures, with the paired interval."""
    (a, first, higher), (b, second, _) = read_scores(*one), read_scores(*other)
    if not a.equals(b):
        raise SystemExit(f"{one[0]} and {other[0]} hold other pictures or labels")
    found = compare(
        first.scores,
        second.scores,
        a["label"],
        a_higher_is_better=first.higher_is_better is not False,
        b_higher_is_better=second.higher_is_better is not False,
        labels_higher_is_better=higher,
        statistics=("srcc",),
    )["srcc"]
    return {"difference": found.difference, "low": found.low, "high": found.high}


def show(points: dict[str, dict[str, Any]]) -> None:
    """A line a contestant."""
    print(f"{'':20}{'SRCC':>7}{'interval':>18}{'images/s':>10}{'after start':>13}{'x ViT':>7}")
    for name, row in points.items():
        told = (
            f"{row['srcc']:7.3f}   [{row['low']:.3f}, {row['high']:.3f}]" if "srcc" in row else ""
        )
        speed = f"{row['images_per_s']:10.1f}{row['images_per_s_after_start']:13.1f}"
        print(f"{name:20}{told:25}{speed}{row['times_vit_after_start']:7.2f}")
        if "first_less_this" in row:
            less = row["first_less_this"]
            told = f"{less['difference']:+.3f} [{less['low']:.3f}, {less['high']:.3f}]"
            print(f"{'':20}the first encoder has {told}")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds scores.csv and images/")
    parser.add_argument("photos", type=Path, help="photographs, cut to 512x512 for the speeds")
    parser.add_argument("--niqe", type=Path, required=True, help="NIQE's parameters")
    parser.add_argument(
        "--encoders",
        type=lambda text: text.split(","),
        default=["builtin", "builtin-fast", "builtin-fast bf16"],
        help=f"the first is the default; {PREDECESSOR} comes along in any case",
    )
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--slow-images", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    given.encoders = list(dict.fromkeys([*given.encoders, PREDECESSOR]))
    if min(given.images, given.slow_images) <= FEW:
        parser.error(f"more than {FEW} images are needed to tell work from start")
    if not given.niqe.is_file():
        parser.error(f"{given.niqe}: no such file")
    for spec in given.encoders:
        load_encoder(encoder_of(spec)[0])
    return given


def main() -> None:
    given = read_arguments()
    photos = list(find([given.photos]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = speeds(folder, photos, given, random_vit(folder))
        agreement = agreements(folder, given)
    for name, row in found.items():
        row.update(agreement.get(name, {}))
        for key in ("images_per_s", "images_per_s_after_start"):
            row[key.replace("images_per_s", "times_vit")] = round(row[key] / found[VIT][key], 3)
    keys = ("images_per_s_after_start", "srcc", "low", "high")
    points = [Point(name, *(found[name][key] for key in keys)) for name in agreement]
    best = [point.name for point in front(points)]
    path = machine.write("pareto", {"rounds": given.rounds, "front": best, "contestants": found})
    about = agreement[given.encoders[0]]
    kind = " (development set)" if about["development_set"] else ""
    vit = found[VIT]["images_per_s_after_start"]
    lines = {VIT: vit, f"{TIMES} x {VIT}": TIMES * vit}
    title = f"{about['dataset']}{kind}, {about['pictures']} photographs, 512x512"
    path.with_suffix(".svg").write_text(pareto_svg(title, points, lines), encoding="utf-8")
    show(found)


if __name__ == "__main__":
    main()
