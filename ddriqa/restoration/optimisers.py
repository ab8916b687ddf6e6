"""Optimisers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from torch.optim import Optimizer

from ddriqa.restoration.settings import OptimiserSettings

OptimiserFactory = Callable[[Mapping[str, nn.Module]], Optimizer]
"""Makes an optimiser from a stage's modules, once they are on their device."""


def optimiser_of(settings: OptimiserSettings, names: Sequence[str]) -> OptimiserFactory:
    """A factory of the optimiser of all trainable weights of the named modules."""

    def make(modules: Mapping[str, nn.Module]) -> Optimizer:
        weights = [
            weight
            for name in names
            for weight in modules[name].parameters()
            if weight.requires_grad
        ]
        decay, (first, second) = settings.weight_decay, settings.betas
        if settings.name == "sgd":
            return torch.optim.SGD(weights, settings.lr, momentum=first, weight_decay=decay)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
        return kind(weights, settings.lr, betas=(first, second), weight_decay=decay)

    return make
