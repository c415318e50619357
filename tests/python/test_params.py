"""Parameters: what goes in, and the path in the message for what does not."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import sys
import threading
import types
import uuid
from typing import Any, Callable, Dict, Iterator, List, Mapping

import numpy as np
import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


def back(db: Database, value: Any) -> Any:
    return rows(db, "RETURN $x AS x", {"x": value})[0]["x"]


def error_of(db: Database, params: Any) -> InvalidParamsError:
    with pytest.raises(InvalidParamsError) as caught:
        db.execute("RETURN 1 AS x", params)
    assert caught.value.code == "LORA_INVALID_PARAMS"
    assert rows(db, "RETURN 1 AS x") == [{"x": 1}]
    return caught.value


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class View(Mapping[str, Any]):
    def __init__(self, **entries: Any) -> None:
        self.entries = entries

    def __getitem__(self, key: str) -> Any:
        return self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


BERLIN = dt.timezone(dt.timedelta(hours=1))

ACCEPTED = [
    (None, None),
    (True, True),
    (0, 0),
    (INT_MAX, INT_MAX),
    (INT_MIN, INT_MIN),
    (1.0, 1.0),
    (-0.0, -0.0),
    (float("inf"), float("inf")),
    (sys.float_info.max, sys.float_info.max),
    (5e-324, 5e-324),
    ("", ""),
    ("naïve \U0001f600 \x00 text", "naïve \U0001f600 \x00 text"),
    ("x" * 100_000, "x" * 100_000),
    ([], []),
    ({}, {}),
    ((1, (2, 3)), [1, [2, 3]]),
    ({"a": [{"b": None}]}, {"a": [{"b": None}]}),
    ({"": 1, "ä": 2, "a.b": 3}, {"": 1, "ä": 2, "a.b": 3}),
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (Text("t"), "t"),
    (Number(7), 7),
    (Real(7.5), 7.5),
    (Table(a=1), {"a": 1}),
    (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (collections.defaultdict(int, a=1), {"a": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (View(a=1, b=[View(c=2)]), {"a": 1, "b": [{"c": 2}]}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (collections.namedtuple("P", "x y")(1, 2), [1, 2]),
    (decimal.Decimal("1.25"), 1.25),
    (decimal.Decimal("Infinity"), float("inf")),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (b"ab\x00", {"kind": "binary", "length": 3, "segments": [b"ab\x00"]}),
    (bytearray(b"ab"), {"kind": "binary", "length": 2, "segments": [b"ab"]}),
    (memoryview(b"abcd")[::2], {"kind": "binary", "length": 2, "segments": [b"ac"]}),
    (array.array("q", [1, INT_MIN]), [1, INT_MIN]),
    (array.array("d", [1.5]), [1.5]),
    (dt.date(2024, 2, 29), {"kind": "date", "iso": "2024-02-29"}),
    (dt.date.min, {"kind": "date", "iso": "0001-01-01"}),
    (dt.time(10, 30), {"kind": "localtime", "iso": "10:30"}),
    (dt.time(10, 30, tzinfo=BERLIN), {"kind": "time", "iso": "10:30+01:00"}),
    (dt.datetime(2024, 1, 1, 10), {"kind": "localdatetime", "iso": "2024-01-01T10:00"}),
    (dt.datetime(2024, 1, 1, 10, tzinfo=BERLIN), {"kind": "datetime", "iso": "2024-01-01T10:00+01:00"}),
    (dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc), {"kind": "datetime", "iso": "2024-01-01T00:00Z"}),
    (dt.timedelta(days=1, seconds=5), {"kind": "duration", "iso": "P1DT5S"}),
    (dt.timedelta(hours=-1), {"kind": "duration", "iso": "PT-1H"}),
    (dt.timedelta(days=-1), {"kind": "duration", "iso": "P-1D"}),
    (np.int64(INT_MIN), INT_MIN),
    (np.uint8(255), 255),
    (np.float32(0.5), 0.5),
    (np.float64(0.1), 0.1),
    (np.longdouble(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("s"), "s"),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array(5), 5),
    (np.array([1.5, np.inf]), [1.5, float("inf")]),
    (np.array(["a", "b"]), ["a", "b"]),
    (np.array([True, False]), [True, False]),
    (np.array([1, "x", None], dtype=object), [1, "x", None]),
    (np.arange(10)[::3], [0, 3, 6, 9]),
    (np.datetime64("2024-01-01"), {"kind": "date", "iso": "2024-01-01"}),
    (
        np.datetime64("2024-01-01T10:00:00.123456789"),
        {"kind": "localdatetime", "iso": "2024-01-01T10:00:00.123456789"},
    ),
    (np.datetime64("NaT"), None),
    (np.timedelta64(90, "m"), {"kind": "duration", "iso": "PT1H30M"}),
    (np.timedelta64(5, "ns"), {"kind": "duration", "iso": "PT0.000000005S"}),
    (
        np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns]").astype("datetime64[D]"),
        [{"kind": "date", "iso": "2024-01-01"}, {"kind": "date", "iso": "2024-01-02"}],
    ),
]


@pytest.mark.parametrize(("value", "expected"), ACCEPTED, ids=lambda v: repr(v)[:30])
def test_accepted_values(memory: Database, value: Any, expected: Any) -> None:
    result = back(memory, value)
    assert result == expected
    assert type(result) is type(expected)
    assert back(memory, [value]) == [expected]
    assert back(memory, {"k": value}) == {"k": expected}


def test_nan_stays_nan(memory: Database) -> None:
    for value in (float("nan"), decimal.Decimal("NaN"), np.float64("nan")):
        result = back(memory, value)
        assert result != result


def test_zone_names_of_zoneinfo(memory: Database) -> None:
    zoneinfo = pytest.importorskip("zoneinfo")
    value = dt.datetime(2024, 7, 1, 10, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert back(memory, value) == {"kind": "datetime", "iso": "2024-07-01T10:00+02:00[Europe/Berlin]"}
    value = dt.datetime(2024, 7, 1, 10, tzinfo=zoneinfo.ZoneInfo("UTC"))
    assert back(memory, value) == {"kind": "datetime", "iso": "2024-07-01T10:00Z"}
    repeated = dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert back(memory, repeated)["iso"] == "2024-10-27T02:30+02:00[Europe/Berlin]"
    assert back(memory, repeated.replace(fold=1))["iso"] == "2024-10-27T02:30+01:00[Europe/Berlin]"


SURROGATE = "a\ud800b"

REFUSED = [
    ({"id": 2**63}, 'params["id"]', "64 bits"),
    ({"id": -(2**63) - 1}, 'params["id"]', "64 bits"),
    ({"rows": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 10**30}]}, 'params["rows"][3]["id"]', "64 bits"),
    ({"x": np.uint64(2**63)}, 'params["x"]', "64 bits"),
    ({"x": np.array([1, 2**63], dtype=np.uint64)}, 'params["x"][1]', "64 bits"),
    ({"x": Number(2**64)}, 'params["x"]', "64 bits"),
    ({"x": object()}, 'params["x"]', "`object`"),
    ({"x": [1, {"y": {1, 2}}]}, 'params["x"][1]["y"]', "`set`"),
    ({"x": 1j}, 'params["x"]', "`complex`"),
    ({"x": np.complex64(1)}, 'params["x"]', "`complex`"),
    ({"x": iter([])}, 'params["x"]', "list_iterator"),
    ({"x": lambda: 1}, 'params["x"]', "`function`"),
    ({"x": int}, 'params["x"]', "`type`"),
    ({"x": SURROGATE}, 'params["x"]', "surrogate"),
    ({"x": {SURROGATE: 1}}, 'params["x"]', "surrogate"),
    ({"x": Text(SURROGATE)}, 'params["x"]', "surrogate"),
    ({"x": {1: 2}}, 'params["x"]', "`int`"),
    ({"x": {None: 2}}, 'params["x"]', "`NoneType`"),
    ({"x": [{(1, 2): 2}]}, 'params["x"][0]', "`tuple`"),
    ({3: 1}, "params", "`int`"),
    ({b"a": 1}, "params", "`bytes`"),
    ([("a", 1)], "params", "`list`"),
    ("a", "params", "`str`"),
    (7, "params", "`int`"),
    ({"x": decimal.Decimal("1e400")}, 'params["x"]', "Decimal"),
    ({"x": decimal.Decimal("sNaN")}, 'params["x"]', "NaN"),
    ({"x": np.timedelta64(3, "M")}, 'params["x"]', "fixed length"),
    ({"x": [np.timedelta64(3)]}, 'params["x"][0]', "fixed length"),
    ({'quo"te': object()}, 'params["quo\\"te"]', "`object`"),
    ({"k" * 500: object()}, 'params["' + "k" * 100 + '..."]', "`object`"),
    # tagged values with bad contents
    ({"x": {"kind": "date", "iso": "2024-02-30"}}, 'params["x"]', "is no valid date"),
    ({"x": {"kind": "date", "iso": ""}}, 'params["x"]', "date"),
    ({"x": {"kind": "date", "iso": 5}}, 'params["x"]', "`iso` must be text"),
    ({"x": {"kind": "date", "iso": None}}, 'params["x"]', "`iso` must be text"),
    ({"x": {"kind": "time", "iso": "25:00"}}, 'params["x"]', "25:00"),
    ({"x": {"kind": "localtime", "iso": "10:30+01:00"}}, 'params["x"]', "10:30"),
    ({"x": {"kind": "datetime", "iso": "2024-01-01T10:00[No/Where]"}}, 'params["x"]', "No/Where"),
    ({"x": {"kind": "localdatetime", "iso": "yesterday"}}, 'params["x"]', "yesterday"),
    ({"x": [{"kind": "duration", "iso": "1 day"}]}, 'params["x"][0]', "1 day"),
    ({"x": {"kind": "point", "x": "1", "y": 2}}, 'params["x"]', "numbers"),
    ({"x": {"kind": "point", "x": None, "y": 2}}, 'params["x"]', "numbers"),
    ({"x": {"kind": "point", "x": True, "y": 2}}, 'params["x"]', "numbers"),
    ({"x": {"kind": "point", "x": float("nan"), "y": 2}}, 'params["x"]', "point"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "srid": 1}}, 'params["x"]', "srid"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "crs": "mars"}}, 'params["x"]', "crs"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "srid": 7203, "crs": "WGS-84-2D"}}, 'params["x"]', "different"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "srid": 9157}}, 'params["x"]', "needs `z`"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "z": 3, "srid": 7203}}, 'params["x"]', "no `z`"),
    ({"x": {"kind": "point", "x": 1, "y": 91, "srid": 4326}}, 'params["x"]', "91"),
    ({"x": {"kind": "point", "x": 1, "y": 2, "longitude": 5}}, 'params["x"]', "longitude"),
    ({"x": {"kind": "vector", "dimension": 2, "coordinateType": "FLOAT32", "values": [1]}}, 'params["x"]', "vector"),
    ({"x": {"kind": "vector", "dimension": 0, "coordinateType": "FLOAT32", "values": []}}, 'params["x"]', "vector"),
    ({"x": {"kind": "vector", "dimension": 1, "coordinateType": "INT7", "values": [1]}}, 'params["x"]', "INTEGER8"),
    (
        {"x": {"kind": "vector", "dimension": 1, "coordinateType": "INTEGER8", "values": [200]}},
        'params["x"]',
        "does not fit",
    ),
    ({"x": {"kind": "vector", "dimension": 1, "coordinateType": "FLOAT32", "values": ["a"]}}, 'params["x"]', "vector"),
    ({"x": {"kind": "vector", "dimension": 1, "coordinateType": "FLOAT32", "values": "[1]"}}, 'params["x"]', "list"),
    (
        {"x": {"kind": "vector", "dimension": "1", "coordinateType": "FLOAT32", "values": [1]}},
        'params["x"]',
        "dimension",
    ),
    (
        {"x": {"kind": "vector", "dimension": 4097, "coordinateType": "FLOAT32", "values": [1] * 4097}},
        'params["x"]',
        "",
    ),
    ({"x": {"kind": "binary", "segments": [1]}}, 'params["x"]', "bytes"),
    ({"x": {"kind": "binary", "segments": b"ab"}}, 'params["x"]', "bytes"),
    ({"x": {"kind": "binary", "segments": [b"ab"], "length": 3}}, 'params["x"]', "length"),
]


@pytest.mark.parametrize(("params", "path", "why"), REFUSED, ids=lambda v: repr(v)[:40])
def test_refused_values_name_their_path(memory: Database, params: Any, path: str, why: str) -> None:
    message = str(error_of(memory, params))
    assert message.startswith("LORA_INVALID_PARAMS: `%s` " % path)
    assert why in message


@pytest.mark.parametrize(
    "plain",
    [
        {"kind": "date"},
        {"kind": "date", "ISO": "2024-01-01"},
        {"kind": "Date", "iso": "x"},
        {"kind": "point", "x": 1},
        {"kind": "vector", "values": [1]},
        {"kind": "binary", "length": 1},
        {"kind": "node", "id": 1, "labels": [], "properties": {}},
        {"kind": "relationship", "id": 1},
        {"kind": "path", "nodes": [], "rels": []},
        {"kind": "moment", "iso": "x"},
        {"kind": 1, "iso": "2024-01-01"},
        {"kind": None},
        {"iso": "2024-01-01"},
    ],
    ids=repr,
)
def test_a_dict_that_only_looks_tagged_is_a_plain_map(memory: Database, plain: Dict[str, Any]) -> None:
    assert back(memory, plain) == plain
    assert rows(memory, "RETURN valueType($x) STARTS WITH 'MAP' AS m", {"x": plain}) == [{"m": True}]


def test_tagged_dicts_may_be_any_mapping_and_nested(memory: Database) -> None:
    tagged = View(kind="date", iso="2024-01-01")
    assert rows(memory, "RETURN $x.year AS y, $l[0].year AS z", {"x": tagged, "l": [tagged]}) == [
        {"y": 2024, "z": 2024}
    ]


def test_points_know_their_system_from_their_keys(memory: Database) -> None:
    for keys, srid in (
        ({"x": 1, "y": 2}, 7203),
        ({"x": 1, "y": 2, "z": 3}, 9157),
        ({"x": 1, "y": 2, "longitude": 1}, 4326),
        ({"x": 1, "y": 2, "latitude": 2, "height": 3}, 4979),
        ({"x": 1, "y": 2, "crs": "wgs-84-2d"}, 4326),
    ):
        assert back(memory, {"kind": "point", **keys})["srid"] == srid


def nested(levels: int, kind: str) -> Any:
    value: Any = [] if kind == "list" else {}
    for _ in range(levels - 1):
        value = [value] if kind == "list" else {"k": value}
    return value


@pytest.mark.parametrize("kind", ["list", "map"])
def test_nesting_limit(memory: Database, kind: str) -> None:
    result = back(memory, nested(1_000, kind))
    depth = 1
    while result:
        result = result[0] if kind == "list" else result["k"]
        depth += 1
    assert depth == 1_000
    for levels in (1_001, 100_000):
        error = error_of(memory, {"x": nested(levels, kind)})
        assert "1000 levels" in str(error)
        assert error.detail == "depth"
        assert len(str(error)) < 1_000


def test_deep_values_on_a_small_stack_are_refused_or_right(memory: Database) -> None:
    outcomes: List[str] = []

    def work() -> None:
        try:
            value = back(memory, nested(900, "list"))
            outcomes.append("right" if value == nested(900, "list") else "wrong")
        except InvalidParamsError as error:
            outcomes.append("stack" if "stack" in str(error) else "wrong error: %s" % error)
        except LoraQueryError as error:
            outcomes.append("stack" if error.code == "LORA_LIMIT" else "wrong error: %s" % error)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert outcomes in (["right"], ["stack"])


def test_a_list_that_holds_itself_is_refused(memory: Database) -> None:
    loop: List[Any] = []
    loop.append(loop)
    assert "1000 levels" in str(error_of(memory, {"x": loop}))
    table: Dict[str, Any] = {}
    table["t"] = table
    assert "1000 levels" in str(error_of(memory, {"x": table}))


class Hostile(Mapping[str, Any]):
    """Runs code while it is read."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action

    def __getitem__(self, key: str) -> Any:
        return self.action()

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def test_exceptions_of_a_mapping_reach_the_caller(memory: Database) -> None:
    def fail() -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        memory.execute("RETURN 1 AS x", {"x": Hostile(fail)})
    with pytest.raises(KeyboardInterrupt):
        memory.execute("RETURN 1 AS x", {"x": Hostile(lambda: (_ for _ in ()).throw(KeyboardInterrupt()))})


