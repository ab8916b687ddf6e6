import numpy as np
import pytest
from PIL import Image

SIZES = [(48, 32), (32, 48), (40, 40), (33, 200), (300, 32), (1, 1), (64, 64), (90, 31), (2, 50)]


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Twenty small pictures of many shapes, and two bad files among them."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    paths = []
    for index in range(22):
        width, height = SIZES[index % len(SIZES)]
        path = folder / f"{index:02}.{('png', 'jpg')[index % 2]}"
        if index in (5, 13):
            path.write_bytes(b"broken" * index)
        else:
            pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        paths.append(str(path))
    return paths
