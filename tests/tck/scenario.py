"""Runs one scenario on a fresh database in memory and says whether the engine did what it asks for.

Side effects: all nodes and relationships are read before and after the query, and the difference is counted: nodes and
relationships by id, labels as the set of those in use, properties as (entity, key, value). What a scenario does not
mention must not happen, and a query that fails must not have changed anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Set, Tuple

from features import Scenario, Step
from lora_python import Database, LoraError
from values import Comparison, Node, NotationError, Relationship, from_engine, parse_value, show

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
COUNTED = ("nodes", "relationships", "labels", "properties")
ROWS_SHOWN = 10


@dataclass
class Outcome:
    """What became of a scenario; texts only, so that it can travel between processes."""

    verdict: str = PASSED
    reason: str = ""  # of a skip
    problems: List[str] = field(default_factory=list)
    other_detail: str = ""  # the error was right but for its detail
    queries: List[str] = field(default_factory=list)


class Skip(Exception):
    """The scenario needs something that the engine does not offer."""


class Stop(Exception):
    """The scenario has failed in a way that leaves nothing to check."""


def run_scenario(scenario: Scenario, graphs: Path, check_detail: bool = False) -> Outcome:
    run = Run(graphs, check_detail)
    try:
        if "@ignore" in scenario.tags:
            raise Skip("@ignore")
        for step in scenario.steps:
            run.step(step)
        if run.answer is None:
            run.problem(scenario.line, "the scenario runs no query")
    except Skip as skip:
        run.outcome.verdict, run.outcome.reason = SKIPPED, str(skip)
    except Stop:
        pass
    except NotationError as error:
        run.problem(step.line, str(error))
    finally:
        run.database.close()
    return run.outcome


@dataclass
class Answer:
    """What a query gave: columns and rows, or an error."""

    columns: List[str] = field(default_factory=list)
    rows: List[List[Any]] = field(default_factory=list)
    error: Optional[Exception] = None
    reported: bool = False


class Graph:
    """All entities of a database at one moment."""

    def __init__(self, entities: List[Any]) -> None:
        self.nodes: Set[Any] = set()
        self.relationships: Set[Any] = set()
        self.labels: Set[str] = set()
        self.properties: Set[Tuple[str, Any, str, str]] = set()
        for entity in entities:
            if isinstance(entity, Node):
                self.nodes.add(entity.id)
                self.labels |= entity.labels
            else:
                self.relationships.add(entity.id)
            for key, value in entity.properties.items():
                self.properties.add((type(entity).__name__, entity.id, key, show(value)))

    def changes(self, after: Graph) -> Dict[str, int]:
        counts = {}
        for name in COUNTED:
            old, new = getattr(self, name), getattr(after, name)
            counts["+" + name] = len(new - old)
            counts["-" + name] = len(old - new)
        return counts


class Run:
    """The state of a running scenario."""

    def __init__(self, graphs: Path, check_detail: bool) -> None:
        self.outcome = Outcome()
        self.database = Database()
        self.graphs = graphs
        self.check_detail = check_detail
        self.params: Dict[str, Any] = {}
        self.answer: Optional[Answer] = None  # of the query that ran last
        self.subject: Optional[Answer] = None  # of the last query that is no control query
        self.before = self.after = Graph([])  # around the subject

    def problem(self, line: int, text: str) -> None:
        self.outcome.verdict = FAILED
        self.outcome.problems.append("line %d: %s" % (line, text))

    def step(self, step: Step) -> None:
        for pattern, method in STEPS:
            match = pattern.fullmatch(step.text)
            if match:
                return method(self, step, *match.groups())
        self.problem(step.line, "unknown step `%s`" % step.text)
        raise Stop

    # --- given ---

    def empty_graph(self, step: Step) -> None:
        """Each scenario starts with an empty database."""

    def named_graph(self, step: Step, name: str) -> None:
        folder = self.graphs / name
        try:
            scripts = json.loads((folder / (name + ".json")).read_text("utf-8"))["scripts"]
            texts = [(folder / (script + ".cypher")).read_text("utf-8") for script in scripts]
        except (OSError, ValueError, KeyError) as error:
            self.problem(step.line, "graph `%s` cannot be read: %s" % (name, error))
            raise Stop from None
        for text in texts:
            for query in text.split(";"):
                if query.strip():
                    self.set_up(step, query)

    def having_executed(self, step: Step) -> None:
        self.set_up(step, step.doc or "")

    def set_up(self, step: Step, query: str) -> None:
        answer = self.execute(query)
        if answer.error is not None:
            self.problem(step.line, "set-up failed: " + show_error(answer.error))
            raise Stop

    def parameters(self, step: Step) -> None:
        self.params.update((name, parse_value(text)) for name, text in step.table or [])

    def procedure(self, step: Step, signature: str) -> None:
        table = step.table or [[]]
        self.database.register_procedure(
            signature, table[0], [[parse_value(cell) for cell in row] for row in table[1:]]
        )

    # --- when ---

    def query(self, step: Step) -> None:
        self.before = self.read_graph(step)
        self.answer = self.subject = self.execute(step.doc or "")
        self.after = self.read_graph(step)

    def control_query(self, step: Step) -> None:
        self.answer = self.execute(step.doc or "")

    def execute(self, query: str) -> Answer:
        self.outcome.queries.append(query)
        return self.ask(query, self.params)

    def ask(self, query: str, params: Optional[Mapping[str, Any]] = None) -> Answer:
        try:
            result = self.database.execute(query, params)
            columns = list(result["columns"])
            return Answer(columns, [[from_engine(row[name]) for name in columns] for row in result["rows"]])
        except Exception as error:  # of any class: the step that follows judges it
            return Answer(error=error)

    def read_graph(self, step: Step) -> Graph:
        if not self.outcome.queries:
            return Graph([])
        entities = []
        for query, kind in (("MATCH (n) RETURN n", Node), ("MATCH ()-[r]->() RETURN r", Relationship)):
            answer = self.ask(query)
            entities += [row[0] for row in answer.rows]
            if answer.error is not None or not all(isinstance(row[0], kind) for row in answer.rows):
                self.problem(step.line, "the graph cannot be read by `%s`" % query)
                raise Stop
        return Graph(entities)

    # --- then ---

    def answered(self, step: Step) -> Answer:
        if self.answer is None:
            self.problem(step.line, "no query was run")
            raise Stop
        return self.answer

    def succeeded(self, step: Step, answer: Answer) -> bool:
        if answer.error is not None and not answer.reported:
            answer.reported = True
            self.problem(step.line, "unexpected error: " + show_error(answer.error))
        return answer.error is None

    def empty_result(self, step: Step) -> None:
        answer = self.answered(step)
        if self.succeeded(step, answer) and answer.rows:
            self.problem(step.line, "no rows expected, but got\n" + show_rows(answer))

    def result(self, step: Step, order: Optional[str], lists: Optional[str]) -> None:
        answer = self.answered(step)
        if not step.table:
            raise NotationError("the step has no table")
        header = step.table[0]
        expected = [[parse_value(cell) for cell in row] for row in step.table[1:]]
        if not self.succeeded(step, answer):
            return
        if answer.columns != header:
            self.problem(step.line, "columns %s expected, but got %s" % (show(header), show(answer.columns)))
            return
        comparison = Comparison(bags=lists is not None)
        if comparison.rows_equal(expected, answer.rows):
            return
        missing, unexpected = comparison.unmatched_rows(expected, answer.rows)
        if missing or unexpected:
            lines = ["- " + show_row(expected[i]) for i in missing[:ROWS_SHOWN]]
            lines += ["+ " + show_row(answer.rows[i]) for i in unexpected[:ROWS_SHOWN]]
            text = "%d rows expected, but got %d (- missing, + not expected)\n  %s"
            self.problem(step.line, text % (len(expected), len(answer.rows), "\n  ".join(lines)))
        elif order == "in order":
            self.problem(step.line, "the right rows in another order:\n" + show_rows(answer))

    def no_side_effects(self, step: Step) -> None:
        self.check_changes(step, {})

    def side_effects(self, step: Step) -> None:
        counts = dict((name, int(count)) for name, count in step.table or [])
        unknown = [name for name in counts if name[1:] not in COUNTED or name[0] not in "+-"]
        if unknown:
            raise NotationError("unknown side effect `%s`" % unknown[0])
        self.check_changes(step, counts)

    def check_changes(self, step: Step, counts: Dict[str, int]) -> None:
        self.answered(step)
        if self.subject is None or not self.succeeded(step, self.subject):
            return
        for name, count in self.before.changes(self.after).items():
            if count != counts.get(name, 0):
                self.problem(step.line, "side effect %s: %d expected, but got %d" % (name, counts.get(name, 0), count))

    def raised(self, step: Step, kind: str, phase: str, detail: str) -> None:
        answer = self.answered(step)
        error = answer.error
        wanted = "%s at %s: %s" % (kind, phase, detail)
        if error is None:
            self.problem(step.line, "%s expected, but got\n%s" % (wanted, show_rows(answer)))
            return
        answer.reported = True
        got_kind, got_phase, got_detail = (getattr(error, name, None) for name in ("type", "phase", "detail"))
        right_phase = got_phase == phase or (phase == "any time" and got_phase in ("compile time", "runtime"))
        if not isinstance(error, LoraError) or got_kind != kind or not right_phase:
            self.problem(step.line, "%s expected, but got %s" % (wanted, show_error(error)))
        elif detail not in ("*", got_detail):
            self.outcome.other_detail = "line %d: %s expected, but got %s" % (step.line, wanted, show_error(error))
            if self.check_detail:
                self.problem(step.line, "%s expected, but got %s" % (wanted, show_error(error)))
        if answer is self.subject:
            done = ["%s %d" % change for change in self.before.changes(self.after).items() if change[1]]
            if done:
                self.problem(step.line, "the query failed but changed the graph: " + ", ".join(done))


STEPS: List[Tuple[Pattern[str], Callable[..., None]]] = [
    (re.compile(pattern), method)
    for pattern, method in (
        (r"(?:an empty|any) graph", Run.empty_graph),
        (r"the ([\w-]+) graph", Run.named_graph),
        (r"(?:after )?having executed:", Run.having_executed),
        (r"parameters are:|parameter values are:", Run.parameters),
        (r"there exists a procedure (.*):", Run.procedure),
        (r"executing query:", Run.query),
        (r"executing control query:", Run.control_query),
        (r"the result should be empty", Run.empty_result),
        (
            r"the result should be(?:, (in order|in any order))?( \(ignoring element order for lists\))?:",
            Run.result,
        ),
        (r"no side effects", Run.no_side_effects),
        (r"the side effects should be:", Run.side_effects),
        (r"an? (\w+) should be raised at (compile time|runtime|any time): ?(.*)", Run.raised),
    )
]


def show_row(row: List[Any]) -> str:
    return "| %s |" % " | ".join(map(show, row))


def show_rows(answer: Answer) -> str:
    lines = ["| %s |" % " | ".join(answer.columns)] + [show_row(row) for row in answer.rows[:ROWS_SHOWN]]
    if len(answer.rows) > ROWS_SHOWN:
        lines.append("and %d more" % (len(answer.rows) - ROWS_SHOWN))
    return "\n".join("  " + line for line in lines)


def show_error(error: Exception) -> str:
    words = [str(getattr(error, name, None)) for name in ("type", "phase", "detail")]
    return "%s (%s): %s" % (type(error).__name__, ", ".join(words), error)
