"""Which measures there are, resolved on use."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Measure(NamedTuple):
    """A row of the table.

    Attributes:
        target: ``"module:object"``: a function of output and target, or a class of such objects.
        higher_is_better: else lower is.
        of_sets: it takes two collections of pictures and gives one number; else two batches
            ``(B, 3, H, W)`` of pairs, and gives ``(B,)``.
    """

    target: str
    higher_is_better: bool
    of_sets: bool = False


MEASURES = {
    "psnr": Measure("ddriqa.restoration.measures.psnr:psnr", higher_is_better=True),
    "ssim": Measure("ddriqa.restoration.measures.ssim:ssim", higher_is_better=True),
    "lpips": Measure("ddriqa.restoration.losses.lpips:LPIPS", higher_is_better=False),
    "dists": Measure("ddriqa.restoration.measures.dists:DISTS", higher_is_better=False),
    "fid": Measure("ddriqa.restoration.measures.fid:FID", higher_is_better=False, of_sets=True),
}


def build(name: str, **options: Any) -> Callable[..., Any]:
    """A measure with its options, to be called with output and target.

    Raises:
        UsageError: an unknown name, an option that the measure doesn't have.
        WeightsError: the measure needs weights that aren't there.

    >>> build("psnr", channel="y", border=4).keywords
    {'channel': 'y', 'border': 4}
    """
    if name not in MEASURES:
        near = get_close_matches(name, MEASURES, n=1)
        known = f"Known: {', '.join(MEASURES)}"
        hint = f"Did you mean {near[0]}? {known}" if near else known
        raise UsageError("measure", f"unknown name {name!r}", hint)
    module, attribute = MEASURES[name].target.split(":")
    measure: Any = getattr(import_module(module), attribute)
    takes = [o for o in inspect.signature(measure).parameters if o not in ("output", "target")]
    if wrong := [option for option in options if option not in takes]:
        reason = f"has no {wrong[0]!r}"
        raise UsageError(f"measure {name}", reason, f"It has {', '.join(takes)}")
    is_class = inspect.isclass(measure)
    return measure(**options) if is_class else partial(measure, **options)


def build_all(wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Callable[..., Any]]:
    """Measures by name -> their options; see ``build``.

    Raises:
        UsageError: see ``build``.
        WeightsError: naming all weights that aren't there.
    """
    from ddriqa.restoration.losses.backbones import all_loaded

    loads = [partial(build, name, **options) for name, options in wanted.items()]
    return dict(zip(wanted, all_loaded(*loads), strict=True))
