"""NIQE: the authors' and BasicSR's numbers, each step against another source, its parameters."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import gaussian_filter
from scipy.special import gamma
from scipy.stats import gennorm

from ddriqa.errors import ImageError, UsageError, WeightsError
from ddriqa.metrics.niqe import NIQE, features, fit_aggd, halve, to_luminance
from ddriqa.metrics.niqe_parameters import read_parameters

REFERENCES = Path(__file__).resolve().parents[3] / "shared" / "weights"
OFFICIAL = REFERENCES / "niqe" / "niqe_pris_params.npz"
reference = pytest.mark.skipif(not OFFICIAL.exists(), reason="needs the reference pictures")


def texture(seed, shape=(288, 384)):
    """A smooth random field in colour, as natural as a formula gets."""
    noise = np.random.default_rng(seed).normal(size=(*shape, 3))
    field = sum(gaussian_filter(noise, (s, s, 0)) * s**1.5 for s in (0.7, 2, 6, 16))
    return np.clip(128 + 40 * field / field.std(), 0, 255).astype(np.uint8)


def save_model(path, rows):
    np.savez(path, mu_pris_param=rows.mean(0)[None], cov_pris_param=np.cov(rows, rowvar=False))
    return str(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A pristine model of eight textures."""
    rows = [features(to_luminance(texture(seed), "grey")) for seed in range(8)]
    return save_model(tmp_path_factory.mktemp("model") / "model.npz", np.vstack(rows))


@pytest.fixture(scope="module")
def niqe(model):
    return NIQE(parameters=model)


@reference
def test_the_number_of_basicsr():
    """5.72957338 by MATLAB R2021a, 5.7295763 by BasicSR (its metrics/niqe.py), Y of YCbCr."""
    pixels = np.asarray(Image.open(REFERENCES / "niqe" / "baboon.png").convert("RGB"))
    metric = NIQE(parameters=str(OFFICIAL), luminance="y")
    assert metric.measure(pixels)["niqe"] == pytest.approx(5.7296, abs=1e-4)


@reference
@pytest.mark.parametrize(
    ("picture", "official", "tolerance"),
    [
        ("I03", 15.75363, 0.04),
        ("I04", 3.654922, 1e-4),
        ("I06", 3.235477, 0.04),
        ("I08", 3.184033, 0.04),
        ("I19", 8.635197, 0.04),
    ],
)
def test_the_numbers_of_the_authors_code(picture, official, tolerance):
    """IQA-PyTorch, results_official.csv. Only I04 has no perfectly flat areas, where the authors'
    number hangs on the sign of MATLAB's rounding noise (other signs move it by up to 0.5)."""
    path = REFERENCES / "calibration" / "dist" / f"{picture}.png"
    pixels = np.asarray(Image.open(path).convert("RGB"))
    score = NIQE(parameters=str(OFFICIAL)).measure(pixels)["niqe"]
    assert score == pytest.approx(official, abs=tolerance)


@pytest.mark.parametrize("alpha", [0.6, 1.0, 2.0, 4.0])
def test_a_symmetric_fit_recovers_scipys_generalised_normal(alpha):
    samples = gennorm.rvs(alpha, scale=1.7, size=(1, 400_000), random_state=0)
    shape, left, right = fit_aggd(samples)
    assert shape == pytest.approx(alpha, rel=0.03)
    assert left == pytest.approx(1.7, rel=0.03)
    assert right == pytest.approx(1.7, rel=0.03)


def test_an_asymmetric_fit_recovers_both_scales():
    """A side has the weight of its scale: Eq. 4 is continuous at zero."""
    rng = np.random.default_rng(0)
    magnitude = np.abs(gennorm.rvs(1.5, size=400_000, random_state=rng))
    on_left = rng.random(400_000) < 0.5 / (0.5 + 2.0)
    shape, left, right = fit_aggd(np.where(on_left, -0.5, 2.0)[None] * magnitude)
    assert shape == pytest.approx(1.5, rel=0.03)
    assert left == pytest.approx(0.5, rel=0.03)
    assert right == pytest.approx(2.0, rel=0.03)


