"""A training command of one's own: what it may print, leave behind and write."""

import re

import pytest

from ablate.config.validate import run_config
from ablate.errors import AblateError, ConfigError
from ablate.launch.user_check import check_user_code
from ablate.streams import Streams
from ablate.train.command import run_command

WRITES = """echo '{"score": 1}' > "$ABLATE_METRICS" """


def config(command):
    return run_config({
        "data": {"name": "digits"},
        "model": {"name": "mlp"},
        "optimizer": {"name": "sgd"},
        "trainer": {"command": command},
    })  # fmt: skip


def given(tmp_path, script):
    """Return what a shell script gives."""
    path = tmp_path / "script.sh"
    path.write_text(script)
    return run_command(config(f"sh {path}"), Streams(0, 0), "cpu")


@pytest.mark.parametrize(
    "script",
    [
        r"printf '\377\n'; printf '\377\n' >&2; ",
        "yes | head -c 3000000; yes | head -c 3000000 >&2; ",  # many times what a pipe holds
        "cat; ",  # there is nothing to read, and nobody to wait for
    ],
)
def test_what_it_prints_and_reads_changes_nothing(script, tmp_path):
    assert given(tmp_path, script + WRITES) == {"score": 1}


def test_a_process_that_it_leaves_behind_is_not_waited_for(tmp_path):
    released = tmp_path / "released"  # there only after the command is over
    left = f"while [ ! -e {released} ]; do sleep 0.1; done & "
    assert given(tmp_path, left + WRITES) == {"score": 1}
    released.touch()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo '\033[31mno data\033[0m' >&2; exit 3", "ended with exit code 3: no data$"),
        (r"printf 'no d\377ta\n' >&2; exit 3", "exit code 3: no d�ta$"),
        ("seq 100000 >&2; exit 3", "exit code 3: 100000$"),
        ("exit 3", "exit code 3: no word on its stderr$"),
        ("kill -9 $$", r"ended by signal 9 \(Killed\): no word"),
        (r"""echo '{"a": 1, "a": 2}' > $ABLATE_METRICS""", "metrics with 'a' twice"),
        (r"""printf '{"a": "\377"}' > $ABLATE_METRICS""", "metrics that are no JSON: 'utf-8' codec"),
        ("echo '{\"a\": 1' > $ABLATE_METRICS", "metrics that are no JSON: Expecting"),
        ("mkdir $ABLATE_METRICS", "metrics that cannot be read: Is a directory"),
        ("truncate -s 300M $ABLATE_METRICS", "metrics of 300 MiB; at most 256 are read"),
        ("printf '%0100000d' 0 | tr 0 [ > $ABLATE_METRICS", "are no JSON: maximum recursion"),
    ],
)  # fmt: skip
def test_how_it_fails_is_said(script, sentence, tmp_path):
    with pytest.raises(AblateError) as caught:
        given(tmp_path, script)
    assert re.search(sentence, str(caught.value))


def test_the_end_of_its_stderr_goes_with_the_error(tmp_path):
    with pytest.raises(AblateError) as caught:
        given(tmp_path, "seq 100000 >&2; exit 3")
    (end,) = caught.value.__notes__
    assert end.splitlines()[-100:] == [str(line) for line in range(99901, 100001)]
    assert len(end) <= 16 * 4096


def test_what_cannot_be_started_is_refused_before_anything_starts(tmp_path):
    script = tmp_path / "train.sh"
    script.write_text("exit 0\n")
    with pytest.raises(ConfigError, match="this file may not be executed; chmod \\+x allows it"):
        check_user_code(config(str(script)))
    with pytest.raises(ConfigError, match="is no command: No closing quotation"):
        config("sh -c 'exit 0")
    script.chmod(0o755)
    script.write_text("#!/nonesuch/sh\n")
    with pytest.raises(AblateError, match=r"train.sh: No such file or directory"):
        run_command(config(str(script)), Streams(0, 0), "cpu")
