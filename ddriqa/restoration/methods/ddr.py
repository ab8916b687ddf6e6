"""Eq. 8 of the DDR paper: a reconstruction loss and the DDR of the output."""

from __future__ import annotations

from torch import nn

from ddriqa.restoration.losses.catalogue import build, written_out
from ddriqa.restoration.methods.base import Method
from ddriqa.restoration.methods.baseline import supervised
from ddriqa.restoration.methods.options import options_of
from ddriqa.restoration.settings import Settings


def method(network: nn.Module, settings: Settings) -> Method:
    """L = L_rec(R(x), y) + λ_d · L_DDR(R(x)).

    Its options are tables: ``loss``, the reconstruction loss, by default the PSNR loss, is what
    ``losses.catalogue.build`` takes; ``ddr`` holds arguments of ``losses.ddr.DDRLoss``, λ_d as its
    ``weight`` (2.0 unless said). The crops must be square.

    Raises:
        UsageError, WeightsError: see ``losses.catalogue.build``.
    """
    options = options_of("ddr", settings.method.options, loss={"name": "psnr"}, ddr={})
    loss, added = written_out(options["loss"]), written_out({"name": "ddr", **options["ddr"]})
    own = {key: value for key, value in added.items() if key != "name"}
    losses = [build(loss), build(added)]
    return supervised("ddr", network, losses, settings, {"loss": loss, "ddr": own})