def test_containers_that_change_while_they_are_read(memory: Database) -> None:
    values: List[Any] = [0] * 100
    values[0] = Hostile(values.clear)
    assert back(memory, values) == [{"a": None}]
    table: Dict[str, Any] = {}
    table.update(first=Hostile(lambda: table.update(late=1)), second=2)
    assert "changed" in str(error_of(memory, {"x": table}))
    swapped: Dict[str, Any] = {}
    swapped.update(first=Hostile(lambda: (swapped.pop("first", None), swapped.update(other=1))[0] and None), second=2)
    try:
        assert set(back(memory, swapped)) <= {"first", "second", "other"}
    except InvalidParamsError as error:
        assert 'params["x"]' in str(error)


def test_a_conversion_that_calls_the_database_and_another_that_runs_meanwhile(memory: Database) -> None:
    inner = Hostile(lambda: rows(memory, "RETURN $r AS r", {"r": [{"a": i} for i in range(50)]})[0]["r"][7]["a"])
    outer = [{"a": i, "b": inner if i % 10 == 0 else i} for i in range(100)]
    result = back(memory, outer)
    assert result[20] == {"a": 20, "b": {"a": 7}}
    assert result[21] == {"a": 21, "b": 21}


def test_keys_that_are_equal_as_text_are_refused(memory: Database) -> None:
    class Odd(str):
        def __hash__(self) -> int:
            return id(self)

        def __eq__(self, other: object) -> bool:
            return self is other

    assert "twice" in str(error_of(memory, {"x": {Odd("a"): 1, Odd("a"): 2}}))


