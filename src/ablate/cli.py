"""The commands, nothing else: words in, exit code out."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ablate.errors import AblateError, ConfigError, DataError

_DESCRIPTION = """\
From a declared question to a defensible, regenerable answer: ablation studies for
neural-network training. A study is one YAML file; a sweep trains what it declares,
keeps every run in runs/, mirrors it to MLflow and writes reports/STUDY/."""

_EPILOG = """\
examples:
  ablate sweep study=quickstart                 half a minute, nothing to download
  ablate sweep study=init_method --quick        any study on the digits data, in seconds
  ablate sweep study=quickstart study.aa=true   with the baseline once more, as a control
  ablate run data=mnist model.depth=5 init=he   train one network
  ablate run -m init=he,xavier optimizer.lr=0.01,0.1 replicates=3
  ablate ui quickstart                          browse the runs

exit codes: 0 all well (runs that did not converge included), 1 a run failed or a check did
not hold, 2 the command or a config is wrong and nothing was started, 130 interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and (words[0] in ("-m", "--multirun") or "=" in words[0]):
        words.insert(0, "run")  # `ablate -m study=quickstart` works as typed
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if rest and options.command not in ("run", "sweep", "plan", "check"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    debug = options.debug or os.environ.get("HYDRA_FULL_ERROR") == "1"
    signal.signal(signal.SIGTERM, _interrupt)  # a polite kill is a Ctrl-C
    try:
        code: int = options.function(options, rest)
        return code
    except KeyboardInterrupt:
        print("\ninterrupted; finished runs are kept, the same command goes on.", file=sys.stderr)
        return 130
    except (AblateError, OSError) as error:
        if debug:
            raise
        print(f"ablate: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError | DataError) else 1
    except Exception as error:
        if debug:
            raise
        print(
            f"ablate: {type(error).__name__}: {error} (this is a bug; --debug shows where)",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ablate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train one cell; with -m a Hydra multirun")
    run.add_argument("-m", "--multirun", action="store_true", help="sweep comma lists and ranges")
    run.set_defaults(function=_run)
    sweep = commands.add_parser("sweep", help="train what a study declares, and report")
    sweep.set_defaults(function=_sweep)
    for command in (run, sweep):
        command.add_argument("--quick", action="store_true", help="on the digits data, in seconds")
        command.usage = f"{command.prog} [--quick] [study=NAME] [KEY=VALUE ...]"

    plan = commands.add_parser(
        "plan", help="what a sweep would train and could tell; trains nothing"
    )
    plan.set_defaults(function=_plan)
    plan.add_argument("--quick", action="store_true", help="of the quick version")
    plan.usage = f"{plan.prog} [--quick] [--json] study=NAME [KEY=VALUE ...]"
    check = commands.add_parser(
        "check", help="try every cell of a study for a second, before a sweep"
    )
    check.set_defaults(function=_check)
    check.add_argument("--quick", action="store_true", help="of the quick version")
    check.usage = f"{check.prog} [--quick] study=NAME [KEY=VALUE ...]"
    new = commands.add_parser("new", help="write a commented study file to start from")
    new.add_argument("name", help="of the study")
    new.set_defaults(function=_new)
    explain = commands.add_parser("explain", help="why a run is not the finished one beside it")
    explain.add_argument("run", help="study/cell/replicate, or the first digits of a run's key")
    explain.set_defaults(function=_explain)
    trace = commands.add_parser("trace", help="from a number in a report to its runs")
    trace.add_argument("study", help="whose report")
    trace.add_argument("what", nargs="+", help="table 1, a row's name, a column's name")
    trace.set_defaults(function=_trace)
    verify = commands.add_parser(
        "verify", help="train a run again and compare it with what is kept"
    )
    verify.add_argument("run", help="study/cell/replicate, or the first digits of a run's key")
    verify.set_defaults(function=_verify)
    clean = commands.add_parser("clean", help="remove runs that no study asks for any more")
    clean.add_argument("--stale", action="store_true", required=True, help="what to remove")
    clean.add_argument("--dry-run", action="store_true", help="only say what would go")
    clean.set_defaults(function=_clean)
    status = commands.add_parser("status", help="runs done, n/c, failed, running, missing, stale")
    status.add_argument("study", nargs="?", help="one study; default: all that have runs")
    status.set_defaults(function=_status)
    report = commands.add_parser("report", help="regenerate reports from the ledger")
    report.add_argument("study", nargs="*", help="studies; default: all that have runs")
    report.add_argument("--check", action="store_true", help="exit 1 if a report is out of date")
    report.set_defaults(function=_report)
    ui = commands.add_parser("ui", help="the MLflow UI over the runs, on 127.0.0.1")
    ui.add_argument("study", nargs="?", help="print the address of this study's view")
    ui.add_argument("--port", type=int, default=5000, help="default: 5000")
    ui.set_defaults(function=_ui)
    sync = commands.add_parser("sync", help="rebuild the MLflow store from the ledger")
    sync.add_argument("study", nargs="*", help="studies; default: all that have runs")
    sync.set_defaults(function=_sync)
    data = commands.add_parser("data", help="fetch and verify data sets")
    data.add_argument("name", nargs="*", help="data sets; default: list them")
    data.set_defaults(function=_data)
    studies = commands.add_parser("studies", help="every study, its question and its status")
    studies.set_defaults(function=_studies)
    for command in (plan, status, studies):
        command.add_argument("--json", action="store_true", help="for programs")
    for command in commands.choices.values():
        # Suppressed: the default must not overwrite `ablate --debug COMMAND`.
        command.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
    return parser


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    from rich.console import Console

    from ablate.commands.command_line import plan_overrides, plan_studies, sort_words
    from ablate.commands.sweep import run_studies

    words = sort_words(rest)
    if words.studies:
        starts = plan_studies(words, options.quick)
    else:
        if options.quick:
            raise ConfigError("--quick needs a study: ablate sweep study=NAME --quick.")
        start = plan_overrides(words, options.multirun)
        starts = [start] if start else []
    return run_studies(starts, Console(highlight=False, soft_wrap=True))


def _sweep(options: argparse.Namespace, rest: list[str]) -> int:
    options.multirun = True
    return _run(options, rest)


def _plan(options: argparse.Namespace, rest: list[str]) -> int:
    from ablate.commands.command_line import plan_studies, sort_words
    from ablate.commands.plan import lines, planned

    words = sort_words(rest)
    if not words.studies:
        raise ConfigError("ablate plan needs a study: ablate plan study=NAME.")
    starts = plan_studies(words, options.quick)
    found = [planned(start) for start in starts]
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
        return 0
    for start, one in zip(starts, found, strict=True):
        print("\n".join(lines(start, one)))
    return 0


def _check(options: argparse.Namespace, rest: list[str]) -> int:
    from ablate.commands.command_line import plan_studies, sort_words
    from ablate.train import prepare_process

    words = sort_words(rest)
    if not words.studies:
        raise ConfigError("ablate check needs a study: ablate check study=NAME.")
    starts = plan_studies(words, options.quick)
    prepare_process(threads=1)
    from ablate.commands.check import lines

    held = True
    for start in starts:
        for line, holds in lines(start):
            held &= holds
            print(line if holds else f"! {line}", flush=True)
    return 0 if held else 1


def _new(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.new import write_new

    path = write_new(options.name, Path.cwd())
    print(f"{path.relative_to(Path.cwd())} written; its first lines say how to go on")
    return 0


def _explain(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.explain import explain

    print("\n".join(explain(Path.cwd(), options.run)))
    return 0


def _verify(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.verify import verify
    from ablate.train import prepare_process

    prepare_process(threads=1)
    found = verify(Path.cwd(), options.run)
    print("\n".join(found.lines))
    return 0 if found.holds else 1


def _trace(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.trace import trace

    print("\n".join(trace(Path.cwd(), options.study, options.what)))
    return 0


def _clean(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.clean import remove, stale_runs

    found = stale_runs(Path.cwd())
    for stale in found:
        if not options.dry_run:
            remove(stale)
        what = "would go" if options.dry_run else "removed"
        print(f"{stale.path.relative_to(Path.cwd())}  {stale.size / 1e6:.1f} MB  {what}")
    total = sum(stale.size for stale in found) / 1e6
    print(f"{len(found)} folders, {total:.1f} MB" if found else "nothing is stale")
    return 0


def _status(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.status import status, swept_studies

    root = Path.cwd()
    names = [options.study] if options.study else swept_studies(root)
    found = [status(root, name) for name in names]
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
        return 0
    if not found:
        print("no runs yet; start with: ablate sweep study=quickstart")
    for one in found:
        counts = (
            f"{one.done} done, {one.not_converged} n/c, {one.failed} failed, "
            f"{one.running} running, {one.missing} missing, {one.stale} stale"
        )
        sweeping = f"  (process {one.process} is sweeping)" if one.process is not None else ""
        print(f"{one.study:<24} {one.runs:>5} runs: {counts}{sweeping}")
    return 0


def _studies(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.status import status, swept_studies
    from ablate.config.compose import conf_folders
    from ablate.config.yaml_file import read_yaml
    from ablate.study.reader import study_files

    root = Path.cwd()
    swept = swept_studies(root)
    rows = []
    for name, path in study_files(conf_folders(root)).items():
        counts = status(root, name).as_json() if name in swept else None
        rows.append({"study": name, "question": read_yaml(path)["question"], "status": counts})
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        counts = row["status"]
        ended = (counts["done"] + counts["not_converged"]) if counts else 0
        state = f"{ended}/{counts['runs']} runs" if counts else "not swept"
        print(f"{row['study']:<16} {state:<14} {row['question']}")
    return 0


def _report(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.report.regenerate import check_reports, regenerate_reports

    root = Path.cwd()
    if not options.check:
        missing = False
        for written in regenerate_reports(root, options.study):
            state = "written" if written.changed else "up to date"
            print(f"{written.directory.relative_to(root)}/README.md  {state}")
            for sentence in written.missing:
                missing = True
                print(f"! {sentence}")
        return 1 if missing else 0
    differing = check_reports(root, options.study)
    for path in differing:
        print(f"{path} is not what would be written")
    return 1 if differing else 0


def _ui(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.ui import serve

    return serve(Path.cwd(), options.study, options.port)


def _sync(options: argparse.Namespace, _: list[str]) -> int:
    from ablate.commands.sweep import sync_studies

    return sync_studies(Path.cwd(), options.study)


def _data(options: argparse.Namespace, _: list[str]) -> int:
    from ablate import data

    if options.name:
        data.fetch(options.name, Path.cwd())
    else:
        print("\n".join(sorted(data.SOURCES)))
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
