"""``python -m ddriqa``."""

from ddriqa.cli.main import main

main()