def test_fits_do_not_touch_each_other_and_flat_ones_have_none():
    rows = np.random.default_rng(0).normal(size=(3, 5000))
    rows[1] = 0
    together = np.array(fit_aggd(rows))
    assert np.isnan(together[1:, 1]).all()
    for i in (0, 2):
        assert together[:, i] == pytest.approx(np.ravel(fit_aggd(rows[i : i + 1])), rel=1e-12)


def test_half_size_is_a_widened_bicubic():
    """Pillow's has the same kernel; at the edges it drops what lies outside, MATLAB mirrors."""
    grey = np.random.default_rng(0).uniform(0, 255, (96, 128))
    pillow = np.asarray(Image.fromarray(grey.astype(np.float32)).resize((64, 48), Image.BICUBIC))
    half = halve(grey)
    assert half.shape == (48, 64)
    assert half[2:-2, 2:-2] == pytest.approx(pillow[2:-2, 2:-2], abs=1e-3)
    assert halve(np.pad(grey, 8, mode="symmetric"))[4:-4, 4:-4] == pytest.approx(half, abs=1e-9)


def plain_features(block):
    """The 18 features of one MSCN block, spelled out as the authors' code does."""
    alphas = np.arange(0.2, 10.001, 0.001)
    ratios = gamma(2 / alphas) ** 2 / (gamma(1 / alphas) * gamma(3 / alphas))

    def fit(values):
        left = np.sqrt(np.mean(values[values < 0] ** 2))
        right = np.sqrt(np.mean(values[values > 0] ** 2))
        g = left / right
        r = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
        alpha = alphas[np.argmin((ratios - r * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2) ** 2)]
        scale = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
        return alpha, left * scale, right * scale

    alpha, left, right = fit(block)
    row = [alpha, (left + right) / 2]
    for shift in ([0, 1], [1, 0], [1, 1], [1, -1]):
        alpha, left, right = fit(block * np.roll(block, shift, axis=(0, 1)))
        row += [alpha, (right - left) * gamma(2 / alpha) / gamma(1 / alpha), left, right]
    return row


def test_features_equal_a_plain_reading_block_by_block():
    grey = to_luminance(texture(3), "grey")
    rows = []
    for image, side in ((grey, 96), (halve(grey), 48)):
        mean = gaussian_filter(image, 7 / 6, radius=3, mode="nearest")
        square = gaussian_filter(image**2, 7 / 6, radius=3, mode="nearest")
        mscn = (image - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
        rows.append(
            [
                plain_features(mscn[top : top + side, left : left + side])
                for top in range(0, len(mscn), side)
                for left in range(0, mscn.shape[1], side)
            ]
        )
    assert features(grey) == pytest.approx(np.hstack(rows), rel=1e-8, abs=1e-9)


def test_what_is_left_over_at_the_right_and_the_bottom_is_cut_off():
    grey = to_luminance(texture(0), "grey")
    assert np.array_equal(features(np.pad(grey, ((0, 50), (0, 95)))), features(grey))


def test_luminance_of_black_white_and_red():
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], dtype=np.uint8)
    assert to_luminance(pixels, "grey").tolist() == [[0, 255, 76]]
    assert to_luminance(pixels, "y").tolist() == [[16, 235, 81]]


def test_a_picture_is_at_no_distance_from_its_own_statistics(tmp_path):
    rows = features(to_luminance(texture(5), "grey"))
    metric = NIQE(parameters=save_model(tmp_path / "own.npz", rows))
    assert metric.measure(texture(5))["niqe"] == pytest.approx(0, abs=1e-5)


