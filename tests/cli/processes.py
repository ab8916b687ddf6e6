"""``ddriqa`` in a process that is slow enough to be caught in the midst of its work."""

import os
import subprocess
import sys
import time

SLOW = """
import sys, time
import ddriqa.scoring.read_ahead as reading, ddriqa.scoring.table as table
decode, seconds = reading.decode, float(sys.argv[1])
def slow(*arguments, **options):
    time.sleep(seconds)
    return decode(*arguments, **options)
reading.decode, table.FLUSH_SECONDS = slow, 0.02
from ddriqa.cli.main import main
del sys.argv[1]
main()
"""


def start_slow(seconds, *arguments, **options):
    """Start ``ddriqa``; it sleeps before each picture, and rows reach the disk soon."""
    command = [sys.executable, "-c", SLOW, str(seconds), *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def wait_until(condition, seconds=60):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.002)


def size(path):
    """Bytes of a file; 0 where there is none."""
    return os.path.getsize(path) if os.path.exists(path) else 0
