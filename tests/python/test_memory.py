"""Memory that the system refuses (`ulimit -v`): every query ends typed, the process lives, and its memory goes back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

# Reads queries from its input, one a line; after `---` it only waits, so that its memory can be looked at from outside.
CHILD = """
import resource, sys
from lora_python import Database, LoraQueryError

name = sys.argv[1] or None
db = Database(name, dict({"query_memory_bytes": 1 << 40}, **({"database_dir": sys.argv[2]} if name else {})))
db.execute("UNWIND range(1, 1000) AS i CREATE (:N {i: i})")
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (512 << 20),) * 2)
print("ready", flush=True)
for line in sys.stdin:
    if line == "---\\n":
        print("idle", flush=True)
        continue
    try:
        rows = len(db.execute(line)["rows"])
        outcome = "rows %d" % rows
        del rows
    except LoraQueryError as error:
        outcome = error.code
    except MemoryError:
        outcome = "MemoryError"
    assert db.execute("MATCH (n) RETURN count(n) AS c")["rows"] == [{"c": 1000}], line
    print(outcome, flush=True)
assert db.verify()["ok"]
db.close()
print("closed", flush=True)
"""

HUNGRY = [
    "RETURN range(1, 1000000000000) AS x",
    "RETURN size([x IN range(1, 100000000) | x]) AS x",
    "RETURN [x IN range(1, 5000000) | [x, x, x]] AS x",
    "RETURN [x IN range(1, 1000) | string.repeat('a', 1000000)] AS x",
    "RETURN reduce(s = 'a', x IN range(1, 60) | s + s) AS x",
    "RETURN reduce(s = [1], x IN range(1, 60) | s + s) AS x",
    "RETURN list.repeat([1], 100000000) AS x",
    "RETURN lpad('a', 1000000000, 'b') AS x",
    "RETURN split(string.repeat('a,', 60000000), ',') AS x",
    "RETURN list.combinations(range(1, 40), 20) AS x",
    "UNWIND range(1, 100000000) AS x RETURN collect(x) AS x",
    "UNWIND range(1, 100000000) AS x RETURN DISTINCT toString(x) AS x",
    "UNWIND range(1, 100000000) AS x RETURN x ORDER BY -x",
    "UNWIND range(1, 100000000) AS x RETURN x, 'a string that is no short one ' + x AS y",
    "UNWIND range(1, 100000000) AS x WITH x % 50000000 AS k, count(*) AS c RETURN max(c) AS x",
    "MATCH (a:N), (b:N), (c:N) RETURN collect([a.i, b.i, c.i]) AS x",
    "WITH string.repeat('abcdefghij', 10000000) AS s RETURN toUpper(s) + toLower(s) + reverse(s) + s + s + s AS x",
    "WITH string.repeat('a', 100000000) AS s RETURN replace(s, 'a', 'bcdefgh') AS x",
    "RETURN json.decode('[' + string.repeat('[1],', 30000000) + '1]') AS x",
]


def memory_bytes(pid: int) -> Dict[str, int]:
    out = {}
    for line in Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith(("VmRSS:", "VmHWM:")):
            key, value = line.split(":")
            out[key] = int(value.split()[0]) * 1024
    return out


def run(queries: List[str], name: str, directory: Path) -> List[Tuple[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, name, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, MALLOC_ARENA_MAX="2"),
    )
    assert child.stdin is not None and child.stdout is not None

    def ask(line: str) -> str:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(line + "\n")
        child.stdin.flush()
        answer = child.stdout.readline().strip()
        assert answer, (line, child.wait(10))
        return answer

    try:
        assert child.stdout.readline() == "ready\n"
        before = memory_bytes(child.pid)["VmRSS"]
        outcomes = [(query, ask(query)) for query in queries]
        assert ask("---") == "idle"
        after = memory_bytes(child.pid)
        assert after["VmHWM"] - before > 100 << 20  # it has been used
        assert after["VmRSS"] - before < 96 << 20, (before, after)
        child.stdin.close()
        assert child.stdout.read() == "closed\n"
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    return outcomes


@pytest.mark.parametrize("name", ["", "disk"])
def test_queries_that_get_no_memory_end_typed(name: str, tmp_path: Path) -> None:
    for query, outcome in run(HUNGRY, name, tmp_path):
        typed = outcome in ("LORA_MEMORY_LIMIT", "LORA_LIMIT", "MemoryError")
        assert typed or outcome.startswith("rows "), (query, outcome)


def test_writes_that_get_no_memory_leave_nothing(tmp_path: Path) -> None:
    writes = [
        "UNWIND range(1, 20000000) AS x CREATE (:M {x: x, t: 'a string that is no short one ' + x})",
        "MATCH (a:N) FOREACH (x IN range(1, 100000) | CREATE (a)-[:R {x: x}]->(:M))",
        "MATCH (a:N) SET a.t = string.repeat('a', 1000000)",
    ]
    for query, outcome in run(writes, "disk", tmp_path):
        assert outcome in ("LORA_MEMORY_LIMIT", "LORA_LIMIT"), (query, outcome)


# What a statement held goes back to the system with a later call.
GIVES_BACK = """
import resource, time
from lora_python import Database

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

db = Database()
db.execute("RETURN 1")
before = resident()
rows = db.execute("UNWIND range(1, 600000) AS x WITH 'some text ' + x AS t RETURN t ORDER BY t DESC")["rows"]
large = resident() - before
del rows
time.sleep(0.05)
db.execute("RETURN 1")
kept = resident() - before
assert large > 60 << 20, large
assert kept < large / 4, (large, kept)
# And large statements go on.
for _ in range(3):
    rows = db.execute("UNWIND range(1, 600000) AS x WITH 'a text of some length ' + x AS t RETURN t")["rows"]
    assert len(rows) == 600000 and rows[-1] == {"t": "a text of some length 600000"}
"""


def test_what_a_large_statement_held_goes_back() -> None:
    subprocess.run(
        [sys.executable, "-c", GIVES_BACK], check=True, timeout=120, env=dict(os.environ, MALLOC_ARENA_MAX="2")
    )
