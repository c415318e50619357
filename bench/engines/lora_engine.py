"""`lora_python`: this project, or the package of the same name from PyPI. Each runs in a process of its own."""

import os
import subprocess
from typing import Any, Dict, List, Optional, Sequence

from base import Clock, Engine

CONSTRAINT = "CREATE CONSTRAINT person_id FOR (p:Person) REQUIRE p.id IS UNIQUE"


class LoraEngine(Engine):
    """An option beside those of the package, given for this project alone: `importer`, the path of `lora-import`, empty
    if there is none.
    """

    def __init__(self, directory: Optional[str], options: Dict[str, Any]) -> None:
        import lora_python

        self._package = lora_python
        self._options = dict(options)
        self._directory = directory
        self._importer: Optional[str] = self._options.pop("importer", None)
        self._db = self._open()

    def _open(self) -> Any:
        make = getattr(self._package.Database, "create", self._package.Database)
        if self._directory is not None:
            return make("peers", dict({"database_dir": self._directory}, **self._options))
        return make(None, self._options) if self._options else make()

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

    def prepare(self) -> None:
        self.execute(CONSTRAINT, {})

    def load(self, data: str, clock: Clock) -> str:
        if self._importer is None:
            return self.load_by_rows(data, clock)
        if self._directory is None:  # builds to compare with may be older
            return self._import_into(data, clock) if hasattr(self._db, "import_csv") else self.load_by_rows(data, clock)
        if not self._importer:
            return self.load_by_rows(data, clock) + ", no lora-import"
        return self._import(data, clock)

    def _import_into(self, data: str, clock: Clock) -> str:
        """Both files and the constraint: one time for all of it."""
        with clock("total"):
            self._db.import_csv(
                {"Person": os.path.join(data, "persons_header.csv")},
                {"KNOWS": os.path.join(data, "knows_header.csv")},
            )
            self.prepare()
        return "import_csv"

    def _import(self, data: str, clock: Clock) -> str:
        """A new database from both files, opened, with the constraint: one time for all of it."""
        assert self._importer and self._directory
        self._db.close()
        command = [self._importer, os.path.join(self._directory, "peers")]
        command += ["--nodes", "Person=" + os.path.join(data, "persons_header.csv")]
        command += ["--relationships", "KNOWS=" + os.path.join(data, "knows_header.csv")]
        with clock("total"):
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if ended.returncode != 0:
                raise RuntimeError("lora-import: %s" % ended.stderr.decode(errors="replace").strip())
            self._db = self._open()
            self.prepare()
        return "lora-import"

    def compact(self) -> bool:
        if not hasattr(self._db, "checkpoint"):
            return False
        self._db.checkpoint(compact=True)
        return True

    def close(self) -> None:
        self._db.close()
