"""No test says how long something takes: it waits for what it can see, by `waiting.until`."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
#: Where time is the matter itself: the one helper, the end of a forked command, what hangs on
#: purpose, kills at random moments, and a limit that nothing may undercut.
ALLOWED = {
    "waiting.py", "end_to_end/warm.py", "mylab/faults.py", "end_to_end/test_faults.py",
    "launch/executor_suite.py",
}  # fmt: skip
CLOCKS = {"sleep", "monotonic", "perf_counter", "process_time", "wait_for_timeout"}


def test_tests_wait_for_what_they_see_and_read_no_clock() -> None:
    found = {
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
    }
    assert found == ALLOWED
