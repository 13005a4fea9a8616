"""The commands, nothing else: words in, exit code out."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ablate.commands import COMMANDS
from ablate.commands.here import root_of
from ablate.errors import AblateError, ConfigError, DataError
from ablate.launch.printing import lost_lines, print_at_no_cost
from ablate.secrets import masked

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
  ablate status --root ~/lab                    of the studies in another folder

exit codes: 0 all well (runs that did not converge included), 1 a run failed, a check did not
hold or a report could not be written, 2 the command or a config is wrong and nothing was
started, 130 interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if arguments is not None:
        return _run(list(arguments))
    print_at_no_cost()  # the process is ours
    if sys.argv[1:2] in (["run"], ["sweep"]):
        from ablate.launch.server import is_wanted, start_ahead

        if is_wanted(sys.argv[1:]):
            start_ahead()
    code = _run(sys.argv[1:])
    lost = lost_lines()
    if lost is not None:
        print(f"ablate: what it said could not be written: {lost}.", file=sys.stderr)
    return code or int(lost is not None)


def _run(words: list[str]) -> int:
    first = words[0] if words else ""
    if first in ("-m", "--multirun") or ("=" in first and not first.startswith("-")):
        words.insert(0, "run")  # `ablate -m study=quickstart` works as typed
    debug = "--debug" in words or os.environ.get("HYDRA_FULL_ERROR") == "1"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C
    try:
        options = _options(words)
        return int(import_module(f"ablate.commands.{options.command}").run(options))
    except KeyboardInterrupt:
        print("\ninterrupted; finished runs are kept, the same command goes on.", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        said = str(error)
        if isinstance(error, OSError) and error.strerror:
            said = f"{error.filename}: {error.strerror}." if error.filename else error.strerror
        elif not isinstance(error, AblateError | OSError):
            said = f"{type(error).__name__}: {error} (this is a bug; --debug shows where)"
        print(f"ablate: {masked(said)}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError | DataError) else 1


def _options(words: Sequence[str]) -> argparse.Namespace:
    """Return what is asked for; raises ConfigError for a root that can be none."""
    parser = _parser(words)
    options, rest = parser.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-") or not options.has_words]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.root is not None and options.plans:
        # Its room takes 0.3 s, which --help is spared.
        from ablate.config.compose import as_override

        rest.append(as_override("paths.root", str(options.root)))  # what it is called in a config
    options.words = rest
    options.root = options.root or (Path.cwd() if options.plans else _root("."))
    # The user's own code, for all that looks at runs.
    sys.path += [str(one) for one in (options.root, Path.cwd()) if str(one) not in sys.path]
    return options


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of all commands; those among `words` know their own arguments."""
    parser = argparse.ArgumentParser(
        prog="ablate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(debug=False, root=None, plans=False, has_words=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=f"{purpose}.")
        if name in words:
            import_module(f"ablate.commands.{name}").add_arguments(command)
    for one in (parser, *commands.choices.values()):
        # Suppressed: a command's default must not overwrite `ablate --debug COMMAND`.
        one.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
        one.add_argument(
            "--root", type=_root, metavar="PATH", default=argparse.SUPPRESS,
            help="where runs/, reports/, data/ and mlflow.db are; default: the working directory",
        )  # fmt: skip
    return parser


def _root(text: str) -> Path:
    return root_of(text, "--root")
