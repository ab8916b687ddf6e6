"""Pixels and texts become features: one interface for CLIP towers and the built-in encoder."""

from ddriqa.encoders.base import Encoder, EncoderCard
from ddriqa.encoders.catalogue import load_encoder

__all__ = ["Encoder", "EncoderCard", "load_encoder"]
