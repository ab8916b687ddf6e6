"""Pixels and texts become features: one interface for CLIP towers and the built-in encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddriqa.encoders.catalogue import load_encoder

if TYPE_CHECKING:
    from ddriqa.encoders.base import Encoder, EncoderCard

__all__ = ["Encoder", "EncoderCard", "load_encoder"]


def __getattr__(name: str) -> Any:
    """The interface's classes on first use: they import torch, and listing encoders does not."""
    if name not in ("Encoder", "EncoderCard"):
        raise AttributeError(f"module 'ddriqa.encoders' has no attribute {name!r}")
    from ddriqa.encoders import base

    return getattr(base, name)
