"""`kuzu`, and its successor `ladybug` (once `real_ladybug`), which have the same interface."""

import importlib
import os
import warnings
from decimal import Decimal
from typing import Any, Dict, List, Optional, Sequence

from base import Clock, Engine


class KuzuEngine(Engine):
    dialect = "kuzu"

    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        warnings.simplefilter("ignore", DeprecationWarning)  # prepare() is the faster way still
        self._package = importlib.import_module(options["module"])
        path = ":memory:" if directory is None else os.path.join(directory, "peers")
        self._db = self._package.Database(path)
        self._connection = self._package.Connection(self._db, num_threads=options.get("threads") or 0)
        self._prepared: Dict[str, Any] = {}

    def version(self) -> str:
        return str(self._package.__version__)

    def execute(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        statement = self._prepared.get(text)
        if statement is None:
            statement = self._prepared[text] = self._connection.prepare(text, params)
        result = self._connection.execute(statement, params)
        rows: List[Any] = result.get_all()
        result.close()
        return rows

    def execute_once(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        result = self._connection.execute(text, params)
        rows: List[Any] = result.get_all()
        result.close()
        return rows

    def rows(self, result: Sequence[Any]) -> List[List[Any]]:
        # A sum of integers comes as Decimal: the value is right, the type is theirs.
        return [[int(value) if isinstance(value, Decimal) else value for value in row] for row in result]

    def prepare(self) -> None:
        self._connection.execute(
            "CREATE NODE TABLE Person(id INT64, name STRING, age INT64, city STRING, created INT64, score DOUBLE, "
            "PRIMARY KEY(id))"
        )
        self._connection.execute("CREATE REL TABLE KNOWS(FROM Person TO Person, since INT64)")

    def load(self, data: str, clock: Clock) -> str:
        with clock("nodes"):
            self.prepare()
            self._connection.execute("COPY Person FROM '%s'" % os.path.join(data, "persons.csv"))
        with clock("edges"):
            self._connection.execute("COPY KNOWS FROM '%s'" % os.path.join(data, "knows.csv"))
        return "COPY FROM csv"

    def close(self) -> None:
        self._prepared.clear()
        self._connection.close()
        self._db.close()
