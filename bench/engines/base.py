"""What an engine must offer, and loading helpers."""

import os
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

PERSON_KEYS = ("id", "name", "age", "city", "created", "score")
BATCH = 10_000
BY_ROWS = "UNWIND $rows"


class TooSlow(Exception):
    """Loading passed its time box."""


class Engine:
    """One database of one engine. A subclass has a module of its own and imports the engine's package in `__init__`."""

    dialect = "cypher"

    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        """Opens a database in `directory`, or in memory."""
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def facts(self) -> Dict[str, Any]:
        """What else the report should say about the engine."""
        return {}

    def execute(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        """Runs a query and fetches all its rows as Python values, in the shape the engine's package gives."""
        raise NotImplementedError

    def execute_once(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        """The same for a text that will not come again."""
        return self.execute(text, params)

    def rows(self, result: Sequence[Any]) -> List[List[Any]]:
        """What `execute` gave, as lists of values."""
        return [list(row.values()) for row in result]

    def prepare(self) -> None:
        """Makes the schema, and what finds a person by id, in an empty database."""
        raise NotImplementedError

    def load_by_rows(self, data: str, clock: "Clock") -> str:
        """Loads persons.csv and knows.csv of the folder `data` with UNWIND, which every Cypher engine has.

        Like `load`, it names the way. Only the engine's work is timed, by `clock`.
        """
        with clock("nodes"):
            self.prepare()
        load_by_unwind(self, data, clock)
        return BY_ROWS

    def load(self, data: str, clock: "Clock") -> str:
        """The same in the engine's fastest documented way from files (dataset.py describes those in the folder)."""
        return self.load_by_rows(data, clock)

    def compact(self) -> bool:
        """Makes the files on disk as small as they get; False if the engine has no call for it."""
        return False

    def close(self) -> None:
        raise NotImplementedError

    def processes(self) -> List[int]:
        """Ids of processes that the engine started."""
        return []


class Clock:
    """Times parts of the load: "nodes" and "edges", or "total" where they are one; raises TooSlow past the time box."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.seconds: Dict[str, float] = {}
        self._part = ""
        self._start = 0.0

    def __call__(self, part: str) -> "Clock":
        self._part = part
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = time.perf_counter() - self._start
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + spent
        if sum(self.seconds.values()) > self.limit:
            raise TooSlow("loading took more than %d s" % self.limit)


def person_batches(data: str, size: int = BATCH) -> Iterator[List[Dict[str, Any]]]:
    batch = []
    with open(os.path.join(data, "persons.csv"), encoding="ascii") as lines:
        for line in lines:
            key, name, age, city, created, score = line.rstrip("\n").split(",")
            values = (int(key), name, int(age), city, int(created), float(score))
            batch.append(dict(zip(PERSON_KEYS, values)))
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def knows_batches(data: str, size: int = BATCH) -> Iterator[List[Tuple[int, int, int]]]:
    batch = []
    with open(os.path.join(data, "knows.csv"), encoding="ascii") as lines:
        for line in lines:
            source, target, since = line.split(",")
            batch.append((int(source), int(target), int(since)))
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def load_by_unwind(engine: Engine, data: str, clock: Clock) -> None:
    persons = (
        "UNWIND $rows AS r CREATE (:Person {id: r.id, name: r.name, age: r.age, city: r.city, created: r.created, "
        "score: r.score})"
    )
    for people in person_batches(data):
        with clock("nodes"):
            engine.execute(persons, {"rows": people})
    knows = (
        "UNWIND $rows AS r MATCH (a:Person {id: r.a}) MATCH (b:Person {id: r.b}) CREATE (a)-[:KNOWS {since: r.s}]->(b)"
    )
    for edges in knows_batches(data):
        rows = [{"a": a, "b": b, "s": s} for a, b, s in edges]
        with clock("edges"):
            engine.execute(knows, {"rows": rows})
