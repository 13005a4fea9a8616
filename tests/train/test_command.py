"""A training command of one's own: what it may print, leave behind and write."""

import os
import re
import signal
from pathlib import Path

import pytest

from ablate import user
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
    return told(tmp_path, script)[0]


def told(tmp_path, script):
    """Return what a shell script gives, and what it tells before."""
    path = tmp_path / "script.sh"
    path.write_text(script)
    return run_command(config(f"sh {path}"), Streams(0, 0), "cpu", 0.0)


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
        run_command(config(str(script)), Streams(0, 0), "cpu", 0.0)


LINES = r"""
echo 'epoch 1 of 2: {"step": '
printf '{"step": 0, "validation/loss": 1.5}\n{"step": 2, "train/loss": 3}\r\n'
echo '{"step": 2, "validation/loss": 1.25}'
echo '  {"step": 5, "train/loss": 0.5, "own": true}'
echo '[1, 2]'; echo '{"message": "saved", "took": 3}'; echo '{}'
printf '{"score": 1}\n{"score": 2, "other": 3}'
"""


def test_what_it_prints_are_evaluations_and_final_metrics(tmp_path):
    metrics, found = told(tmp_path, LINES)
    assert metrics == {"score": 2, "other": 3}
    assert found.evaluations == [
        {"step": 0, "validation/loss": 1.5},
        {"step": 2, "train/loss": 3, "validation/loss": 1.25},
        {"step": 5, "train/loss": 0.5, "own": 1.0},
    ]
    assert found.losses.tolist() == [3, 3, 0.5, 0.5, 0.5]
    assert found.died is None
    assert len(found.evaluated_at) == 3
    assert list(found.evaluated_at) == sorted(found.evaluated_at)


def test_the_file_counts_before_what_is_printed(tmp_path):
    metrics, found = told(tmp_path, LINES + "\n" + WRITES)
    assert metrics == {"score": 1}
    assert len(found.evaluations) == 3


def test_any_language_will_do(tmp_path):
    program = tmp_path / "train.awk"
    program.write_text(
        'BEGIN { for (i = 1; i <= 4; i++) printf "{\\"step\\": %d, \\"train/loss\\": %g}\\n", i, 1 / i\n'
        '        printf "{\\"score\\": %s}\\n", rate }\n'
    )
    asked = run_config({
        "data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"},
        "trainer": {"command": f"awk -v rate={{rate}} -f {program}", "rate": 0.5},
    })  # fmt: skip
    metrics, found = run_command(asked, Streams(0, 0), "cpu", 0.0)
    assert metrics == {"score": 0.5}
    assert found.losses.tolist() == pytest.approx([1.0, 0.5, 1 / 3, 0.25], abs=1e-6)  # six digits


@pytest.mark.parametrize(
    ("printed", "step", "kept"),
    [
        ('{"step": 3, "train/loss": 1}\n{"step": 6, "train/loss": NaN}', 3, 1),
        ('{"step": 3, "validation/loss": Infinity}\n{"step": 6, "validation/loss": 1}', 0, 0),
        ('{"step": 3, "x": 1}\n{"step": 6, "x": 1}\n{"step": 6, "y": -Infinity}', 3, 1),
    ],
)
def test_a_number_that_is_not_finite_makes_it_not_converged(printed, step, kept, tmp_path, run):
    (tmp_path / "lines").write_text(printed)
    (record,) = run(config(f"cat {tmp_path / 'lines'}"))
    assert (record.nc_reason, record.diverged_at_step) == ("nonfinite", step)
    assert len(record.evaluations) == len(record.evaluated_at) == kept
    assert len(record.losses) in (0, step)
    assert record.metrics == {}


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("""echo x; echo '{"step": 1, "phase": "train"}'""",
         "must give line 2 of its stdout as numbers by name, .*; it gave 'phase': 'train'"),
        ("""echo '{"step": 0.5}'""", "gives line 1 of its stdout with step = 0.5; it must be a whole"),
        ("""echo '{"step": 2}'; echo '{"step": 1}'""", "line 2 of its stdout with step = 1 after 2"),
        ("""echo '{"step": 2, "test/accuracy": 97}'""", "gives test/accuracy = 97; it must be from 0"),
        ("""echo '{"score": "high"}'""", "wrote no metrics: they belong into the file that ABLATE_METR"),
    ],
)  # fmt: skip
def test_an_evaluation_that_is_none_is_named(script, sentence, tmp_path):
    with pytest.raises(AblateError) as caught:
        given(tmp_path, script)
    assert str(caught.value).startswith("trainer.command ")
    assert re.search(sentence, str(caught.value))