def test_a_shift_of_the_mean_is_its_mahalanobis_length(tmp_path):
    """Eq. 10 where both covariances are C: sqrt(d^T C^-1 d)."""
    rows = features(to_luminance(texture(5, (576, 768)), "grey"))
    covariance = np.cov(rows, rowvar=False)
    shift = np.linalg.cholesky(covariance + 1e-12 * np.eye(36))[:, 0]  # of length 1 under C
    path = tmp_path / "shifted.npz"
    np.savez(path, mu_pris_param=rows.mean(0) + 3 * shift, cov_pris_param=covariance)
    score = NIQE(parameters=str(path)).measure(texture(5, (576, 768)))["niqe"]
    assert score == pytest.approx(3, rel=1e-3)


def test_damage_moves_a_picture_away_from_the_pristine(niqe):
    clean = texture(20)
    rng = np.random.default_rng(0)
    noisy = np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8)
    blurred = np.rint(gaussian_filter(clean.astype(float), (2, 2, 0))).astype(np.uint8)
    scores = [niqe.measure(pixels)["niqe"] for pixels in (clean, noisy, blurred)]
    assert min(scores[1:]) > 2 * scores[0]
    assert niqe.higher_is_better is False


def test_threads_give_the_same_numbers(niqe):
    pictures = [texture(seed, (192, 192)) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(niqe.measure, pictures)) == [niqe.measure(p) for p in pictures]


def test_too_small_and_too_flat(niqe):
    with pytest.raises(ImageError, match="191x100 is too small: NIQE needs two 96x96 blocks"):
        niqe.measure(texture(0)[:100, :191])
    assert np.isfinite(niqe.measure(texture(0)[:96, :192])["niqe"])
    for value in (0, 99, 255):
        with pytest.raises(ImageError, match="flat"):
            niqe.measure(np.full((200, 300, 3), value, dtype=np.uint8))


def test_a_matlab_file_of_the_same_model_gives_the_same_number(model, niqe, tmp_path):
    arrays = np.load(model)
    path = tmp_path / "modelparameters.mat"
    names = {"mu_prisparam": arrays["mu_pris_param"], "cov_prisparam": arrays["cov_pris_param"]}
    savemat(path, names)
    assert NIQE(parameters=str(path)).measure(texture(9)) == niqe.measure(texture(9))


def test_an_installed_basicsr_lends_its_parameters_unimported(model, tmp_path, monkeypatch):
    folder = tmp_path / "basicsr" / "metrics"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise ImportError('was imported')")
    content = Path(model).read_bytes()
    (folder / "niqe_pris_params.npz").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    assert read_parameters(None).sha256 == read_parameters(model).sha256


def test_without_parameters_the_error_says_where_they_are(monkeypatch):
    monkeypatch.setattr("ddriqa.metrics.niqe_parameters.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"aren't here.*niqe=FILE.*niqe_pris_params\.npz"):
        NIQE()


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"mean": np.zeros(36)}, "holds no NIQE parameters"),
        ({"mu_pris_param": np.zeros(35), "cov_pris_param": np.eye(36)}, "36 features"),
        ({"mu_pris_param": np.zeros(36), "cov_pris_param": np.full((36, 36), np.nan)}, "finite"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(arrays, reason, tmp_path):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(WeightsError, match=reason):
        NIQE(parameters=str(path))


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x03\x04 cut off", b"\x00" * 200])
def test_a_file_that_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="neither an .npz nor a MATLAB file"):
        NIQE(parameters=str(path))


def test_an_absent_file_and_an_unknown_luminance(tmp_path, model):
    with pytest.raises(WeightsError, match="can't be read: No such file"):
        NIQE(parameters=str(tmp_path / "absent.npz"))
    with pytest.raises(UsageError, match="grey, y"):
        NIQE(parameters=model, luminance="l")


def test_the_description_tells_models_and_luminances_apart(model):
    grey, y = NIQE(parameters=model), NIQE(parameters=model, luminance="y")
    assert grey.describe() != y.describe()
    assert grey.describe()["parameters_sha256"] == read_parameters(model).sha256
