"""A path becomes pixels: finding, decoding, and the geometry of views."""
