"""The built-in encoder's text tower: a small causal transformer on CLIP's tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONTEXT = 32  # tokens, start and end included; longer sentences are cut as CLIP cuts at 77


class TextTower(nn.Module):
    """Token ids -> ``(N, D)``: the state at the end token, projected.

    Only the tokens seen in training have an embedding; any other counts as silence (zero), so a
    word that the tower never learned changes nothing but the positions after it.

    Args:
        vocabulary: CLIP token ids that have an embedding, ``(V,)`` ascending.
        width, layers, heads: of the transformer.
        dim: length of the output.
    """

    vocabulary: Tensor

    def __init__(self, vocabulary: Tensor, width: int, layers: int, heads: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("vocabulary", vocabulary)
        self.embedding = nn.Embedding(len(vocabulary) + 1, width, padding_idx=0)
        self.position = nn.Parameter(torch.zeros(CONTEXT, width))
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, dim, bias=False)

    def forward(self, tokens: Tensor, learned: Tensor | None = None) -> Tensor:
        """CLIP tokens ``(N, L)``, zero-padded after the end token, -> ``(N, D)``.

        ``learned`` ``(N, T, width)`` takes the places after the start token, before the words.
        """
        tokens = tokens[:, :CONTEXT]
        x = self.embedding(self._rows(tokens))
        end = tokens.argmax(dim=-1)  # the end token has the largest id
        if learned is not None:
            x = torch.cat([x[:, :1], learned, x[:, 1:]], dim=1)[:, :CONTEXT]
            end = end + learned.shape[1]
        x = x + self.position[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.projection(self.norm(x[torch.arange(len(x), device=x.device), end]))

    def _rows(self, tokens: Tensor) -> Tensor:
        """Row of each token's embedding; 0, the silent one, for tokens without."""
        index = torch.searchsorted(self.vocabulary, tokens.contiguous())
        index = index.clamp_max(len(self.vocabulary) - 1)
        return torch.where(self.vocabulary[index] == tokens, index + 1, 0)


class TextBlock(nn.Module):
    """Pre-norm self-attention that looks back only, and a two-layer network."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        wide = 4 * width
        self.mlp = nn.Sequential(nn.Linear(width, wide), nn.GELU(), nn.Linear(wide, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attention(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))

    def _attention(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(2))
