"""What becomes of printed lines costs no run: each in a process whose streams are its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SPEAKER = """
import sys
from ablate.launch.printing import lost_lines, print_at_no_cost
print_at_no_cost()
for number in range(3000):
    print(number, "a → b", "x" * 40)
print("\\udcff", flush=True)
print("to the end", lost_lines(), sys.stdout.encoding, file=sys.stderr)
"""


def speak(stdout: int, **environment: str) -> subprocess.CompletedProcess[str]:
    asked = {**os.environ, **environment}
    command = [sys.executable, "-c", SPEAKER]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, env=asked, text=True, check=False
    )


def test_a_reader_may_leave() -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    try:
        done = speak(ours)
    finally:
        os.close(ours)
    assert (done.returncode, done.stderr) == (0, "to the end None utf-8\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is there on Linux")
def test_what_a_full_disk_takes_is_told_at_the_end() -> None:
    with Path("/dev/full").open("w") as full:
        done = speak(full.fileno())
    assert (done.returncode, done.stderr) == (0, "to the end No space left on device utf-8\n")


def test_letters_that_a_terminal_lacks() -> None:
    done = speak(subprocess.PIPE, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert done.stdout.startswith("0 a ? b")
    assert done.stdout.endswith("\n?\n")


def test_a_closed_stream_gives_its_number_to_no_file(tmp_path: Path) -> None:
    code = (
        "from ablate.launch.printing import print_at_no_cost; print_at_no_cost()\n"
        f"file = open({str(tmp_path / 'ledger')!r}, 'w'); assert file.fileno() > 2, file.fileno()"
    )
    closed = f"exec '{sys.executable}' -c \"$CODE\" >&- 2>&-"
    done = subprocess.run(["sh", "-c", closed], env={**os.environ, "CODE": code}, check=False)
    assert done.returncode == 0
