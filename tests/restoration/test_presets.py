"""Every preset is a whole set of settings, for a network that exists."""

import pytest

from ddriqa.cli.train_restore_run import PRESETS
from ddriqa.restoration.layouts import layouts
from ddriqa.restoration.methods.catalogue import METHODS
from ddriqa.restoration.networks.catalogue import NETWORKS
from ddriqa.restoration.networks.catalogue import PRESETS as OF_NETWORKS
from ddriqa.restoration.settings import from_table
from ddriqa.restoration.toml_file import read_toml

FILES = sorted(PRESETS.rglob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_preset_is_whole(path):
    settings = from_table(read_toml(path))
    assert settings.method.name == path.parent.name
    assert settings.network.name in NETWORKS
    assert settings.network.preset in OF_NETWORKS[settings.network.name]
    for part in settings.data.values():
        assert part["split"] in layouts()[part["set"]].splits


def test_there_are_some_for_every_method():
    assert {path.parent.name for path in FILES} == set(METHODS)