def test_and_it_ends_the_command(tmp_path):
    """The shell would go on for ever."""
    with pytest.raises(AblateError, match="with step = 1 after 2"):
        given(tmp_path, """echo '{"step": 2}'; echo '{"step": 1}'; while :; do :; done""")


def test_lines_without_end_are_not_kept_and_all_that_a_pipe_holds_is_read(tmp_path):
    many = 'awk \'BEGIN { for (i = 1; i <= 40000; i++) printf "{\\"step\\": %d}\\n", i }\'\n'
    endless = "yes '{' | tr -d '\\n' | head -c 5000000; echo; "
    _, found = told(tmp_path, endless + many + WRITES)
    assert [row["step"] for row in found.evaluations] == [*range(1, 40001)]


def test_what_a_process_left_behind_prints_is_nobodys(tmp_path):
    """It writes for ever into the pipe that the command had."""
    number = tmp_path / "number"
    script = f"yes & echo $! > {number}; echo '{{\"step\": 1}}'; {WRITES}"
    try:
        metrics, found = told(tmp_path, script)
        assert metrics == {"score": 1}
        assert [row["step"] for row in found.evaluations] in ([1], [])
    finally:
        os.kill(int(number.read_text()), signal.SIGKILL)


def of(command, **arguments):
    fields = config("true").model_dump() | {"trainer": {"command": command, **arguments}}
    return run_config(fields).trainer


def test_names_among_its_words_are_replaced():
    trainer = of("t.py --lr={lr} {kind}.txt '{flag} {many}' ${HOME} {{lr}} '{ print $1 }' {seed} {config}",
                 lr=1e-05, kind="a b", flag=False, many=[1, 2])  # fmt: skip
    assert trainer.words({"seed": 7, "kind": "c"}, {"config": "c.json"}) == [
        "t.py", "--lr=1e-05", "a b.txt", "false [1, 2]", "${HOME}", "{lr}", "{ print $1 }", "7", "c.json",
    ]  # fmt: skip
    assert trainer.words()[-2:] == ["{seed}", "{config}"]
    with pytest.raises(ConfigError) as caught:
        of("t.py {rate}", lr=0.1)
    assert str(caught.value) == (
        "trainer.command has {rate}, which is no argument of it; there is lr, config, metrics, "
        "replicate, seed or device; {{rate}} is the text itself."
    )


def test_its_seed_differs_between_replicates_and_comes_again(tmp_path):
    asked = config("""sh -c 'printf "{\\"seed\\": %s, \\"r\\": %s}" $0 $1' {seed} {replicate}""")
    seeds = [run_command(asked, Streams(0, r), "cpu", 0.0)[0] for r in (0, 1, 1)]
    assert [one["r"] for one in seeds] == [0, 1, 1]
    assert seeds[0]["seed"] != seeds[1]["seed"] == seeds[2]["seed"]


def test_a_file_named_by_an_argument_has_a_digest(tmp_path: Path):
    (tmp_path / "slow.py").write_text("pass")
    asked = run_config(
        config("true").model_dump() | {"trainer": {"command": "python {kind}.py", "kind": "slow"}}
    )
    assert list(user.sources(asked, tmp_path)) == ["trainer.command slow.py"]
