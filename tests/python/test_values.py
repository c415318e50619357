"""Round trips of every type, with limits; hydrated entities wherever they stand; constructors and guards."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Dict, List

import lora_python as lora
import numpy as np
import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError


def one(db: Database, query: str, params: Any = None) -> Any:
    (row,) = rows(db, query, params)
    (value,) = row.values()
    return value


def date(iso: str) -> Dict[str, str]:
    return {"kind": "date", "iso": iso}


POINTS = [
    lora.cartesian(1.5, -2),
    lora.cartesian(-1.7976931348623157e308, 5e-324),
    lora.cartesian_3d(1, 2, 3),
    lora.wgs84(4.89, 52.37),
    lora.wgs84(-180, -90),
    lora.wgs84_3d(4.89, 52.37, -10),
]
TEMPORALS = [
    date("2024-02-29"),
    date("0001-01-01"),
    date("-999999999-01-01"),
    date("+999999999-12-31"),
    {"kind": "time", "iso": "10:30:00.000000001+01:00"},
    {"kind": "time", "iso": "23:59:59.999999999Z"},
    {"kind": "time", "iso": "00:00-18:00"},
    {"kind": "localtime", "iso": "00:00"},
    {"kind": "localtime", "iso": "23:59:59.999999999"},
    {"kind": "localdatetime", "iso": "2024-01-01T10:00"},
    {"kind": "datetime", "iso": "2024-01-01T10:00Z"},
    {"kind": "datetime", "iso": "2024-01-01T10:00+05:30"},
    {"kind": "datetime", "iso": "2024-01-01T10:00+01:00[Europe/Berlin]"},
    {"kind": "datetime", "iso": "2024-10-27T02:30+01:00[Europe/Berlin]"},
    {"kind": "datetime", "iso": "2024-10-27T02:30+02:00[Europe/Berlin]"},
    {"kind": "duration", "iso": "P1Y2M3DT4H5M6.000000007S"},
    {"kind": "duration", "iso": "PT0S"},
    {"kind": "duration", "iso": "P-1DT-0.5S"},
]
VECTORS = [
    lora.vector([0.1, -1e308], 2, "FLOAT64"),
    lora.vector([0.5, -2.0], 2, "FLOAT32"),
    lora.vector([2**63 - 1, -(2**63)], 2, "INTEGER"),
    lora.vector([2**31 - 1, -(2**31)], 2, "INTEGER32"),
    lora.vector([2**15 - 1, -(2**15)], 2, "INTEGER16"),
    lora.vector([127, -128], 2, "INTEGER8"),
    lora.vector([float(i) for i in range(4096)], 4096, "FLOAT32"),
]
BINARIES = [
    lora.binary(b""),
    lora.binary([]),
    lora.binary([b"", b"\x00\xff", b"x" * 70_000]),
]
STORABLE: List[Any] = [
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    0.0,
    1e308,
    5e-324,
    math.inf,
    -math.inf,
    "",
    "exactly14bytes",
    "fifteen bytes..",
    "\U0001f600 \x00 \u2028",
    "x" * 1_000_000,
    [],
    [1, 2, 3],
    [None, 1, "a", [2.5, [True]]],
    {},
    {"a": 1, "b": {"c": [1, None], "": None}},
    *POINTS,
    *TEMPORALS,
    *VECTORS,
    *BINARIES,
    [date("2024-01-01"), lora.cartesian(1, 2), lora.binary(b"ab")],
    {"when": date("2024-01-01")},
]


@pytest.mark.parametrize("value", STORABLE, ids=lambda v: repr(v)[:40])
def test_round_trip_through_a_parameter_and_a_property(db: Database, value: Any) -> None:
    returned = one(db, "RETURN $x AS x", {"x": value})
    assert returned == value
    assert type(returned) is type(value)
    db.execute("CREATE (:N {v: $x})", {"x": value})
    stored = one(db, "MATCH (n:N) RETURN n.v AS v")
    assert stored == value
    assert type(stored) is type(value)
    assert one(db, "MATCH (n:N) RETURN n AS n")["properties"] == {"v": value}
    assert one(db, "MATCH (n:N) WHERE n.v = $x RETURN count(*) AS c", {"x": value}) == (0 if has_null(value) else 1)


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(has_null, value)))


def test_floats_stay_floats_and_integers_integers(db: Database) -> None:
    (row,) = rows(db, "RETURN 1.0 AS f, 1 AS i, 2 / 1 AS q, 2.0 / 1 AS r, -0.0 AS z")
    assert [type(v) for v in row.values()] == [float, int, int, float, float]
    assert math.copysign(1, row["z"]) == -1


def test_nan_is_stored(db: Database) -> None:
    db.execute("CREATE (:N {v: $x})", {"x": math.nan})
    assert math.isnan(one(db, "MATCH (n:N) RETURN n.v AS v"))


@pytest.mark.parametrize("value", [{"n": [{"a": 1}]}, [{"a": 1}], [[{}]]], ids=repr)
def test_lists_that_hold_maps_are_not_storable(db: Database, value: Any) -> None:
    assert one(db, "RETURN $x AS x", {"x": value}) == value
    with pytest.raises(LoraQueryError) as caught:
        db.execute("CREATE (:N {v: $x})", {"x": value})
    assert (caught.value.code, caught.value.type) == ("LORA_TYPE", "TypeError")
    assert (caught.value.phase, caught.value.detail) == ("runtime", "InvalidPropertyType")
    assert db.node_count == 0


def test_null_removes_a_property(db: Database) -> None:
    db.execute("CREATE (:N {v: 1, w: $x})", {"x": None})
    assert one(db, "MATCH (n:N) SET n.v = $x RETURN n AS n", {"x": None})["properties"] == {}


# --- entities ---


@pytest.fixture
def family(db: Database) -> Database:
    db.execute("CREATE (:Person:Author {name: 'Ada', born: date('1815-12-10')})-[:KNOWS {since: 1833}]->(:Person)")
    return db


def test_node(family: Database) -> None:
    node = one(family, "MATCH (n:Author) RETURN n AS n")
    assert list(node) == ["kind", "id", "labels", "properties"]
    assert node["kind"] == "node"
    assert node["id"] == one(family, "MATCH (n:Author) RETURN id(n) AS i")
    assert sorted(node["labels"]) == ["Author", "Person"]
    assert node["properties"] == {"name": "Ada", "born": date("1815-12-10")}
    assert lora.is_node(node)


def test_relationship_keeps_its_direction(family: Database) -> None:
    for pattern in ("(a:Author)-[r]->(b)", "(b)<-[r]-(a:Author)", "(a:Author)-[r]-(b)", "(b)-[r]-(a:Author)"):
        (row,) = rows(family, "MATCH %s RETURN r, id(a) AS a, id(b) AS b, id(r) AS i" % pattern)
        assert row["r"] == {
            "kind": "relationship",
            "id": row["i"],
            "startId": row["a"],
            "endId": row["b"],
            "type": "KNOWS",
            "properties": {"since": 1833},
        }
        assert lora.is_relationship(row["r"])


def test_path_carries_whole_entities(family: Database) -> None:
    (row,) = rows(family, "MATCH p = (a:Author)-[r]->(b) RETURN p, a, r, b")
    assert row["p"] == {"kind": "path", "nodes": [row["a"], row["b"]], "rels": [row["r"]]}
    assert lora.is_path(row["p"])
    (row,) = rows(family, "MATCH p = (b)<-[r]-(a:Author) RETURN p, a, r, b")
    assert row["p"] == {"kind": "path", "nodes": [row["b"], row["a"]], "rels": [row["r"]]}
    (row,) = rows(family, "MATCH p = (a:Author) RETURN p, a")
    assert row["p"] == {"kind": "path", "nodes": [row["a"]], "rels": []}


def test_entities_inside_lists_maps_and_collect_are_whole(family: Database) -> None:
    (row,) = rows(
        family,
        "MATCH p = (a:Author)-[r]->(b) RETURN a, r, b, p, [a, [r]] AS l, {x: a, y: {z: p}} AS m, "
        "collect(a) AS c, collect({k: r}) AS d, nodes(p) AS n, relationships(p) AS s",
    )
    a, r, b, p = row["a"], row["r"], row["b"], row["p"]
    assert row["l"] == [a, [r]]
    assert row["m"] == {"x": a, "y": {"z": p}}
    assert row["c"] == [a]
    assert row["d"] == [{"k": r}]
    assert row["n"] == [a, b]
    assert row["s"] == [r]


def test_an_entity_given_back_as_a_parameter_is_a_map(family: Database) -> None:
    node = one(family, "MATCH (n:Author) RETURN n AS n")
    assert one(family, "MATCH (n) WHERE id(n) = $n.id RETURN n AS n", {"n": node}) == node


def test_a_deleted_entity_may_be_returned(family: Database) -> None:
    node = one(family, "MATCH (n:Author) DETACH DELETE n RETURN n AS n")
    assert (node["kind"], node["labels"], node["properties"]) == ("node", [], {})


# --- constructors: the dict that a query returns ---


@pytest.mark.parametrize(
    ("made", "query"),
    [
        (lora.date("2024-02-29"), "date('2024-02-29')"),
        (lora.time("10:30+01:00"), "time('10:30+01:00')"),
        (lora.localtime("10:30"), "localtime('10:30')"),
        (lora.datetime("2024-01-01T10:00+01:00[Europe/Berlin]"), "datetime('2024-01-01T10:00[Europe/Berlin]')"),
        (lora.localdatetime("2024-01-01T10:00"), "localdatetime('2024-01-01T10:00')"),
        (lora.duration("P1DT2H"), "duration('P1DT2H')"),
        (lora.cartesian(1, 2), "point({x: 1, y: 2})"),
        (lora.cartesian_3d(1, 2, 3), "point({x: 1, y: 2, z: 3})"),
        (lora.wgs84(4.89, 52.37), "point({longitude: 4.89, latitude: 52.37})"),
        (lora.wgs84_3d(4.89, 52.37, 7), "point({longitude: 4.89, latitude: 52.37, height: 7})"),
        (lora.vector([1, 2], 2, "INTEGER8"), "vector([1, 2], 2, INTEGER8)"),
        (lora.vector([1.0, 2.0], 2, "FLOAT32"), "vector([1, 2], 2, FLOAT32)"),
        (lora.binary(b"ab"), "bytes.from_string('ab')"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_constructors_make_what_queries_return(memory: Database, made: Any, query: str) -> None:
    returned = one(memory, "RETURN %s AS x" % query)
    assert returned == made
    assert list(returned) == list(made)
    assert one(memory, "RETURN $x = %s AS same" % query, {"x": made}) is True


UTC = dt.timezone.utc
ODD = dt.timezone(-dt.timedelta(hours=3, minutes=30))
OBJECTS = [
    (lora.date, dt.date(1, 1, 1)),
    (lora.date, dt.date(9999, 12, 31)),
    (lora.localtime, dt.time(10, 30)),
    (lora.localtime, dt.time(10, 30, 5)),
    (lora.localtime, dt.time(10, 30, 0, 1)),
    (lora.localtime, dt.time(10, 30, 5, 120_000)),
    (lora.time, dt.time(10, 30, 5, 123_456, tzinfo=UTC)),
    (lora.time, dt.time(10, 30, tzinfo=ODD)),
    (lora.localdatetime, dt.datetime(2024, 1, 1)),
    (lora.localdatetime, dt.datetime(2024, 1, 1, 10, 30, 0, 500_000)),
    (lora.datetime, dt.datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
    (lora.datetime, dt.datetime(2024, 1, 1, 10, 30, 1, tzinfo=ODD)),
    (lora.duration, dt.timedelta(0)),
    (lora.duration, dt.timedelta(days=400, hours=25, microseconds=1)),
    (lora.duration, dt.timedelta(microseconds=-1)),
    (lora.duration, dt.timedelta(hours=-25, seconds=-30)),
    (lora.duration, dt.timedelta.max),
    (lora.duration, dt.timedelta.min),
]


@pytest.mark.parametrize(("make", "value"), OBJECTS, ids=lambda v: str(v)[:30])
def test_constructors_take_datetime_objects(memory: Database, make: Any, value: Any) -> None:
    made = make(value)
    assert one(memory, "RETURN $x AS x", {"x": made}) == made
    assert one(memory, "RETURN $x AS x", {"x": value}) == made
    assert one(memory, "RETURN $a = $b AS same", {"a": made, "b": value}) is True


def test_constructors_of_naive_objects_mean_utc() -> None:
    assert lora.time(dt.time(10, 30)) == {"kind": "time", "iso": "10:30Z"}
    assert lora.datetime(dt.datetime(2024, 1, 1)) == {"kind": "datetime", "iso": "2024-01-01T00:00Z"}


def test_binary_takes_any_iterable_of_bytes() -> None:
    assert lora.binary(iter([b"a", bytearray(b"bc")])) == {"kind": "binary", "length": 3, "segments": [b"a", b"bc"]}


def test_helpers_never_call_the_engine() -> None:
    assert lora.date("not a date") == {"kind": "date", "iso": "not a date"}
    assert lora.vector([], -1, "?") == {"kind": "vector", "dimension": -1, "coordinateType": "?", "values": []}
    assert lora.vector(np.array([1.5]), 1, "FLOAT32")["values"] == [1.5]


@pytest.mark.parametrize(
    "call",
    [
        lambda: lora.date(5),  # type: ignore[arg-type]
        lambda: lora.duration(None),  # type: ignore[arg-type]
        lambda: lora.time(dt.date(2024, 1, 1)),  # type: ignore[arg-type]
        lambda: lora.datetime(dt.date(2024, 1, 1)),  # type: ignore[arg-type]
        lambda: lora.cartesian("1", 2),  # type: ignore[arg-type]
        lambda: lora.wgs84(1, None),  # type: ignore[arg-type]
        lambda: lora.cartesian(10**400, 2),
        lambda: lora.vector(None, 1, "FLOAT32"),  # type: ignore[arg-type]
        lambda: lora.vector(5, 1, "FLOAT32"),  # type: ignore[arg-type]
        lambda: lora.binary(None),  # type: ignore[arg-type]
        lambda: lora.binary(5),  # type: ignore[arg-type]
        lambda: lora.binary([5]),  # type: ignore[list-item]
        lambda: lora.binary("text"),  # type: ignore[arg-type]
    ],
)
def test_constructors_refuse_other_types(call: Any) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        call()
    assert caught.value.code == "LORA_INVALID_PARAMS"


GUARDS = {
    "is_node": ["node"],
    "is_relationship": ["relationship"],
    "is_path": ["path"],
    "is_point": ["point"],
    "is_vector": ["vector"],
    "is_binary": ["binary"],
    "is_temporal": ["date", "time", "localtime", "datetime", "localdatetime", "duration"],
}


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_guards(name: str) -> None:
    guard = getattr(lora, name)
    for other, kinds in GUARDS.items():
        for kind in kinds:
            assert guard({"kind": kind}) is (other == name)
    strange: List[Any] = [
        None,
        1,
        "node",
        [],
        {},
        {"kind": None},
        {"kind": []},
        {"kind": np.array(["node", "x"])},
        object,
    ]
    assert [guard(value) for value in strange] == [False] * len(strange)


def test_limits_of_numbers(memory: Database) -> None:
    with pytest.raises(LoraQueryError) as caught:
        memory.execute("RETURN $x + 1 AS x", {"x": 2**63 - 1})
    assert caught.value.code == "LORA_ARITHMETIC"
    assert one(memory, "RETURN $x AS x", {"x": np.float32(0.1)}) == float(np.float32(0.1))


def test_large_text_and_bytes(db: Database) -> None:
    text = "ä" * 2_000_000
    data = bytes(range(256)) * 20_000
    db.execute("CREATE (:N {t: $t, b: $b})", {"t": text, "b": data})
    (row,) = rows(db, "MATCH (n:N) RETURN n.t AS t, n.b AS b")
    assert row["t"] == text
    assert row["b"] == {"kind": "binary", "length": len(data), "segments": [data]}
