"""The pooling attention of CLIP's ResNets for maps of any size, at the price of one query."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def mean_token_pool(features: Tensor, pool: Any) -> Tensor:
    """What the mean token gets from attention over itself and the map, without positions.

    Only the mean token's output is ever used, so only its query q is asked, and the projections
    of keys and values are folded into it: a head's logits are ``(W_k^T q) . x_l / sqrt(d)``, up to
    the key bias, which adds the same to each and leaves the softmax alone; its output is
    ``W_v (sum_l a_l x_l) + b_v``. That equals the whole attention exactly, and no token is
    projected or copied: of L tokens it keeps their ``heads x L`` weights, where the whole attention
    takes ``heads x L x L`` of them (17 GB for a picture of 12 megapixels).

    CLIP-IQA (Wang et al., "Exploring CLIP for Assessing the Look and Feel of Images", AAAI 2023)
    pools like this, with the positional table left out, so that the picture may have any size.

    Args:
        features: the ResNet's last map, ``(B, C, h, w)``.
        pool: the ``AttentionPool2d`` of open_clip for C channels.

    Returns:
        ``(B, D)``, projected, not normalised; differentiable.
    """
    batch, width = features.shape[:2]
    tokens = features.flatten(2)
    mean = tokens.mean(2, keepdim=True)
    split = (pool.num_heads, width // pool.num_heads, width)
    query = pool.q_proj(mean[..., 0]).view(batch, *split[:2])
    query = query * split[1] ** -0.5
    folded = torch.einsum("bhd,hdc->bhc", query, pool.k_proj.weight.view(split))
    weights = torch.cat([folded @ mean, folded @ tokens], dim=2).softmax(2)
    pooled = weights[..., 1:] @ tokens.transpose(1, 2) + weights[..., :1] @ mean.transpose(1, 2)
    values = torch.einsum("bhc,hdc->bhd", pooled, pool.v_proj.weight.view(split))
    return pool.c_proj(values.flatten(1) + pool.v_proj.bias)
