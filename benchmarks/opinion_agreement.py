"""Agreement with people on the development set: ``ddriqa bench`` with every metric that runs here.

    python benchmarks/opinion_agreement.py FOLDER_OF_BIQ2021_DEV NIQE_PARAMETERS

``biq2021-dev`` is a development set: the recipe of the built-in encoder was chosen in view of it,
so these numbers are not those of unseen data, and every look is logged (``looks.py``). Needs ``pip
install "ddriqa[metrics]"``. All scores are made anew. Writes results/opinion_agreement.json and
.csv (figures), and .txt (what a person reads); with ``--report DIR`` also the page, whose pictures
must not be passed on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import looks
import machine

METRICS = ("ddr", "clip_iqa", "brisque", "piqe", "laplacian_variance")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds scores.csv and images/")
    parser.add_argument("niqe", type=Path, help="NIQE's parameters")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.csv"
        command = [
            *(sys.executable, "-m", "ddriqa", "bench"),
            *("--dataset", f"csv:{arguments.folder / 'scores.csv'}"),
            *(word for metric in METRICS for word in ("--metric", metric)),
            *("--metric", f"niqe={arguments.niqe}"),
            *("--cache", f"{folder}/cache", "-o", str(figures)),
            *(("--report", str(arguments.report)) if arguments.report else ()),
        ]
        told = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
        found = json.loads(figures.with_name("figures.csv.json").read_text())
        looks.log_look("opinion_agreement.py", found["figures"])
        path = machine.write("opinion_agreement", found)
        path.with_suffix(".csv").write_bytes(figures.read_bytes())
    path.with_suffix(".txt").write_text(told.lstrip("\n"))
    print(told)
    seconds = found["seconds"]["biq2021-dev"]
    print(f"statistics took {seconds['statistics'] / seconds['scoring']:.2%} of the scoring's time")


if __name__ == "__main__":
    main()
