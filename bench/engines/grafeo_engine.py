"""`grafeo`."""

import os
from typing import Any, Dict, List, Optional, Sequence

from base import Clock, Engine, knows_batches, person_batches


class GrafeoEngine(Engine):
    dialect = "grafeo"

    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        import grafeo

        self._package = grafeo
        self._db = grafeo.GrafeoDB() if directory is None else grafeo.GrafeoDB(os.path.join(directory, "peers"))

    def version(self) -> str:
        return str(self._package.__version__)

    def execute(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        rows: List[Any] = self._db.execute_cypher(text, params).to_list()
        return rows

    def prepare(self) -> None:
        self._db.create_property_index("id")

    def load(self, data: str, clock: Clock) -> str:
        with clock("nodes"):
            self.prepare()
        ids: List[int] = []
        for people in person_batches(data):
            with clock("nodes"):
                ids += self._db.batch_create_nodes_with_props("Person", people)
        for edges in knows_batches(data):
            tuples = [(ids[a], ids[b], "KNOWS", {"since": since}) for a, b, since in edges]
            with clock("edges"):
                self._db.batch_create_edges(tuples)
        return "batch_create_*"

    def close(self) -> None:
        self._db.close()
