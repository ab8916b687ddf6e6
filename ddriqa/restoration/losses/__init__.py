"""What training lowers: a file a loss, each called with output and target.

To add one, write its class (a ``Loss``) into a file and one line into ``catalogue.LOSSES``.
"""

from ddriqa.restoration.losses.catalogue import LOSSES, build

__all__ = ["LOSSES", "build"]
