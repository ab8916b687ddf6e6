"""What stands beside the bar."""

import pytest
from rich.progress import Task

from ddriqa.cli.progress import _Counts


def words(seconds, completed, total=100, before=0, failed=0):
    """The text after so many seconds of work."""
    now = [10.0]
    task = Task(0, "Scoring", total, completed, _get_time=lambda: now[0])
    task.fields.update(before=before, failed=failed)
    task.start_time = now[0]
    now[0] += seconds
    return _Counts().render(task).plain


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seconds": 10, "completed": 20}, "20/100  2.0 images/s  40 s left"),
        ({"seconds": 0.01, "completed": 2}, "2/100"),  # a batch at once is no rate yet
        ({"seconds": 10, "completed": 0}, "0/100"),
        ({"seconds": 10, "completed": 90, "before": 80}, "90/100  1.0 images/s  10 s left"),
        ({"seconds": 10, "completed": 80, "before": 80}, "80/100"),
        ({"seconds": 1, "completed": 20, "total": None}, "20  20 images/s"),
        (
            {"seconds": 2, "completed": 20, "failed": 3},
            "20/100  10 images/s  8.0 s left  3 failed",
        ),
    ],
)
def test_counts_rate_and_rest(given, expected):
    assert words(**given) == expected
