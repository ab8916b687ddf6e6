"""Miniature copies of every data set, made here by hand after the owners' descriptions."""

from pathlib import Path

import pytest

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.layouts import layouts, pairs

SAMPLES = Path(__file__).parents[3] / "shared" / "data"

J = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref"
R = "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref"
SYNTHETIC = "media/jdway/GameSSD/overlapping/test/Snow100K"

# (data set, split) -> {degraded picture: its ground truth}; None: a clean picture.
PAIRED = {
    ("gopro", "train"): {
        "train/GOPR0372_07_00/blur/000047.png": "train/GOPR0372_07_00/sharp/000047.png",
        "train/GOPR0374_11_00/blur/000047.png": "train/GOPR0374_11_00/sharp/000047.png",
    },
    ("gopro", "test"): {"test/GOPR0384_11_00/blur/1.png": "test/GOPR0384_11_00/sharp/1.png"},
    ("hide", "train"): {"train/1fromGOPR0950.png": "GT/1fromGOPR0950.png"},
    ("hide", "test"): {
        "test/test-close-ups/6fromGOPR1096.MP4.png": "GT/6fromGOPR1096.MP4.png",
        "test/test-long-shot/9fromGOPR1089.MP4.png": "GT/9fromGOPR1089.MP4.png",
    },
    ("realblur-j", "train"): {
        f"{J}/scene002/blur/blur_1.png": f"{J}/scene002/gt/gt_1.png",
        f"{J}/scene003/blur/blur_1.png": f"{J}/scene003/gt/gt_1.png",
    },
    ("realblur-j", "test"): {f"{J}/scene001/blur/blur_2.png": f"{J}/scene001/gt/gt_2.png"},
    ("realblur-r", "train"): {f"{R}/scene002/blur/blur_1.png": f"{R}/scene002/gt/gt_1.png"},
    ("realblur-r", "test"): {f"{R}/scene001/blur/blur_2.png": f"{R}/scene001/gt/gt_2.png"},
    ("dpdd", "train"): {"train_c/source/1P0A0916.png": "train_c/target/1P0A0917.png"},
    ("dpdd", "val"): {"val_c/source/1P0A1.png": "val_c/target/1P0A2.png"},
    ("dpdd", "test"): {
        "test_c/source/1P0A9.png": "test_c/target/1P0A8.png",
        "test_c/source/1P0A10.png": "test_c/target/1P0A11.png",
    },
    ("city100", "nikon"): {"City100_NikonD5500/001L.PNG": "City100_NikonD5500/001H.PNG"},
    ("city100", "iphone"): {"City100_iPhoneX/100L.PNG": "City100_iPhoneX/100H.PNG"},
    ("div2k", "train"): {"DIV2K_train_HR/0001.png": None},
    ("div2k", "valid"): {"DIV2K_valid_HR/0801.png": None},
    ("df2k", "train"): {
        "DIV2K_train_HR/0001.png": None,
        "Flickr2K_HR/000001.png": None,
    },
    ("outdoor-scene", "train"): {"sky/a.png": None, "plant/a.png": None},
    ("outdoor-scene", "test"): {f"OutdoorSceneTest300/{n}.png": None for n in (1, 2)},
    ("bsd400", "train"): {"test_001.png": None},
    ("wed", "train"): {"pristine_images/00001.bmp": None},
    ("bsd400-wed", "train"): {"Train/Denoise/00001.bmp": None, "Train/Denoise/a100075.jpg": None},
    ("cbsd68", "test"): {"3096.png": None},
    ("urban100", "test"): {"image_SRF_4/img_001_SRF_4_HR.png": None},
    ("kodak24", "test"): {"kodim01.png": None},
    ("set5", "test"): {"image_SRF_4/img_001_SRF_4_HR.png": None},
    ("set14", "test"): {"GTmod12/baboon.png": None},
    ("rain100l", "train"): {"RainTrainL/rain-1.png": "RainTrainL/norain-1.png"},
    ("rain100l", "test"): {"Rain100L/rainy/rain-001.png": "Rain100L/norain-001.png"},
    ("rain100h", "train"): {"RainTrainH/rain-10.png": "RainTrainH/norain-10.png"},
    ("rain100h", "test"): {"Rain100H/rainy/rain-001.png": "Rain100H/norain-001.png"},
    ("rain200l", "train"): {
        "rain_data_train_Light/rain/norain-1x2.png": "rain_data_train_Light/norain/norain-1.png",
        "rain_data_train_Light/rain/norain-12x2.png": "rain_data_train_Light/norain/norain-12.png",
    },
    ("rain200l", "test"): {
        "rain_data_test_Light/rain/X2/norain-1x2.png": "rain_data_test_Light/norain/norain-1.png"
    },
    ("rain200h", "train"): {
        "rain_data_train_Heavy/rain/X2/norain-1x2.png": "rain_data_train_Heavy/norain/norain-1.png"
    },
    ("rain200h", "test"): {
        "rain_data_test_Heavy/rain/X2/norain-1x2.png": "rain_data_test_Heavy/norain/norain-1.png"
    },
    ("rain13k", "train"): {"train/Rain13K/input/1.jpg": "train/Rain13K/target/1.jpg"},
    ("snow100k", "train"): {
        "Snow100K-training/all/synthetic/city_1.jpg": "Snow100K-training/all/gt/city_1.jpg"
    },
    ("raindrop", "train"): {"train/data/0_rain.png": "train/gt/0_clean.png"},
    ("raindrop", "test-a"): {"test_a/data/7_rain.png": "test_a/gt/7_clean.png"},
    ("raindrop", "test-b"): {"test_b/data/9_rain.jpg": "test_b/gt/9_clean.jpg"},
    ("reside-ots", "train"): {
        "part1/0005_0.8_0.04.jpg": "clear/0005.jpg",
        "part2/0005_0.8_0.2.jpg": "clear/0005.jpg",
    },
    ("reside-sots", "indoor"): {
        "indoor/hazy/1400_1.png": "indoor/gt/1400.png",
        "indoor/hazy/1400_10.png": "indoor/gt/1400.png",
        "indoor/hazy/1401_1.png": "indoor/gt/1401.png",
    },
    ("reside-sots", "outdoor"): {
        "outdoor/hazy/0001_0.8_0.2.jpg": "outdoor/gt/0001.png",
        "outdoor/hazy/0001_0.9_0.2.jpg": "outdoor/gt/0001.png",
    },
    ("reside-6k", "train"): {"train/hazy/1.jpg": "train/GT/1.jpg"},
    ("reside-6k", "test"): {"test/hazy/1.jpg": "test/GT/1.jpg"},
    ("cdd11", "train"): {
        f"train/{kind}/00001.png": "train/clear/00001.png"
        for kind in (
            *("low", "haze", "rain", "snow", "low_haze", "low_rain", "low_snow", "haze_rain"),
            *("haze_snow", "low_haze_rain", "low_haze_snow"),
        )
    },
    ("cdd11", "test"): {"test/low_haze_rain/00012.png": "test/clear/00012.png"},
    ("lol", "train"): {"our485/low/2.png": "our485/high/2.png"},
    ("lol", "test"): {"eval15/low/1.png": "eval15/high/1.png"},
    ("srd", "train"): {"Train/shadow/IMG_5456.jpg": "Train/shadow_free/IMG_5456_no_shadow.jpg"},
    ("srd", "test"): {"test/shadow/IMG_6456.jpg": "test/shadow_free/IMG_6456_free.jpg"},
    ("msec", "train"): {
        "training/INPUT_IMAGES/a0001-jmac_DSC1459_N1.5.JPG": (
            "training/GT_IMAGES/a0001-jmac_DSC1459.jpg"
        ),
        "training/INPUT_IMAGES/a0001-jmac_DSC1459_0.JPG": (
            "training/GT_IMAGES/a0001-jmac_DSC1459.jpg"
        ),
    },
    ("msec", "valid"): {"validation/INPUT_IMAGES/a1_P1.JPG": "validation/GT_IMAGES/a1.jpg"},
    ("msec", "test"): {"testing/INPUT_IMAGES/a2_P1.JPG": "testing/expert_c_testing_set/a2.jpg"},
    ("uieb", "all"): {"raw-890/10151.png": "reference-890/10151.png"},
    ("sidd", "train"): {
        "Data/0001_001_S6_00100_L/0001_NOISY_SRGB_010.PNG": (
            "Data/0001_001_S6_00100_L/0001_GT_SRGB_010.PNG"
        ),
        "Data/0001_001_S6_00100_L/0001_NOISY_SRGB_011.PNG": (
            "Data/0001_001_S6_00100_L/0001_GT_SRGB_011.PNG"
        ),
    },
    ("sidd", "valid"): {"val/SIDD/input_crops/0-1.png": "val/SIDD/target_crops/0-1.png"},
}
for size, letter in (("s", "S"), ("m", "M"), ("l", "L")):
    folder = f"{SYNTHETIC}-{letter}"
    PAIRED["snow100k", f"test-{size}"] = {f"{folder}/synthetic/1.jpg": f"{folder}/gt/1.jpg"}