def test_rows_of_changing_shape_keep_their_keys(memory: Database) -> None:
    data = [{"k%d" % (i % 7): i, "same": i} if i % 3 else {"same": i, "k%d" % (i % 5): -i} for i in range(1_000)]
    assert back(memory, data) == data
    fresh = [{"".join(["a", str(i % 2)]): i} for i in range(1_000)]
    assert back(memory, fresh) == fresh


def test_params_may_be_any_mapping_or_none(memory: Database) -> None:
    assert rows(memory, "RETURN $x AS x", View(x=1)) == [{"x": 1}]
    assert rows(memory, "RETURN $x AS x", types.MappingProxyType({"x": 1})) == [{"x": 1}]
    assert rows(memory, "RETURN 1 AS x", None) == [{"x": 1}]
    assert rows(memory, "RETURN 1 AS x", {}) == [{"x": 1}]
    assert rows(memory, "RETURN 1 AS x", {"not used": 1}) == [{"x": 1}]


def test_a_missing_parameter_names_itself(memory: Database) -> None:
    for params in (None, {}, {"other": 1}):
        with pytest.raises(LoraQueryError) as caught:
            memory.execute("RETURN $wanted AS x", params)
        assert caught.value.code == "LORA_PARAMETER_MISSING"
        assert caught.value.type == "ParameterMissing"
        assert "wanted" in str(caught.value)


