"""Random temporal and spatial values through parameters, storage, an index, snapshots and text.

LORA_TEST_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import lora_python as lora
import pytest
from conftest import rows
from lora_python import Database

COUNT = 300
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "Africa/Monrovia"]

Parts = Dict[str, Any]


def year(r: random.Random) -> int:
    edges = [-999_999_999, 999_999_999, 0, -1, 1, 9999, 10_000, 1970]
    return r.choice([r.choice(edges), r.randint(-20_000, 20_000), r.randint(1900, 2100)])


def day_parts(r: random.Random) -> Parts:
    return {"year": year(r), "month": r.randint(1, 12), "day": r.randint(1, 28)}


def clock_parts(r: random.Random) -> Parts:
    nanosecond = r.choice([0, 1, 999_999_999, r.randint(0, 999) * 1_000_000, r.randint(0, 999_999_999)])
    return {"hour": r.randint(0, 23), "minute": r.randint(0, 59), "second": r.choice([0, r.randint(0, 59)]),
            "nanosecond": nanosecond}  # fmt: skip


def offset_parts(r: random.Random) -> Parts:
    seconds = r.choice([0, r.randint(-18, 18) * 3600, r.randint(-1080, 1080) * 60, r.randint(-64_800, 64_800)])
    hours, rest = divmod(abs(seconds), 3600)
    text = "%s%02d:%02d" % ("-" if seconds < 0 else "+", hours, rest // 60)
    if rest % 60:
        text += ":%02d" % (rest % 60)
    if seconds == 0:
        text = "Z"
    return {"timezone": text, "offsetSeconds": seconds}


def zoned_parts(r: random.Random) -> Parts:
    nanosecond = r.choice([0, 1, 999_999_999, r.randint(0, 999_999_999)])
    seconds = r.choice([r.randint(0, 2**31), r.randint(-5_000_000_000, 10_000_000_000)])
    return {"epochSeconds": seconds, "nanosecond": nanosecond, "timezone": r.choice(ZONES)}


def duration_parts(r: random.Random) -> Parts:
    wide = r.choice([10, 10_000, 1_000_000_000])
    return {"months": r.randint(-wide, wide), "days": r.randint(-wide, wide), "seconds": r.randint(-wide, wide),
            "nanosecondsOfSecond": r.choice([0, 1, 500_000_000, r.randint(0, 999_999_999)])}  # fmt: skip


def coordinate(r: random.Random, limit: float) -> float:
    return r.choice([0.0, limit, -limit, r.uniform(-limit, limit), float(r.randint(-int(limit), int(limit)))])


def flat(crs: str, limits: List[float]) -> Callable[[random.Random], Parts]:
    def parts(r: random.Random) -> Parts:
        made: Parts = {"xyz"[i]: coordinate(r, limit) for i, limit in enumerate(limits)}
        made["crs"] = crs
        return made

    return parts


# What is made: the parts, the value from the parts as $p, the constructor from text ("" where there is none).
KINDS: Dict[str, Tuple[Callable[[random.Random], Parts], str, str]] = {
    "date": (day_parts, "date({year: p.year, month: p.month, day: p.day})", "date"),
    "localtime": (clock_parts, "localtime(p)", "localtime"),
    "time": (
        lambda r: {**clock_parts(r), **offset_parts(r)},
        "time(p {.hour, .minute, .second, .nanosecond, .timezone})",
        "time",
    ),
    "localdatetime": (lambda r: {**day_parts(r), **clock_parts(r)}, "localdatetime(p)", "localdatetime"),
    "datetime": (
        lambda r: {**day_parts(r), **clock_parts(r), **offset_parts(r)},
        "datetime(p {.year, .month, .day, .hour, .minute, .second, .nanosecond, .timezone})",
        "datetime",
    ),
    "zoned": (
        zoned_parts,
        "datetime({datetime: datetime(p {.epochSeconds, .nanosecond}), timezone: p.timezone})",
        "datetime",
    ),
    "duration": (
        duration_parts,
        "duration({months: p.months, days: p.days, seconds: p.seconds, nanoseconds: p.nanosecondsOfSecond})",
        "duration",
    ),
    "cartesian": (flat("cartesian", [1e9, 1e-3]), "point(p)", ""),
    "cartesian-3d": (flat("cartesian-3D", [1e300, 5.0, 1e9]), "point(p)", ""),
    "wgs-84": (flat("WGS-84-2D", [180.0, 90.0]), "point(p)", ""),
    "wgs-84-3d": (flat("WGS-84-3D", [180.0, 90.0, 10_000.0]), "point(p)", ""),
}


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("LORA_TEST_SEED", random.randrange(2**32)))
    print("LORA_TEST_SEED=%d" % chosen)  # shown when a test fails
    return chosen


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def values(memory: Database, kind: str, seed: int) -> List[Any]:
    r = random.Random(seed)
    parts, make, _ = KINDS[kind]
    wanted = [parts(r) for _ in range(COUNT)]
    made = rows(memory, "UNWIND $all AS p WITH p, %s AS v RETURN v, [%s] AS same"
                % (make, ", ".join(f"v.{name} = p.{name}" for name in wanted[0])), {"all": wanted})  # fmt: skip
    for row, p in zip(made, wanted):
        assert all(row["same"]), (row, p)  # so that the values are not only equal to themselves
    assert len(made) == COUNT
    return [row["v"] for row in made]


def test_parameters(memory: Database, values: List[Any]) -> None:
    assert [row["v"] for row in rows(memory, "UNWIND $vs AS v RETURN v", {"vs": values})] == values
    for value in values:
        assert rows(memory, "RETURN $v AS v, $v = $w AS same", {"v": value, "w": dict(value)}) == [
            {"v": value, "same": True}
        ]


def check_stored(database: Database, values: List[Any]) -> None:
    query = "MATCH (n:N)-[r:R]->() RETURN n.v AS v, n.l AS l, n.m AS m, r.v AS rv ORDER BY n.i"
    for value, row in zip(values, rows(database, query)):
        assert row == {"v": value, "l": [value, None], "m": {"in": value}, "rv": value}
    found = rows(database, "UNWIND $vs AS v MATCH (n:N) WHERE n.v = v RETURN count(*) AS c", {"vs": values})
    assert found[0]["c"] >= len(values)
    assert database.node_count == 2 * len(values)


def test_storage_and_snapshots(tmp_path: Path, values: List[Any]) -> None:
    options = {"database_dir": tmp_path, "cache_bytes": 64 << 20}
    with Database("values", options) as database:
        database.execute("CREATE INDEX FOR (n:N) ON (n.v)")
        database.execute(
            "UNWIND range(0, size($vs) - 1) AS i WITH i, $vs[i] AS v "
            "CREATE (:N {i: i, v: v, l: [v, null], m: {in: v}})-[:R {v: v}]->(:M)",
            {"vs": values},
        )
        check_stored(database, values)
    with Database("values", options) as database:
        check_stored(database, values)
        snapshot = database.save_snapshot()
    with Database() as copy:
        copy.load_snapshot(snapshot)
        check_stored(copy, values)
        assert copy.verify() == {"ok": True, "errors": []}


def test_text(memory: Database, kind: str, values: List[Any]) -> None:
    constructor = KINDS[kind][2]
    if constructor:
        read = rows(memory, "UNWIND $vs AS v WITH v, toString(v) AS t RETURN %s(t) AS back, %s(t) = v AS same, t"
                    % (constructor, constructor), {"vs": values})  # fmt: skip
        for value, row in zip(values, read):
            assert row == {"back": value, "same": True, "t": value["iso"]}
            assert getattr(lora, constructor)(row["t"]) == value
    else:
        texts = [row["t"] for row in rows(memory, "UNWIND $vs AS v RETURN toString(v) AS t", {"vs": values})]
        read = rows(memory, "RETURN [%s] AS back" % ", ".join(texts))
        assert read[0]["back"] == values
