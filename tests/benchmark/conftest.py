"""A rated set of one's own: forty small pictures, the more noise the lower the label."""

import numpy as np
import pytest
from PIL import Image

from ddriqa.benchmark.datasets.csv_file import CsvFile


@pytest.fixture
def own_set(tmp_path):
    """The path of its table; one picture is broken."""
    random = np.random.default_rng(0)
    folder = tmp_path / "holiday"
    (folder / "images").mkdir(parents=True)
    lines = ["image,mos,group"]
    for index in range(40):
        pixels = 128 + random.normal(0, 1 + index, (40, 48, 3))
        pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"p{index}.png")
        lines.append(f"p{index}.png,{5 - index / 10:.2f},{'odd' if index % 2 else 'even'}")
    (folder / "images" / "p7.png").write_bytes(b"no picture")
    table = folder / "scores.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


@pytest.fixture
def rated(own_set):
    return CsvFile(own_set).load(own_set.parent)
