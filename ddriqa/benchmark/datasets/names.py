"""The table of data sets."""

from __future__ import annotations

DATASETS = {
    "live": "ddriqa.benchmark.datasets.live:LIVE",
    "csiq": "ddriqa.benchmark.datasets.csiq:CSIQ",
    "tid2013": "ddriqa.benchmark.datasets.tid2013:TID2013",
    "kadid10k": "ddriqa.benchmark.datasets.kadid10k:KADID10k",
    "koniq10k": "ddriqa.benchmark.datasets.koniq10k:KonIQ10k",
    "livec": "ddriqa.benchmark.datasets.livec:LIVEC",
    "cid2013": "ddriqa.benchmark.datasets.cid2013:CID2013",
    "spaq": "ddriqa.benchmark.datasets.spaq:SPAQ",
    "pipal": "ddriqa.benchmark.datasets.pipal:PIPAL",
    "ma": "ddriqa.benchmark.datasets.ma:Ma",
    "biq2021": "ddriqa.benchmark.datasets.biq2021:BIQ2021",
    "flive": "ddriqa.benchmark.datasets.flive:FLIVE",
    "agiqa3k": "ddriqa.benchmark.datasets.agiqa3k:AGIQA3K",
}
"""Name -> ``"module:class"``, resolved on use."""

ALIASES = {
    "koniq": "koniq10k",
    "koniq-10k": "koniq10k",
    "kadid": "kadid10k",
    "kadid-10k": "kadid10k",
    "live-itw": "livec",
    "clive": "livec",
    "challengedb_release": "livec",
    "databaserelease2": "live",
    "agiqa-3k": "agiqa3k",
}
"""Other names that people use."""