def test_wrong_queries_and_timeouts(memory: Database) -> None:
    for query in (None, 5, b"RETURN 1", ["RETURN 1"]):
        with pytest.raises(InvalidParamsError, match="must be a str"):
            memory.execute(query)  # type: ignore[arg-type]
    with pytest.raises(LoraQueryError) as caught:
        memory.execute("RETURN '\ud800'")
    assert (caught.value.code, caught.value.type) == ("LORA_PARSE", "SyntaxError")
    for timeout in (-1, float("nan"), "1", object()):
        with pytest.raises(InvalidParamsError, match="timeout"):
            memory.execute("RETURN 1 AS x", timeout=timeout)  # type: ignore[arg-type]
    assert memory.execute("RETURN 1 AS x", timeout=1e300)["rows"] == [{"x": 1}]
    assert memory.execute("RETURN 1 AS x", timeout=float("inf"))["rows"] == [{"x": 1}]


def test_references_are_neither_lost_nor_kept(memory: Database) -> None:
    marker = "a marker of its own " + str(id(memory))
    value = [{"key": marker, marker: 1.5} for _ in range(10)]
    before = sys.getrefcount(marker)
    for _ in range(100):
        memory.execute("RETURN $x AS x", {"x": value})
    with pytest.raises(InvalidParamsError):
        memory.execute("RETURN $x AS x", {"x": [*value, object()]})
    assert sys.getrefcount(marker) == before
    nothing = sys.getrefcount(None)
    for _ in range(1_000):
        memory.execute("RETURN [null, null, null] AS x, $y AS y", {"y": [None] * 3})
    assert abs(sys.getrefcount(None) - nothing) < 100
