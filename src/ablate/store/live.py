"""Runs reach MLflow while the sweep goes on, from a thread that can never disturb it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ablate.errors import AblateError
from ablate.secrets import masked
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.held import has_others, unless_gone
from ablate.store.ledger import run_directory
from ablate.store.mirror import mirror_run
from ablate.store.parent import finish_cell, start_cell
from ablate.store.reader import Finished, finished
from ablate.store.result import read_result
from ablate.store.side_by_side import is_overload, side_by_side
from ablate.store.tracking import Store, all_runs, open_store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

#: Seconds until a store that could not be used is tried again.
_PAUSE = 30.0
#: Runs that MLflow had before, by the keys of cell and run: two cells of a control (A/A) have runs
#: with equal keys.
_Earlier = defaultdict[tuple[str | None, str], list["MlflowRun"]]


class LiveMirror:
    """A sink: a queue of ended runs and the thread that mirrors them.

    Whatever goes wrong disturbs no sweep: what it was is in `problem`, the runs wait, and the store
    is opened anew after half a minute. The ledger has everything that `ablate sync` needs.
    """

    def __init__(self, root: Path, study: str, question: str) -> None:
        self.problem: str | None = None
        self._root, self._study, self._question = root, study, question
        # Runs that ended, none where they are on their way; None at the end.
        self._queue: SimpleQueue[list[tuple[LedgerCell, int]] | None] = SimpleQueue()
        # The thread's own from here on: runs to be mirrored, and those that are.
        self._waiting: dict[tuple[str, int], LedgerCell] = {}
        self._ended: dict[str, dict[int, Finished]] = defaultdict(dict)
        self._unfinished: dict[str, LedgerCell] = {}
        self._closing, self._side_by_side = False, True
        self._progress: list[str] = []  # a word for each thing that is done
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

        Returns one sentence where MLflow is not up to date, else None: at once where the store
        was away when it was tried last, or after `timeout` seconds in which nothing was written.
        """
        self._queue.put(None)
        before = -1
        while self._thread.is_alive() and len(self._progress) > before:
            before = len(self._progress)
            self._thread.join(timeout)
        if self.hangs and self.problem is None:
            self.problem = (
                f"MLflow is not reachable: no answer within {timeout:g} s; "
                "`ablate sync` brings it up to date."
            )
        return self.problem

    @property
    def hangs(self) -> bool:
        """Tell whether a call is still under way, so that nobody else should write now."""
        return self._thread.is_alive()

    def _work(self) -> None:
        ended = self._queue.get()
        if ended is None:
            return  # nothing was trained: MLflow is not even imported
        self._receive(ended)
        while True:
            try:
                self._mirror()
                return
            except Exception as error:  # whatever MLflow raises, the sweep goes on
                if is_overload(error) and self._side_by_side:
                    self._side_by_side = False
                    continue
                self.problem = not_mirrored(error)
                if isinstance(error, LedgerError):
                    return  # what is in the ledger, no waiting changes
            until = time.monotonic() + _PAUSE
            while not self._closing and (left := until - time.monotonic()) > 0:
                self._take(left)
            if self._closing:
                return  # whoever sweeps brings MLflow up to the ledger now

    def _take(self, timeout: float | None) -> None:
        """Wait until runs have ended, and take all that have."""
        with suppress(Empty):
            while not self._closing:
                self._receive(self._queue.get(timeout=timeout))
                timeout = 0

    def _receive(self, ended: list[tuple[LedgerCell, int]] | None) -> None:
        self._closing = ended is None
        self._waiting |= {(cell.slug, replicate): cell for cell, replicate in ended or ()}

    def _mirror(self) -> None:
        """Mirror what waits and what comes, to the end; raises what MLflow raises."""
        store = open_store(self._root, self._study, self._question)
        if not self._side_by_side:
            store = replace(store, threads=1)
        self._progress.append(store.experiment_id)
        earlier: _Earlier = defaultdict(list)
        for run in all_runs(store, "tags.`ablate.kind` = 'replicate'"):
            earlier[run.data.tags.get("ablate.cell"), run.data.tags["ablate.key"]].append(run)
        self.problem = None
        parents: dict[str, str] = {}
        self._mirror_waiting(store, earlier, parents)
        while not self._closing:
            self._take(None)
            self._mirror_waiting(store, earlier, parents)
        # With the runs of earlier sweeps, or not all of them.
        for cell in list(self._unfinished.values()):
            whole = list(finished(self._root, self._study, cell))
            self._finish(store, cell, parents, whole)
        mirroring(self._root, self._study).unlink(missing_ok=True)

    def _mirror_waiting(self, store: Store, earlier: _Earlier, parents: dict[str, str]) -> None:
        calls = []
        for (slug, replicate), cell in list(self._waiting.items()):
            directory = run_directory(self._root, self._study, slug, replicate)
            result = read_result(directory)
            if result is None:  # it failed, and even that could not be written
                del self._waiting[slug, replicate]
                continue
            if cell.key not in parents:
                parents[cell.key] = start_cell(store, cell)
            # Of a cell that goes on to the next look more replicates are asked for.
            self._unfinished[cell.key] = cell
            before = earlier.pop((cell.key, result.key), [])
            run = replicate, directory, result
            calls.append(partial(self._mirror_one, store, cell, run, before, parents[cell.key]))
        side_by_side(calls, store.threads)
        for cell in list(self._unfinished.values()):
            there = self._ended[cell.key]
            if len(there) == cell.replicates:
                self._finish(store, cell, parents, list(there.values()))

    def _mirror_one(
        self, store: Store, cell: LedgerCell, run: Finished, before: list[MlflowRun], parent: str
    ) -> None:
        replicate, _, result = run
        # Another folder has trained the same: `sync` sees which of two stays.
        stands = any(_is_whole(one) and has_others(store, one) for one in before)
        for one in before:
            # A failed run that was tried again has the key of its first attempt.
            if not has_others(store, one):
                store.client.delete_run(one.info.run_id)
        if not stands:
            mirror_run(store, cell, replicate, result, parent)
        self._ended[cell.key][replicate] = run
        del self._waiting[cell.slug, replicate]
        self._progress.append(cell.slug)

    def _finish(
        self, store: Store, cell: LedgerCell, parents: dict[str, str], ended: list[Finished]
    ) -> None:
        if cell.key not in parents:
            parents[cell.key] = start_cell(store, cell)
        # Another folder may have made one of its own, and hung its runs and ours below that.
        unless_gone(lambda: finish_cell(store, cell, parents[cell.key], ended))
        del self._unfinished[cell.key]
        self._progress.append(cell.slug)


def _is_whole(run: MlflowRun) -> bool:
    return bool(run.info.status == "FINISHED")


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