for name in ("Test100", "Rain100H", "Rain100L", "Test2800", "Test1200"):
    folder = f"test/{name}"
    PAIRED["rain13k", name.lower()] = {f"{folder}/input/1.png": f"{folder}/target/1.png"}
for s in (2, 3, 4):
    for version in ("realsr", "realsr-v2"):
        for split, folder in (("train", "Train"), ("test", "Test")):
            PAIRED[version, f"{split}-x{s}"] = {
                f"{camera}/{folder}/{s}/{camera}_001_LR{s}.png": (
                    f"{camera}/{folder}/{s}/{camera}_001_HR.png"
                )
                for camera in ("Canon", "Nikon")
            }
    for split in ("train", "test"):
        top = f"{split.title()}_x{s}/{split}"
        PAIRED["drealsr", f"{split}-x{s}"] = {f"{top}_LR/P11_x1.png": f"{top}_HR/P11_x{s}.png"}
    for split, number in (("train", "0001"), ("valid", "0801")):
        PAIRED["div2k", f"{split}-x{s}"] = {
            f"DIV2K_{split}_LR_bicubic/X{s}/{number}x{s}.png": f"DIV2K_{split}_HR/{number}.png"
        }
    PAIRED["df2k", f"train-x{s}"] = {
        f"DIV2K_train_LR_bicubic/X{s}/0001x{s}.png": "DIV2K_train_HR/0001.png",
        f"Flickr2K_LR_bicubic/X{s}/000001x{s}.png": "Flickr2K_HR/000001.png",
    }

