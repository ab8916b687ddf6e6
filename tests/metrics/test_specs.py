"""How metrics are asked for."""

import inspect

import pytest

from ddriqa.errors import UsageError
from ddriqa.metrics.catalogue import FILES, METRICS, OPTIONS
from ddriqa.metrics.specs import MetricSpec


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("ddr", "ddr", {}),
        ("ddr+windows+shape", "ddr+windows+shape", {"geometry": "windows", "shape": True}),
        ("ddr+blur+noise", "ddr+blur+noise", {"types": ["blur", "noise"]}),
        ("clip_iqa+five", "clip_iqa+five", {"five": True}),
        ("niqe=/data/a=b+c.npz", "niqe", {"parameters": "/data/a=b+c.npz"}),
        ("piq:brisque", "piq:brisque", {"spec": "piq:brisque"}),
        ("pyiqa:clipiqa+", "pyiqa:clipiqa+", {"spec": "pyiqa:clipiqa+"}),
    ],
)
def test_a_spec_gives_a_name_and_options(text, name, options):
    spec = MetricSpec.read(text)
    assert (spec.name, spec.options) == (name, options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drr", "Did you mean ddr?"),
        ("ddr+windws", "Known: crops, view, windows"),
        ("ddr+view+crops", "contradicts another option"),
        ("brisque+five", "It has none"),
        ("ddr=file", "takes no such file"),
        ("niqe=", "takes no such file"),
        ("", "unknown name ''"),
        ("other:name", "unknown name 'other:name'"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    with pytest.raises(UsageError) as caught:
        MetricSpec.read(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", METRICS)
def test_every_option_is_one_of_the_class(name):
    parameters = inspect.signature(MetricSpec.read(name).metric_class).parameters
    options = [key for named in OPTIONS.get(name, {}).values() for key in named]
    assert {*options, *([FILES[name]] if name in FILES else [])} <= set(parameters)
    assert OPTIONS.keys() | FILES.keys() <= METRICS.keys()


def test_types_add_up_and_the_tables_lists_stay_as_they_are():
    assert MetricSpec.read("ddr+blur+color").options == {"types": ["blur", "color"]}
    assert MetricSpec.read("ddr+blur").options == {"types": ["blur"]}
