"""Runs reach MLflow while the sweep goes on, from a thread that can never disturb it."""

import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from ablate.errors import AblateError
from ablate.secrets import masked
from ablate.store.cell import LedgerCell
from ablate.store.ledger import run_directory
from ablate.store.mirror import finish_cell, mirror_run, start_cell
from ablate.store.reader import Finished, finished
from ablate.store.result import read_result
from ablate.store.tracking import all_runs, open_store


class LiveMirror:
    """A sink: a queue of ended runs and the thread that mirrors them.

    The first thing that goes wrong ends the mirroring, not the sweep: what it was is in
    `problem`, and the ledger has everything that `ablate sync` needs.
    """

    def __init__(self, root: Path, study: str, question: str) -> None:
        self.problem: str | None = None
        self._root, self._study, self._question = root, study, question
        self._mirrored = 0
        # Runs that ended, none where they are on their way; None at the end.
        self._queue: SimpleQueue[list[tuple[LedgerCell, int]] | None] = SimpleQueue()
        # A daemon: a server that never answers must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="mlflow-mirror", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Say that runs will come: importing MLflow and opening its store take seconds.

        The mark is there before the first run ends: whatever ends the process, the next start
        closes the gap.
        """
        mark = mirroring(self._root, self._study)
        with suppress(OSError):  # a ledger that nobody can write to has no runs to miss
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        self._queue.put([])

    def run_ended(self, cell: LedgerCell, replicate: int) -> None:
        """Hand over one run whose entry in the ledger is complete; returns at once."""
        self._queue.put([(cell, replicate)])

    def close(self, timeout: float = 60.0) -> str | None:
        """Wait until all is mirrored and closed, for as long as it goes on.

        Returns one sentence where MLflow is not up to date, else None: after `timeout` seconds
        in which not one run was mirrored.
        """
        self._queue.put(None)
        before = -1
        while self._thread.is_alive() and self._mirrored > before:
            before = self._mirrored
            self._thread.join(timeout)
        if self._thread.is_alive() and self.problem is None:
            self.problem = (
                f"MLflow is not reachable: no answer within {timeout:g} s; "
                "`ablate sync` brings it up to date."
            )
        return self.problem

    def _work(self) -> None:
        try:
            self._mirror()
        except Exception as error:  # whatever MLflow raises, the sweep goes on
            self.problem = not_mirrored(error)

    def _mirror(self) -> None:
        job = self._queue.get()
        if job is None:
            return  # nothing was trained: MLflow is not even imported
        store = open_store(self._root, self._study, self._question)
        # By both keys: two cells of a control (A/A) have runs with equal keys.
        earlier = defaultdict(list)
        for run in all_runs(store, "tags.`ablate.kind` = 'replicate'"):
            earlier[run.data.tags.get("ablate.cell"), run.data.tags["ablate.key"]].append(run)
        parents: dict[str, str] = {}
        ended: dict[str, dict[int, Finished]] = defaultdict(dict)
        unfinished: dict[str, LedgerCell] = {}
        while job is not None:
            for cell, replicate in job:
                directory = run_directory(self._root, self._study, cell.slug, replicate)
                result = read_result(directory)
                if result is None:
                    continue  # it failed, and even that could not be written
                # A failed run that was tried again has the key of its first attempt.
                for run in earlier.pop((cell.key, result.key), []):
                    store.client.delete_run(run.info.run_id)
                if cell.key not in parents:
                    parents[cell.key] = start_cell(store, cell)
                mirror_run(store, cell, replicate, result, parents[cell.key])
                self._mirrored += 1
                # Of a cell that goes on to the next look more replicates are asked for.
                unfinished[cell.key] = cell
                there = ended[cell.key]
                there[replicate] = replicate, directory, result
                if len(there) == cell.replicates:
                    finish_cell(store, cell, parents[cell.key], list(there.values()))
                    del unfinished[cell.key]
            job = self._queue.get()
        for cell in unfinished.values():  # with the runs of earlier sweeps, or not all of them
            whole = list(finished(self._root, self._study, cell))
            finish_cell(store, cell, parents[cell.key], whole)
        mirroring(self._root, self._study).unlink(missing_ok=True)


def mirroring(root: Path, study: str) -> Path:
    """Return the file that is there where a mirror of the study has begun and not ended.

    A process that is killed leaves runs of MLflow open; nobody else will close them.
    """
    return root / "runs" / study / ".mirroring"


def not_mirrored(error: Exception) -> str:
    """Return the one sentence that says what went wrong in MLflow and what to do about it."""
    if isinstance(error, AblateError):
        return masked(str(error))
    line = (str(error).strip().splitlines() or [""])[0]
    reason = f"{type(error).__name__}: {masked(line)[:200].rstrip('.')}"
    advice = "`ablate sync` brings it up to date"
    # MLflow's own words where a server gives no answer at all. Errors of requests have no number.
    answers_not = isinstance(error, OSError) and (error.errno is None or not error.filename)
    if answers_not or "failed with exception" in str(error):
        return f"MLflow is not reachable: {reason}; {advice}."
    return f"MLflow did not take all runs, which the ledger has: {reason}; {advice}."
