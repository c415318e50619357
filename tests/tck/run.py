"""Runs the openCypher TCK's feature files against ``lora_python``.

    python tests/tck/run.py --features DIR [--only TEXT] [--failures]

Scenarios run in processes of their own, so that a crash or an endless query fails one scenario and not the run.
Exit status: 0 when all is as the lists beside this file say, 1 when not, 2 when nothing could be run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Dict, List, Optional

from features import FeatureError, Scenario, load_features
from scenario import FAILED, PASSED, SKIPPED, Outcome, run_scenario

HERE = Path(__file__).resolve().parent
POLL_S = 0.2
START_S = 30.0  # more time for the first scenario of a process, which waits for the interpreter


def work(connection: Connection, graphs: Path, check_detail: bool) -> None:
    """The body of a worker process: a scenario in, an outcome out, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            scenario = connection.recv()
        except EOFError:
            return
        connection.send(run_scenario(scenario, graphs, check_detail))


class Worker:
    """A process that runs one scenario at a time."""

    def __init__(self, graphs: Path, check_detail: bool, timeout_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, graphs, check_detail), daemon=True)
        self.process.start()
        other.close()
        self.timeout_s = timeout_s
        self.scenario: Optional[Scenario] = None
        self.start_s = START_S
        self.deadline = 0.0

    def start(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.deadline = time.monotonic() + self.timeout_s + self.start_s
        self.start_s = 0.0
        try:
            self.connection.send(scenario)
        except OSError:  # the process is gone; `finish` will see it
            pass

    def finish(self) -> Optional[Outcome]:
        """The outcome when there is one. Afterwards `alive` says whether the process can go on."""
        try:
            if self.connection.poll():
                return self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            return broken("the process died with status %s" % self.process.exitcode)
        if time.monotonic() > self.deadline:
            self.stop()
            return broken("no answer within %g s" % self.timeout_s)
        return None

    def stop(self) -> None:
        self.connection.close()
        self.process.join(1)
        self.process.kill()
        self.process.join()

    @property
    def alive(self) -> bool:
        return not self.connection.closed


def broken(problem: str) -> Outcome:
    return Outcome(verdict=FAILED, problems=[problem])


def run_all(scenarios: List[Scenario], graphs: Path, options: argparse.Namespace) -> List[Outcome]:
    """Runs scenarios in ``options.jobs`` processes; outcomes in the scenarios' order."""
    outcomes: Dict[str, Outcome] = {}
    waiting = list(reversed(scenarios))
    workers: List[Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < options.jobs:
                workers.append(Worker(graphs, options.check_detail, options.timeout))
                workers[-1].start(waiting.pop())
            wait([worker.connection for worker in workers], POLL_S)
            for worker in list(workers):
                outcome = worker.finish()
                if outcome is None:
                    continue
                outcomes[worker.scenario.id] = outcome
                if worker.alive and waiting:
                    worker.start(waiting.pop())
                    continue
                if worker.alive:
                    worker.stop()
                workers.remove(worker)
    finally:
        for worker in workers:
            worker.process.kill()
    return [outcomes[scenario.id] for scenario in scenarios]


def read_list(path: Path) -> List[str]:
    """The lines of a file that are neither empty nor a comment."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def verdicts(
    scenarios: List[Scenario], outcomes: List[Outcome], options: argparse.Namespace
) -> tuple[Counter[str], List[str]]:
    """Counts, and what is not as the lists want it. A failure that is listed counts as skipped."""
    known = set(read_list(options.known_failures))
    counts: Counter[str] = Counter()
    complaints = []
    for scenario, outcome in zip(scenarios, outcomes):
        listed = scenario.id in known
        if listed and outcome.verdict == FAILED:
            counts[SKIPPED] += 1
        elif listed and outcome.verdict == PASSED:
            counts[FAILED] += 1
            complaints.append("PASSES though listed in %s: %s" % (options.known_failures.name, scenario.id))
        else:
            counts[outcome.verdict] += 1
            if outcome.verdict == FAILED:
                complaints.append("FAILED: " + scenario.id)
    if not options.only:
        complaints.extend("LISTED but no scenario: " + name for name in sorted(known - {s.id for s in scenarios}))
        wanted = int(read_list(options.passes)[0])
        passed = sum(outcome.verdict == PASSED for outcome in outcomes)
        if passed < wanted:
            complaints.append("TOO FEW passes: %d, %s wants %d" % (passed, options.passes.name, wanted))
        elif passed > wanted:
            print("%d scenarios pass, more than the %d of %s: raise it" % (passed, wanted, options.passes.name))
    return counts, complaints


def describe(scenario: Scenario, outcome: Outcome) -> str:
    lines = ["=== %s (line %d)" % (scenario.id, scenario.line)]
    for query in outcome.queries:
        lines += ["    " + line for line in query.splitlines()] + ["    ;"]
    return "\n".join(lines + outcome.problems) + "\n"


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True, metavar="DIR", help="named graphs: DIR/../graphs")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="append `passed failed skipped`")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--only", action="append", metavar="TEXT", help="scenarios whose id has it (repeatable)")
    parser.add_argument("--failures", action="store_true", help="print each failure with its queries and differences")
    parser.add_argument("--list", action="store_true", help="print ids, run nothing")
    parser.add_argument("--check-detail", action="store_true", help="an error's detail must be right, too")
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="for a scenario (default 30)")
    parser.add_argument("--known-failures", type=Path, default=HERE / "known_failures.txt", metavar="FILE")
    parser.add_argument("--passes", type=Path, default=HERE / "passes.txt", metavar="FILE")
    return parser.parse_args(arguments)


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    options.jobs = max(1, options.jobs)
    try:
        scenarios = load_features(options.features)
    except (FeatureError, OSError, UnicodeDecodeError) as error:
        print("tck: %s" % error, file=sys.stderr)
        return 2
    if options.only:
        scenarios = [scenario for scenario in scenarios if any(text in scenario.id for text in options.only)]
    if not scenarios:
        print("tck: no scenario in `%s` is selected" % options.features, file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(scenario.id for scenario in scenarios))
        return 0
    started = time.monotonic()
    outcomes = run_all(scenarios, options.features.resolve().parent / "graphs", options)
    for scenario, outcome in zip(scenarios, outcomes):
        if options.failures and outcome.verdict == FAILED:
            print(describe(scenario, outcome))
        elif options.failures and outcome.other_detail:
            print("--- %s\n%s\n" % (scenario.id, outcome.other_detail))
    counts, complaints = verdicts(scenarios, outcomes, options)
    for complaint in complaints:
        print(complaint)
    totals = (counts[PASSED], counts[FAILED], counts[SKIPPED])
    details = sum(bool(outcome.other_detail) for outcome in outcomes)
    print("TCK: %d passed, %d failed, %d skipped" % totals, end="")
    print("; %d errors with another detail; %.1f s" % (details, time.monotonic() - started))
    if options.counts:
        with options.counts.open("a", encoding="utf-8") as file:
            file.write("%d %d %d\n" % totals)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
