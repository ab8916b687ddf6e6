"""What a run leaves behind, and what it tells meanwhile."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from training_toys import Dimmed, baseline, network, settings, trainer

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.checkpoint import read_weights
from ddriqa.restoration.curves import curves
from ddriqa.restoration.metrics_table import read_rows
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.restoration.sheets import sheet


class Failing(Dimmed):
    """The fourth picture can't be read."""

    def __getitem__(self, index):
        if index == 3:
            raise DatasetError("d.png", "can't be read", "Look at it")
        return super().__getitem__(index)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_data_set_raises_arrives_as_it_is(tmp_path, workers):
    """Also from another process, where torch would make a RuntimeError of it."""
    with pytest.raises(DatasetError) as caught:
        trainer(tmp_path, settings(workers=workers), train=Failing()).run()
    assert str(caught.value) == "d.png: can't be read. Look at it"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "x"
    trainer(folder, settings(ema=0.5), validation=Dimmed(3, seed=4)).run()
    return RunFolder(folder)


def test_the_folder_holds_everything(run):
    assert sorted(path.name for path in run.path.iterdir()) == [
        *("checkpoints", "curves.svg", "environment.json"),
        *("metrics.csv", "samples", "settings.toml"),
    ]
    assert run.settings() == settings(ema=0.5)
    (entry,) = json.loads(run.environment_file.read_text())
    assert entry["torch"] == torch.__version__
    assert (entry["from_step"], entry["processes"], entry["device"]) == (0, 1, "cpu")


def test_the_table_has_losses_rates_and_psnr(run):
    rows = read_rows(run.metrics_file)
    losses = [row for row in rows if row["loss_network"]]
    assert [int(row["step"]) for row in losses] == [2, 4, 6, 8, 10, 12]
    assert float(losses[-1]["lr_network"]) < float(losses[1]["lr_network"]) <= 1e-2
    assert [int(row["step"]) for row in rows if row["psnr"]] == [6, 12]


def test_the_psnr_is_that_of_the_averaged_weights(run):
    """Against scikit-image's, with the weights that ``weights()`` names."""
    measure = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio
    assert run.weights().name == "network.ema.safetensors"
    restorer = network().eval()
    read_weights(restorer, run.weights())
    found = []
    for sample in [Dimmed(3, seed=4)[index] for index in range(3)]:
        with torch.no_grad():
            output = restorer(sample["lq"][None])[0].clamp(0, 1)
        found.append(measure(sample["gt"].numpy(), output.numpy(), data_range=1))
    assert float(read_rows(run.metrics_file)[-1]["psnr"]) == pytest.approx(np.mean(found), abs=1e-4)


def test_averages_lag_behind_the_weights(run):
    latest = run.latest()
    plain = safetensors.torch.load_file(latest / "network.safetensors")
    averaged = safetensors.torch.load_file(latest / "network.ema.safetensors")
    start = network().state_dict()
    moved = [sum(float((t[n] - start[n]).norm()) for n in start) for t in (plain, averaged)]
    assert 0 < moved[1] < moved[0]


def test_weights_of_no_run_are_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no checkpoint"):
        RunFolder(tmp_path).weights()


def test_samples_are_what_they_show(run):
    assert [path.name for path in sorted(run.samples.iterdir())] == [
        f"step-{step:08d}.png" for step in (0, 6, 12)
    ]
    drawn = np.asarray(Image.open(run.samples / "step-00000012.png"))
    first = Dimmed(3, seed=4)[0]
    for column, side in ((0, "lq"), (2, "gt")):
        left, top = 6 + column * (8 + 6), 18
        wanted = (first[side] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        assert (drawn[top : top + 8, left : left + 8] == wanted).all()


def test_a_sheet_enlarges_lq_and_cuts_out_the_centre():
    lq, gt = torch.zeros(3, 300, 200), torch.ones(3, 600, 400)
    drawn = np.asarray(sheet([(lq, gt, gt)]))
    assert drawn.shape == (18 + 384 + 6, 6 + 3 * (384 + 6), 3)
    assert (drawn[18:402, 6:390] == 0).all()
    assert (drawn[18:402, 396:780] == 255).all()


def test_curves_go_where_the_numbers_go():
    rows = [
        {"step": "0", "loss_network": "4", "lr_network": "", "psnr": ""},
        {"step": "5", "loss_network": "nan", "lr_network": "", "psnr": ""},
        {"step": "10", "loss_network": "2", "lr_network": "", "psnr": ""},
    ]
    root = ElementTree.fromstring(curves(rows))
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    first, last = (tuple(map(float, p.split(","))) for p in line.get("points").split())
    left, right, top = 70, 720 - 16, 46
    assert first == (left, top)  # the largest at the top, the first step at the left
    assert last == (right, top + 190)
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss", "loss_network", "4", "2", "step 10"} <= set(texts)
    assert "PSNR in dB" not in texts


def test_a_lone_number_is_a_dot():
    root = ElementTree.fromstring(curves([{"step": "4", "loss_network": "2"}]))
    (dot,) = root.iter("{http://www.w3.org/2000/svg}circle")
    assert float(dot.get("cx")) == 720 - 16
    assert not list(root.iter("{http://www.w3.org/2000/svg}polyline"))


def test_curves_of_no_row_are_a_drawing():
    assert ElementTree.fromstring(curves([])).tag.endswith("svg")


def test_a_listener_hears_the_beginning_and_the_end(tmp_path):
    heard = []
    trainer(tmp_path, settings(), listen=heard.append).run()
    assert (heard[0].step, heard[0].seconds_left) == (0, None)
    last = heard[-1]
    assert (last.step, last.steps, last.stage, last.seconds_left) == (12, 12, "restore", 0)
    assert last.images_per_second > 0
    rows = read_rows(tmp_path / "metrics.csv")
    assert last.loss == pytest.approx(float(rows[-1]["loss_network"]))


def test_a_broken_validation_is_known_before_the_first_step(tmp_path):
    """Targets of another size: the run ends at once, and the folder can be used again."""
    validation = Dimmed(3)
    validation.gt = torch.rand(3, 3, 8, 8)
    read = validation.__getitem__
    broken = Dimmed(3)
    broken.on_read = lambda count: (_ for _ in ()).throw(OSError("no such picture"))
    train = Dimmed()
    with pytest.raises(OSError, match="no such picture"):
        trainer(tmp_path, settings(), train=train, validation=broken).run()
    assert train.count == 0
    assert read(0)["gt"].shape == (3, 8, 8)
    assert trainer(tmp_path, settings(), validation=validation).run().finished


def test_a_trainer_leaves_the_method_as_it_was(tmp_path):
    found = settings()
    method = baseline(found)
    own = method.modules["network"]
    trainer(tmp_path, found, method=method).run()
    assert method.modules["network"] is own