# The same for layouts of the papers' code.
ELSEWHERE = [
    ("gopro", "test", {"test/input/GOPR-1.png": "test/target/GOPR-1.png"}),
    ("hide", "test", {"input/1.png": "target/1.png"}),
    ("realblur-j", "test", {"test/RealBlur_J/input/a.png": "test/RealBlur_J/target/a.png"}),
    ("dpdd", "test", {"test/inputC/a.png": "test/target/b.png"}),
    ("rain100l", "train", {"rainy/rain-3.png": "gt/norain-3.png"}),
    ("rain100l", "test", {"Rain100L/input/3.png": "Rain100L/target/3.png"}),
    ("reside-ots", "train", {"synthetic/part4/8_1_0.1.jpg": "original/8.jpg"}),
    ("reside-sots", "outdoor", {"IN/0001_0.8_0.2.jpg": "GT/0001_0.8_0.2.jpg"}),
    ("reside-sots", "indoor", {"indoor/hazy/1449_7.png": "indoor/clear/1449.png"}),
    ("raindrop", "test-a", {"test/data/2_rain.jpg": "test/gt/2_clean.jpg"}),
    ("srd", "test", {"test/test_A/IMG_1.jpg": "test/test_C/IMG_1_free.jpg"}),
]


def write(root, files):
    """Empty files: nothing is decoded to pair them."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def make_copy(root, name, split, files):
    write(root, files)
    write(root, [truth for truth in files.values() if truth])
    write(root, ["Thumbs.db", "README.md", next(iter(files)).rpartition("/")[0] + "/._1.png"])
    if name.startswith("realblur") and f"RealBlur-{name[-1].upper()}_" in next(iter(files)):
        lines = [f"{truth} {lq} \n" for lq, truth in files.items()]
        (root / f"RealBlur_{name[-1].upper()}_{split}_list.txt").write_text("".join(lines))


@pytest.mark.parametrize(
    ("name", "split", "files"),
    [*((*key, files) for key, files in PAIRED.items()), *ELSEWHERE],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_picture_gets_its_ground_truth(tmp_path, name, split, files):
    make_copy(tmp_path, name, split, files)
    found = pairs(name, split, tmp_path, complete=False)
    assert len(found) == len(files)
    expected = {
        (tmp_path / file, tmp_path / truth) if truth else (None, tmp_path / file)
        for file, truth in files.items()
    }
    assert {(pair.lq, pair.gt) for pair in found} == expected
    assert len({pair.name for pair in found}) == len(found)


def test_every_split_has_a_miniature_copy():
    table = {(name, split) for name, layout in layouts().items() for split in layout.splits}
    assert table == set(PAIRED)


@pytest.mark.parametrize("name", list(layouts()))
def test_every_set_says_where_to_ask(name, tmp_path):
    layout = layouts()[name]
    assert layout.title
    assert layout.licence
    for split in layout.splits:
        with pytest.raises(DatasetError) as caught:
            pairs(name, split, tmp_path)
        text = str(caught.value)
        assert layout.source in text
        assert split in text
        assert "none of its files" in text


def test_scales():
    table = layouts()
    assert table["div2k"].splits["train-x3"].scale == 3
    assert table["realsr"].splits["test-x4"].scale == 4
    assert table["realsr-v2"].splits["test-x4"].scale == 1
    assert table["gopro"].splits["test"].scale == 1


@pytest.fixture
def lol(tmp_path):
    """The whole test split of LOL."""
    write(tmp_path, [f"eval15/{side}/{n}.png" for side in ("low", "high") for n in range(15)])
    return tmp_path


def test_a_whole_copy_passes(lol):
    found = pairs("lol", "test", lol)
    assert [pair.name for pair in found] == [str(n) for n in range(15)]  # natural order


def test_a_copy_with_too_few_pictures_is_refused(lol):
    for side in ("low", "high"):
        (lol / f"eval15/{side}/3.png").unlink()
    with pytest.raises(DatasetError, match="14 of 15"):
        pairs("lol", "test", lol)
    assert len(pairs("lol", "test", lol, complete=False)) == 14


def test_a_missing_partner_is_named(lol):
    (lol / "eval15/high/3.png").unlink()
    with pytest.raises(DatasetError, match=r"1 files lack their partners: eval15/low/3\.png"):
        pairs("lol", "test", lol)
    assert "3" not in [pair.name for pair in pairs("lol", "test", lol, complete=False)]


def test_a_copy_without_any_ground_truth_is_refused_in_any_case(lol):
    for path in (lol / "eval15/high").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="no file has its partner"):
        pairs("lol", "test", lol, complete=False)


def test_two_candidates_for_one_ground_truth_are_refused(lol):
    write(lol, ["eval15/high/3.jpg"])
    with pytest.raises(DatasetError, match=r"3\.(png|jpg) and 3\.(png|jpg)"):
        pairs("lol", "test", lol)


def test_a_gap_in_a_set_that_pairs_by_order_is_refused(tmp_path):
    write(tmp_path, [f"test_c/source/{n}.png" for n in range(4)])
    write(tmp_path, [f"test_c/target/{n}b.png" for n in range(3)])
    with pytest.raises(DatasetError, match="test_c/source"):
        pairs("dpdd", "test", tmp_path, complete=False)


def test_a_list_that_names_absent_files(tmp_path):
    files = PAIRED["realblur-j", "train"]
    make_copy(tmp_path, "realblur-j", "train", files)
    gone = next(iter(files))
    (tmp_path / gone).unlink()
    with pytest.raises(DatasetError, match="lack their partners"):
        pairs("realblur-j", "train", tmp_path)
    assert len(pairs("realblur-j", "train", tmp_path, complete=False)) == 1


def test_a_list_with_half_a_line(tmp_path):
    (tmp_path / "RealBlur_J_test_list.txt").write_text("a/gt/gt_1.png a/blur/blur_1.png\na/gt\n")
    with pytest.raises(DatasetError, match="a line doesn't name two files"):
        pairs("realblur-j", "test", tmp_path)


def test_gamma_corrected_blur_is_left_alone(tmp_path):
    write(tmp_path, [f"test/a/{kind}/1.png" for kind in ("blur", "blur_gamma", "sharp")])
    (pair,) = pairs("gopro", "test", tmp_path, complete=False)
    assert pair.lq == tmp_path / "test/a/blur/1.png"


def test_unknown_names_are_told_with_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match="Did you mean gopro"):
        pairs("go-pro", "train", tmp_path)
    with pytest.raises(UsageError, match="Known: gopro, hide, .* sidd"):
        pairs("xxxxxx", "train", tmp_path)
    with pytest.raises(UsageError, match="train, test"):
        pairs("gopro", "validation", tmp_path)


def test_an_absent_folder_says_so(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        pairs("gopro", "train", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "split", "folder", "count"),
    [
        ("gopro", "test", "paired/gopro-layout", 2),
        ("lol", "test", "paired/lol-layout", 2),
        ("raindrop", "test-a", "paired/raindrop-layout", 2),
        ("rain100l", "train", "paired/ndr-layout/rain", 4),
        ("reside-sots", "outdoor", "paired/ndr-layout/haze", 3),
        ("urban100", "test", "restoration/Urban100", 3),
    ],
)
def test_real_samples(name, split, folder, count):
    root = SAMPLES / folder
    if not root.is_dir():
        pytest.skip("the samples aren't there")
    assert len(pairs(name, split, root, complete=False)) == count


@pytest.mark.parametrize("name", ["CBSD68", "Kodak24", "Set5", "Set14"])
def test_real_sets_are_complete(name):
    root = SAMPLES / "restoration" / name
    if not root.is_dir():
        pytest.skip("the samples aren't there")
    assert all(pair.lq is None for pair in pairs(name.lower(), "test", root))
