"""Damaged photographs become better ones: networks, losses, training methods, tiles, measures."""
