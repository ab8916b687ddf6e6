"""Networks that restore a picture, one file each, written from their papers' formulas.

A network takes ``(B, 3, H, W)`` RGB float in [0, 1], any H and W from 1, pads inside to the
multiple that it needs, and gives ``(B, 3, scale * H, scale * W)``, not clamped. Its ``scale`` and
``in_channels`` are attributes. ``catalogue.build`` makes one by name, and
``checkpoints.load_official`` fills it from its authors' file.
"""
