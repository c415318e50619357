"""Damaged and foreign directories, full disks, little memory: the caller is told, and the process lives on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set

import pytest
from conftest import rows
from lora_python import Database, LoraQueryError


def run(code: str, *args: Any, timeout: float = 120) -> str:
    """Runs code in a process of its own and gives its output; the process must end well."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=timeout).stdout


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def one(directory: Path, pattern: str) -> Path:
    return max(directory.glob(pattern), key=lambda path: path.stat().st_size)


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: Dict[str, Callable[[Path], Any]] = {
    "format flipped": lambda d: flip(d / "FORMAT"),
    "format cut": lambda d: cut(d / "FORMAT", 11),
    "format empty": lambda d: cut(d / "FORMAT", 0),
    "format is a directory": lambda d: replace_by_directory(d / "FORMAT"),
    "current cut": lambda d: cut(d / "CURRENT", 3),
    "current missing": lambda d: (d / "CURRENT").unlink(),
    "current is a directory": lambda d: replace_by_directory(d / "CURRENT"),
    "current names nothing": lambda d: (d / "CURRENT").write_text("MANIFEST-999999\n"),
    "manifest cut": lambda d: cut(one(d, "MANIFEST-*"), 60),
    "table missing": lambda d: one(d, "*.sst").unlink(),
    "table cut": lambda d: cut(one(d, "*.sst"), 100),
    "table is a directory": lambda d: replace_by_directory(one(d, "*.sst")),
    "all tables empty": lambda d: [cut(path, 0) for path in d.glob("*.sst")],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_directory_is_reported_and_the_process_lives(tmp_path: Path, damage: str) -> None:
    with Database("good", {"database_dir": tmp_path}) as good:
        good.execute("UNWIND range(1, 500) AS i CREATE (:N {i: i})-[:R]->(:M {text: 'm' + i})")
        good.checkpoint(compact=True)
    shutil.copytree(tmp_path / "good.loradb", tmp_path / "bad.loradb")
    DAMAGES[damage](tmp_path / "bad.loradb")
    codes: Set[str] = set()
    with Database("good", {"database_dir": tmp_path}) as good:
        for options in ({}, {"read_only": True}, {}):
            with pytest.raises(LoraQueryError) as caught:
                Database("bad", {"database_dir": tmp_path, **options})
            codes.add(caught.value.code)
            assert str(tmp_path / "bad.loradb") in str(caught.value) or "damaged" in str(caught.value)
        assert codes <= {"LORA_CORRUPTION", "LORA_IO"}, codes
        good.execute("CREATE (:N)")
        assert good.verify() == {"ok": True, "errors": []}


def test_a_foreign_directory_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "app.loradb"
    place.mkdir()
    (place / "letter.txt").write_text("dear reader")
    for options in ({}, {"read_only": True}, {"on_corruption": "recover"}):
        with pytest.raises(LoraQueryError) as caught:
            Database("app", {"database_dir": tmp_path, **options})
        assert caught.value.code == "LORA_CONFIG"
    assert [path.name for path in place.iterdir()] == ["letter.txt"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(LoraQueryError) as caught:
        Database("file/app", {"database_dir": tmp_path})
    assert caught.value.code in ("LORA_CONFIG", "LORA_IO", "LORA_DATABASE_NAME")


def test_damage_found_while_reading_fails_the_query_only(tmp_path: Path) -> None:
    with Database("app", {"database_dir": tmp_path}) as db:
        db.execute("UNWIND range(1, 3000) AS i CREATE (:N {i: i, text: toString(i) + 'some text that fills a block'})")
        db.checkpoint(compact=True)
    table = one(tmp_path / "app.loradb", "*.sst")
    data = bytearray(table.read_bytes())
    data[len(data) // 4] ^= 0x40
    table.write_bytes(data)
    with Database("app", {"database_dir": tmp_path}) as db:
        with pytest.raises(LoraQueryError) as caught:
            db.execute("MATCH (n) RETURN max(n.text) AS t")
        assert caught.value.code == "LORA_CORRUPTION"
        assert not db.verify()["ok"]
        assert rows(db, "RETURN 1 AS x") == [{"x": 1}]
        with pytest.raises(LoraQueryError) as caught:
            db.execute("MATCH (n) SET n.i = 0")
        assert caught.value.code == "LORA_CORRUPTION"
        assert rows(db, "CREATE (n:Fresh {i: 1}) RETURN n.i AS i") == [{"i": 1}]


WRITE_UNTIL_FULL = """
    import os
    import sys
    from lora_python import Database, LoraQueryError
    db = Database("app", {"database_dir": sys.argv[1], "cache_bytes": 64 << 20})
    written = 0
    try:
        while written < 10_000:
            db.execute("CREATE (:N {n: $n, text: $t})", {"n": written, "t": os.urandom(2000).hex()})
            written += 1
        print("never full")
    except LoraQueryError as error:
        print(error.code)
    # What was acknowledged is there; reads go on, writes say why not.
    print(db.execute("MATCH (n:N) RETURN count(n.text) AS c")["rows"][0]["c"] - written)
    try:
        db.execute("CREATE (:N)")
        print("written")
    except LoraQueryError as error:
        print(error.code)
    try:
        db.save_snapshot(sys.argv[1] + "/snapshot")
        print("saved")
    except LoraQueryError as error:
        print(error.code)
    with Database() as other:
        print(other.execute("CREATE (n:N) RETURN 1 AS x")["rows"][0]["x"])
    try:
        db.close()
    except LoraQueryError:
        pass
    print(written)
"""


def check_full(output: str, directory: Path) -> None:
    lines = output.split()
    assert lines[0] in ("LORA_DISK_FULL", "LORA_IO"), output
    assert lines[1] == "0"
    assert lines[2] in ("LORA_DISK_FULL", "LORA_IO", "LORA_READ_ONLY"), output
    assert lines[4] == "1"
    # With room again, every acknowledged commit is there.
    with Database("app", {"database_dir": directory}) as db:
        kept = rows(db, "MATCH (n:N) RETURN count(*) AS c, max(n.n) AS m")[0]
        assert int(lines[5]) <= kept["c"] <= int(lines[5]) + 1
        assert kept["m"] == kept["c"] - 1
        assert db.verify() == {"ok": True, "errors": []}
        db.execute("CREATE (:N)")


def test_a_full_disk_by_the_limit_of_file_sizes(tmp_path: Path) -> None:
    limit = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
"""
    output = run(textwrap.dedent(limit) + textwrap.dedent(WRITE_UNTIL_FULL), tmp_path)
    assert output.split()[3] in ("LORA_DISK_FULL", "LORA_IO", "saved")
    check_full(output, tmp_path)


@contextmanager
def small_file_system(place: Path, mib: int) -> Iterator[Path]:
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(place)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_file_system(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", 3) as small:
        output = run(WRITE_UNTIL_FULL, small)
        # What room is left may be enough for a file this small.
        assert output.split()[3] in ("LORA_DISK_FULL", "LORA_IO", "saved")
        room = tmp_path / "room"
        shutil.copytree(small, room)
    check_full(output, room)


# Each statement is added as sorted runs; now and then their small tables are merged.
BULK_STATEMENT = """
    UNWIND range($first, $first + 104999) AS i CREATE (:N {i: i, t: toString(i * 7919 % 1000003)})
"""
BULK_ROWS = 105_000


def test_bulk_statements_until_the_file_system_is_full(tmp_path: Path) -> None:
    code = """
        import sys
        from lora_python import Database, LoraQueryError

        db = Database("app", {"database_dir": sys.argv[1], "sync": "off"})
        written = 0
        try:
            while written < 4_000:
                db.execute(sys.argv[2], {"first": written * 105000})
                written += 1
            print("never full")
        except LoraQueryError as error:
            print(error.code)
        print(db.execute("MATCH (n:N) RETURN count(*) AS c")["rows"][0]["c"])
        try:
            db.close()
        except LoraQueryError:
            pass
        print(written)
    """
    with small_file_system(tmp_path / "small", 16) as small:
        error, seen, written = run(code, small, BULK_STATEMENT).split()
        room = tmp_path / "room"
        shutil.copytree(small, room)
    assert error == "LORA_DISK_FULL"
    assert int(seen) == int(written) * BULK_ROWS
    with Database("app", {"database_dir": room}) as db:
        kept = rows(db, "MATCH (n:N) RETURN count(*) AS c, max(n.i) AS m")[0]
        # The one that failed may have got its last word in, but not a part of it.
        assert kept["c"] in (int(seen), int(seen) + BULK_ROWS)
        assert kept["m"] == kept["c"] - 1
        assert db.verify() == {"ok": True, "errors": []}
        db.execute(BULK_STATEMENT, {"first": kept["c"]})


@pytest.mark.parametrize("seconds", [0.6, 1.3, 2.1])
def test_bulk_statements_are_all_there_or_not_after_a_kill(tmp_path: Path, seconds: float) -> None:
    code = """
        import sys
        from lora_python import Database

        db = Database("app", {"database_dir": sys.argv[1], "sync": "commit"})
        print("open", flush=True)
        for i in range(100_000):
            db.execute(sys.argv[2], {"first": i * 105000})
            print(i + 1, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), BULK_STATEMENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(seconds)
        process.kill()
        acknowledged = int((process.stdout.read().split() or ["0"])[-1])
    with Database("app", {"database_dir": tmp_path}) as db:
        count = rows(db, "MATCH (n:N) RETURN count(*) AS c")[0]["c"]
        assert count in (acknowledged * BULK_ROWS, (acknowledged + 1) * BULK_ROWS)
        assert db.verify() == {"ok": True, "errors": []}
        db.execute(BULK_STATEMENT, {"first": count})


@pytest.fixture(name="import_tool")
def _import_tool() -> str:
    tree = os.environ.get("LORA_BUILD_DIR")
    if tree is None:
        pytest.skip("LORA_BUILD_DIR names no build tree; ./tools/dev test sets it")
    return str(Path(tree) / "tools" / "lora-import")


@pytest.fixture(name="csv_files", scope="module")
def _csv_files(tmp_path_factory: pytest.TempPathFactory) -> List[str]:
    """100 000 nodes with texts that hardly shrink and 400 000 relationships, as arguments of lora-import."""
    place = tmp_path_factory.mktemp("csv")
    with open(place / "nodes.csv", "w", encoding="utf-8") as nodes:
        nodes.write("id:ID,text\n")
        nodes.writelines(f"{i},{blake2b(b'%d' % i).hexdigest()}\n" for i in range(100_000))
    with open(place / "edges.csv", "w", encoding="utf-8") as edges:
        edges.write(":START_ID,:END_ID,w:int\n")
        edges.writelines(f"{i % 100_000},{i * 7919 % 100_000},{i}\n" for i in range(400_000))
    return ["--nodes", f"N={place / 'nodes.csv'}", "--relationships", f"R={place / 'edges.csv'}"]


def test_an_import_that_fills_the_file_system_leaves_nothing(
    tmp_path: Path, import_tool: str, csv_files: List[str]
) -> None:
    with small_file_system(tmp_path / "small", 6) as small:
        done = subprocess.run([import_tool, str(small / "app.loradb"), *csv_files], capture_output=True, text=True)
        assert done.returncode == 1
        assert "LORA_DISK_FULL" in done.stderr
        assert list(small.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_an_import_that_is_ended_makes_no_database(
    tmp_path: Path, import_tool: str, csv_files: List[str], sign: signal.Signals, seconds: float
) -> None:
    target = tmp_path / "app.loradb"
    with subprocess.Popen([import_tool, str(target), *csv_files], stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(sign)
        _, errors = process.communicate(timeout=60)
    if process.returncode == 0:
        assert target.is_dir()  # it was faster
    else:
        assert not target.exists()
        if sign == signal.SIGTERM and process.returncode > 0:
            assert "LORA_INTERRUPTED" in errors
            assert list(tmp_path.iterdir()) == []
    # What a kill leaves behind is in nobody's way.
    force = ["--force"] if target.exists() else []
    subprocess.run([import_tool, str(target), *csv_files, *force], check=True, capture_output=True)
    with Database("app", {"database_dir": tmp_path}) as db:
        counts = rows(db, "MATCH (n:N) RETURN count(n) AS n, COUNT { ()-[:R]->() } AS r LIMIT 1")[0]
        assert (counts["n"], counts["r"]) == (100_000, 400_000)
        assert db.verify() == {"ok": True, "errors": []}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
def test_a_graph_of_ten_times_the_cache_stays_small(tmp_path: Path) -> None:
    # 160 MB of text and a cache of 16 MiB; the peak is the kernel's figure for the process.
    code = """
        import sys
        from lora_python import Database

        def peak():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10

        options = {"database_dir": sys.argv[1], "cache_bytes": 16 << 20, "sync": "off"}
        with Database("app", options) as db:
            db.execute("CREATE INDEX FOR (n:N) ON (n.i)")
        base = peak()
        with Database("app", options) as db:
            for first in range(0, 80_000, 2_000):
                db.execute('''UNWIND range($first, $first + 1999) AS i
                              WITH i, reduce(s = toString(i), _ IN range(1, 9) | s + s) AS text
                              CREATE (n:N {i: i, text: left(text, 2000)})''', {"first": first})
            written = peak()
        with Database("app", options) as db:
            for i in range(3):
                found = db.execute("MATCH (n:N) RETURN count(*) AS c, sum(size(n.text)) AS s, min(n.i) AS a")["rows"][0]
            assert found["c"] == 80_000 and found["a"] == 0, found
            for i in range(0, 80_000, 1_111):
                row = db.execute("MATCH (n:N {i: $i}) RETURN left(n.text, 6) AS t", {"i": i})["rows"][0]
                assert row["t"].startswith(str(i)[:6])
            assert db.verify()["ok"]
            print(found["s"], written - base, peak() - base)
    """
    size, written, read = map(int, run(code, tmp_path, timeout=300).split())
    assert size > 100 << 20, size
    assert written < 80 << 20, f"{written >> 20} MiB while writing"
    assert read < 80 << 20, f"{read >> 20} MiB while reading"
