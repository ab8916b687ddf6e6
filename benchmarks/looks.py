"""The log of looks at the development set's opinions: results/development_looks.csv.

A number that was looked at may have moved a choice, so that each look makes the development set a
little less like unseen data. Scripts that read its opinions append here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import machine

LOG = "development_looks.csv"
HEADER = ("date", "what", "encoder_fingerprint", "srcc")


def log_look(what: str, figures: Iterable[Mapping[str, Any]]) -> int:
    """Append a row for the SRCC of ``ddr`` over all pictures of a development set.

    ``figures`` are the rows of ``ddriqa bench -o``; those of other sets, metrics, parts and groups
    are passed over. Returns how many rows were added.
    """
    found = [
        (date.today().isoformat(), what, row["fingerprint"], f"{row['srcc']:.4f}")
        for row in figures
        if row["development_set"] and row["column"] == "ddr" and row["group"] is None
    ]
    path = machine.RESULTS / LOG
    is_new = not path.exists()
    if found:
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([HEADER, *found] if is_new else found)
    return len(found)
