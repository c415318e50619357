"""`lora_python`: this project, or the package of the same name from PyPI. Each runs in a process of its own."""

from typing import Any, Dict, List, Optional, Sequence

from base import Clock, Engine, load_by_unwind


class LoraEngine(Engine):
    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        import lora_python

        self._package = lora_python
        make = getattr(lora_python.Database, "create", lora_python.Database)
        if directory is None:
            self._db = make()
        else:
            self._db = make("peers", dict({"database_dir": directory}, **options))

    def version(self) -> str:
        return str(getattr(self._package, "__version__", "?"))

    def facts(self) -> Dict[str, Any]:
        stats = getattr(self._db, "stats", None)
        if stats is None:
            return {}
        found = stats()
        return {key: found[key] for key in ("engine", "engine_assertions") if key in found}

    def execute(self, text: str, params: Dict[str, Any]) -> Sequence[Any]:
        rows: List[Any] = self._db.execute(text, params)["rows"]
        return rows

    def load(self, data: str, clock: Clock) -> str:
        with clock("nodes"):
            self.execute("CREATE CONSTRAINT person_id FOR (p:Person) REQUIRE p.id IS UNIQUE", {})
        load_by_unwind(self, data, clock)
        return "UNWIND $rows"

    def close(self) -> None:
        self._db.close()
