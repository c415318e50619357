"""LoraDB: an embedded property-graph database with Cypher, in memory or durable.

>>> from lora_python import Database
>>> db = Database()                     # in memory; Database("app", {"database_dir": "./data"}) is durable
>>> _ = db.execute("CREATE (:Person {name: 'Ada'})-[:KNOWS {since: 1833}]->(:Person {name: 'Charles'})")
>>> result = db.execute("MATCH (a:Person)-[k:KNOWS]->(b) WHERE a.name = $name RETURN b.name AS friend, k.since",
...                     {"name": "Ada"})
>>> result["columns"]
['friend', 'k.since']
>>> result["rows"]
[{'friend': 'Charles', 'k.since': 1833}]
>>> db.close()
"""

import threading as _threading
from typing import TYPE_CHECKING, Any

from . import _native
from .database import Database
from .errors import InvalidParamsError, LoraError, LoraQueryError
from .handles import QueryStream, Transaction
from .types import (
    LoraBinary,
    LoraDate,
    LoraDateTime,
    LoraDuration,
    LoraLocalDateTime,
    LoraLocalTime,
    LoraNode,
    LoraParam,
    LoraParams,
    LoraPath,
    LoraPoint,
    LoraRelationship,
    LoraTemporal,
    LoraTime,
    LoraValue,
    LoraVector,
    QueryResult,
    SnapshotMeta,
    binary,
    cartesian,
    cartesian_3d,
    date,
    datetime,
    duration,
    is_binary,
    is_node,
    is_path,
    is_point,
    is_relationship,
    is_temporal,
    is_vector,
    localdatetime,
    localtime,
    time,
    vector,
    wgs84,
    wgs84_3d,
)

if TYPE_CHECKING:
    from .aio import AsyncDatabase

__version__ = "0.1.0"

__all__ = [
    "AsyncDatabase",
    "Database",
    "InvalidParamsError",
    "LoraBinary",
    "LoraDate",
    "LoraDateTime",
    "LoraDuration",
    "LoraError",
    "LoraLocalDateTime",
    "LoraLocalTime",
    "LoraNode",
    "LoraParam",
    "LoraParams",
    "LoraPath",
    "LoraPoint",
    "LoraQueryError",
    "LoraRelationship",
    "LoraTemporal",
    "LoraTime",
    "LoraValue",
    "LoraVector",
    "QueryResult",
    "QueryStream",
    "SnapshotMeta",
    "Transaction",
    "__version__",
    "binary",
    "cartesian",
    "cartesian_3d",
    "date",
    "datetime",
    "duration",
    "is_binary",
    "is_node",
    "is_path",
    "is_point",
    "is_relationship",
    "is_temporal",
    "is_vector",
    "localdatetime",
    "localtime",
    "time",
    "vector",
    "wgs84",
    "wgs84_3d",
]

_native._take_over_execute(Database)
_native._register(LoraError, LoraQueryError, InvalidParamsError, QueryResult, _threading.main_thread().ident or 0)


def __getattr__(name: str) -> Any:
    # asyncio costs 25 ms to import: only for those who use it.
    if name == "AsyncDatabase":
        from .aio import AsyncDatabase

        return AsyncDatabase
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
