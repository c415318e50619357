"""What the package offers: names, members, signatures, representations."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any, Dict

import lora_python
import pytest
from lora_python import AsyncDatabase, Database, QueryStream, Transaction, aio

NAMES = {
    "classes": "Database AsyncDatabase Transaction QueryStream QueryResult",
    "exceptions": "LoraError LoraQueryError InvalidParamsError",
    "constructors": "date time localtime datetime localdatetime duration cartesian cartesian_3d wgs84 wgs84_3d vector "
    "binary",
    "guards": "is_node is_relationship is_path is_point is_temporal is_vector is_binary",
    "types": "LoraValue LoraParam LoraParams LoraNode LoraRelationship LoraPath LoraDate LoraTime LoraLocalTime "
    "LoraDateTime LoraLocalDateTime LoraDuration LoraTemporal LoraPoint LoraVector LoraBinary SnapshotMeta",
    "version": "__version__",
}
MEMBERS = {
    "execute": "(query, params=None, *, timeout=None)",
    "stream": "(query, params=None)",
    "transaction": "(statements, mode='read_write')",
    "begin": "(mode='read_write', *, timeout=None)",
    "explain": "(query, params=None)",
    "profile": "(query, params=None)",
    "save_snapshot": "(target=None, format=None, options=None)",
    "load_snapshot": "(source, format=None, options=None)",
    "import_csv": "(nodes=None, relationships=None, *, separator=',', list_separator=';', skip_dangling=False)",
    "create": "(database_name=None, options=None)",
    "register_function": "(signature, function, *, deterministic=False, description=None)",
    "register_procedure": "(signature, source, rows=None, *, description=None)",
    "unregister_function": "(name)",
    "unregister_procedure": "(name)",
    "clear": "()",
    "close": "()",
    "interrupt": "()",
    "sync": "()",
    "checkpoint": "(compact=False)",
    "verify": "(level='full')",
    "stats": "()",
    "node_count": "property",
    "relationship_count": "property",
}


def shape(owner: type, name: str) -> str:
    member = inspect.getattr_static(owner, name)
    if isinstance(member, property):
        return "property"
    signature = inspect.signature(getattr(owner, name))
    plain = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    ]
    return str(inspect.Signature(plain))


def public(owner: type) -> Dict[str, str]:
    return {name: shape(owner, name) for name in dir(owner) if not name.startswith("_")}


def test_all_names_are_there_and_no_others() -> None:
    wanted = {name for names in NAMES.values() for name in names.split()}
    assert set(lora_python.__all__) == wanted
    assert sorted(lora_python.__all__) == lora_python.__all__
    for name in wanted:
        assert getattr(lora_python, name) is not None
    namespace: Dict[str, Any] = {}
    exec("from lora_python import *", namespace)
    assert wanted <= set(namespace)
    with pytest.raises(AttributeError, match="nothing"):
        lora_python.nothing  # noqa: B018


def test_members_of_database() -> None:
    assert public(Database) == MEMBERS


def test_async_database_has_the_same_surface() -> None:
    assert public(AsyncDatabase) == public(Database)
    assert str(inspect.signature(AsyncDatabase)) == str(inspect.signature(Database))
    for name, kind in MEMBERS.items():
        if kind != "property" and name not in ("stream", "begin"):
            assert inspect.iscoroutinefunction(getattr(AsyncDatabase, name)), name
    for sync, asynchronous in (
        (Transaction, aio.AsyncTransaction),
        (QueryStream, aio.AsyncQueryStream),
    ):
        missing = set(public(sync)) - set(public(asynchronous))
        assert missing == set()
    for sync, asynchronous in ((Database, AsyncDatabase), (Transaction, aio.AsyncTransaction)):
        assert hasattr(sync, "__enter__") and hasattr(sync, "__exit__")
        assert hasattr(asynchronous, "__aenter__") and hasattr(asynchronous, "__aexit__")


@pytest.mark.parametrize("owner", [Database, AsyncDatabase, Transaction, QueryStream])
def test_everything_public_is_documented(owner: type) -> None:
    for name in public(owner):
        assert inspect.getdoc(getattr(owner, name)), name
    assert inspect.getdoc(owner)
    for name in lora_python.__all__:
        thing = getattr(lora_python, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name


@pytest.mark.parametrize(
    "owner", [Database, AsyncDatabase, Transaction, QueryStream, aio.AsyncTransaction, aio.AsyncQueryStream]
)
def test_every_public_member_has_an_example(owner: type) -> None:
    for name in public(owner):
        assert ">>> " in str(inspect.getdoc(getattr(owner, name))), name
    for name in NAMES["constructors"].split() + NAMES["guards"].split():
        assert ">>> " in str(inspect.getdoc(getattr(lora_python, name))), name


def test_annotations_can_be_evaluated() -> None:
    for name in NAMES["constructors"].split():
        assert typing.get_type_hints(getattr(lora_python, name))["return"] is not None
    for name, kind in MEMBERS.items():
        if kind != "property":
            typing.get_type_hints(getattr(Database, name))


def test_repr(memory: Database) -> None:
    assert repr(memory) == "<lora_python.Database nodes=0 relationships=0>"
    memory.execute("CREATE (:A)-[:R]->(:B), (:C)")
    assert repr(memory) == "<lora_python.Database nodes=3 relationships=1>"
    memory.close()
    assert repr(memory) == "<lora_python.Database closed>"


def test_subclasses_work() -> None:
    class Mine(Database):
        def people(self) -> int:
            return int(self.execute("MATCH (p:P) RETURN count(p) AS c")["rows"][0]["c"])

    with Mine.create() as db:
        assert type(db) is Mine
        db.execute("CREATE (:P)")
        assert db.people() == 1
        assert repr(db) == "<lora_python.Mine nodes=1 relationships=0>"


def test_exact_keys_of_snapshot_meta(memory: Database, tmp_path: Path) -> None:
    meta = memory.save_snapshot(tmp_path / "s.bin")
    assert meta == {"formatVersion": 1, "nodeCount": 0, "relationshipCount": 0, "walLsn": None}


def test_wrong_levels(memory: Database) -> None:
    for level in ("deep", None, 5):
        with pytest.raises(lora_python.InvalidParamsError):
            memory.verify(level)  # type: ignore[arg-type]


def test_compact_must_be_a_boolean(memory: Database) -> None:
    for compact in ("yes", 1, None):
        with pytest.raises(lora_python.InvalidParamsError, match="compact must be True or False"):
            memory.checkpoint(compact)  # type: ignore[arg-type]


def test_importing_does_not_import_asyncio() -> None:
    code = "import sys, lora_python; print(sorted({'asyncio', 'dataclasses', 'json', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_native_objects_cannot_be_made_by_hand() -> None:
    from lora_python import _native

    for kind in (_native.Database, _native.Stream, _native.Transaction):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            kind.__new__(kind)
        with pytest.raises(TypeError):
            object.__new__(kind)


def test_handles_cannot_be_copied_or_pickled(memory: Database) -> None:
    for handle in (memory, memory.begin("ro"), memory.stream("RETURN 1 AS x"), AsyncDatabase()):
        for call in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot"):
                call(handle)


def test_execute_takes_its_arguments_as_it_says() -> None:
    db = Database()
    assert db.execute(query="RETURN $a AS a", params={"a": 1})["rows"] == [{"a": 1}]
    assert db.execute("RETURN $a AS a", params={"a": 1}, timeout=5)["rows"] == [{"a": 1}]
    assert Database.execute(db, "RETURN 1 AS a", None, timeout=None)["rows"] == [{"a": 1}]
    assert "InvalidParamsError" in (Database.execute.__doc__ or "")
    bad: Any = db.execute
    for call in (
        lambda: bad(),
        lambda: bad("RETURN 1", None, 5),
        lambda: bad("RETURN 1", query="RETURN 2"),
        lambda: bad("RETURN 1", {}, params={}),
        lambda: bad("RETURN 1", limit=1),
        lambda: bad(params={}),
        lambda: Database.execute("RETURN 1", "RETURN 1"),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(AttributeError):
        Database.__new__(Database).execute("RETURN 1")
    for other in (5, object(), db.begin()):
        twin = Database()
        twin._native = other  # type: ignore[assignment]
        with pytest.raises(AttributeError):
            twin.execute("RETURN 1")

    class Sub(Database):
        def execute(self, query: str, params: Any = None, *, timeout: Any = None) -> Any:
            return super().execute(query.replace("?", "1"), params, timeout=timeout)

    assert Sub().execute("RETURN ? AS a")["rows"] == [{"a": 1}]
    assert db.execute("RETURN 1 AS a")["rows"] == [{"a": 1}]
