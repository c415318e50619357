"""Snapshots: every source and target, compression, encryption, damage."""

from __future__ import annotations

import base64
import io
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError

QUERY = "MATCH (a)-[r]->(b) RETURN a, r, b ORDER BY a.i"


@pytest.fixture
def full(db: Database) -> Database:
    db.execute("CREATE INDEX byName FOR (n:P) ON (n.name)")
    db.execute("CREATE CONSTRAINT unique_i FOR (n:P) REQUIRE n.i IS UNIQUE")
    db.execute(
        "UNWIND range(1, 500) AS i CREATE (:P {i: i, name: 'p' + i, at: point({x: i, y: 1.5}), on: date('2024-01-01')})"
        "-[:R {w: i / 2.0}]->(:Q {list: [i, 'x', null]})"
    )
    return db


def meta_of(db: Database) -> Dict[str, int]:
    return {"nodeCount": db.node_count, "relationshipCount": db.relationship_count}


def check_copy(original: Database, source: Any, *args: Any) -> None:
    with Database() as copy:
        meta = copy.load_snapshot(source, *args)
        assert set(meta) == {"formatVersion", "nodeCount", "relationshipCount", "walLsn"}
        counts = {"nodeCount": meta["nodeCount"], "relationshipCount": meta["relationshipCount"]}
        assert counts == meta_of(original)
        assert rows(copy, QUERY) == rows(original, QUERY)
        assert {r["name"] for r in rows(copy, "SHOW INDEXES YIELD name")} >= {"byName"}
        assert [r["name"] for r in rows(copy, "SHOW CONSTRAINTS YIELD name")] == ["unique_i"]
        assert copy.verify() == {"ok": True, "errors": []}


def test_to_a_path_and_back(full: Database, tmp_path: Path) -> None:
    for target in (tmp_path / "a.bin", str(tmp_path / "b.bin"), tmp_path / os.fsdecode(b"c\xff.bin")):
        meta = full.save_snapshot(target)
        assert isinstance(meta, dict)
        assert set(meta) == {"formatVersion", "nodeCount", "relationshipCount", "walLsn"}
        assert (meta["formatVersion"], meta["nodeCount"], meta["relationshipCount"]) == (1, 1_000, 500)
        assert meta["walLsn"] is None or meta["walLsn"] > 0
        check_copy(full, target)
    assert [name for name in os.listdir(tmp_path) if "tmp" in name] == []


def test_to_bytes_base64_and_writers(full: Database) -> None:
    for args in ((), (None,), ("binary",), ("bytes",), (None, "binary"), (None, "bytes")):
        data = full.save_snapshot(*args)
        assert isinstance(data, bytes)
    check_copy(full, data)
    check_copy(full, bytearray(data))
    check_copy(full, memoryview(data))
    check_copy(full, memoryview(bytes(b for pair in zip(data, data) for b in pair))[::2])
    check_copy(full, data, "bytes")
    check_copy(full, io.BytesIO(data))
    for text in (full.save_snapshot("base64"), full.save_snapshot(None, "base64")):
        assert isinstance(text, str)
        check_copy(full, text, "base64")
    check_copy(full, "\n".join(text[i : i + 76] for i in range(0, len(text), 76)), "base64")
    writer = io.BytesIO()
    meta = full.save_snapshot(writer)
    assert isinstance(meta, dict) and meta["nodeCount"] == 1_000
    check_copy(full, writer.getvalue())


class Trickle:
    """Reads and writes a few bytes at a time, as raw files may."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def write(self, piece: Any) -> int:
        taken = bytes(piece[:4_097])
        self.data += taken
        return len(taken)

    def read(self, size: int) -> bytes:
        piece = bytes(self.data[: min(size, 1_009)])
        del self.data[: len(piece)]
        return piece


def test_partial_writers_and_readers(full: Database, tmp_path: Path) -> None:
    trickle = Trickle()
    full.save_snapshot(trickle)
    check_copy(full, bytes(trickle.data))
    check_copy(full, trickle)
    with open(tmp_path / "raw", "wb", buffering=0) as raw:
        full.save_snapshot(raw)
    with open(tmp_path / "raw", "rb", buffering=0) as raw:
        check_copy(full, raw)


class Broken:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def write(self, piece: bytes) -> int:
        raise self.error

    def read(self, size: int) -> bytes:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyboardInterrupt(), OSError(28, "full")], ids=repr)
def test_exceptions_of_writers_and_readers_come_back(full: Database, error: BaseException) -> None:
    before = rows(full, QUERY)
    for call in (full.save_snapshot, full.load_snapshot):
        with pytest.raises(type(error)) as caught:
            call(Broken(error))
        assert caught.value is error
    assert rows(full, QUERY) == before


def test_writers_and_readers_that_misbehave(memory: Database) -> None:
    class Stuck(Trickle):
        def write(self, piece: Any) -> int:
            return 0

    class Greedy(Trickle):
        def read(self, size: int) -> bytes:
            return b"x" * (size + 1)

    class Texty(Trickle):
        def read(self, size: int) -> Any:
            return "text"

    with pytest.raises(LoraQueryError):
        memory.save_snapshot(Stuck())
    with pytest.raises(LoraQueryError):
        memory.load_snapshot(Greedy())
    with pytest.raises(InvalidParamsError, match="must give bytes, not `str`"):
        memory.load_snapshot(Texty())


def test_files_in_text_mode_are_refused_with_a_hint(memory: Database, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with open(tmp_path / "s", "r+") as text:
        for stream in (text, io.StringIO()):
            with pytest.raises(InvalidParamsError, match="`wb`"):
                memory.save_snapshot(stream)
            with pytest.raises(InvalidParamsError, match="`rb`"):
                memory.load_snapshot(stream)


def test_a_writer_may_use_the_database(full: Database) -> None:
    class Curious(Trickle):
        def write(self, piece: Any) -> int:
            full.execute("CREATE (:Late)")
            return super().write(piece)

    curious = Curious()
    meta = full.save_snapshot(curious)
    assert isinstance(meta, dict) and meta["nodeCount"] == 1_000
    with Database() as copy:
        copy.load_snapshot(bytes(curious.data))
        assert copy.node_count == 1_000


COMPRESSIONS: List[Any] = [
    None,
    "none",
    "gzip",
    "zstd",
    {"format": "none"},
    {"format": "gzip", "level": 9},
    {"format": "zstd", "level": 19},
    {"format": "zstd", "level": None},
]


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=repr)
def test_compression(full: Database, compression: Any) -> None:
    check_copy(full, full.save_snapshot(None, None, {"compression": compression}))


def test_compression_makes_it_smaller(full: Database) -> None:
    sizes = [len(full.save_snapshot(options={"compression": c})) for c in ("none", "gzip", "zstd")]
    assert sizes[1] < sizes[0] / 2
    assert sizes[2] < sizes[0] / 2


CHEAP = {"memoryCostKib": 64, "timeCost": 1, "parallelism": 1}
PASSWORD = {"type": "password", "keyId": "k1", "password": "open sésame", "params": CHEAP}
KEY = {"type": "key", "key_id": "k2", "key": bytes(range(32))}


@pytest.mark.parametrize("encryption", [PASSWORD, KEY, {**KEY, "key": list(range(32))}], ids=lambda e: e["type"])
@pytest.mark.parametrize("option", ["credentials", "encryption"])
def test_encryption(full: Database, encryption: Dict[str, Any], option: str) -> None:
    data = full.save_snapshot(options={"encryption": encryption})
    assert isinstance(data, bytes)
    assert b"byName" not in data and b"p123" not in data
    check_copy(full, data, None, {option: encryption})


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {**PASSWORD, "password": "open sesame"},
        {**PASSWORD, "password": ""},
        {**KEY, "key": bytes(32)},
    ],
    ids=["none", "other", "empty", "key"],
)
def test_missing_and_wrong_credentials(full: Database, wrong: Any) -> None:
    for encryption in (PASSWORD, KEY):
        data = full.save_snapshot(options={"encryption": encryption})
        before = rows(full, QUERY)
        with pytest.raises(LoraQueryError) as caught:
            full.load_snapshot(data, options={"credentials": wrong})
        assert caught.value.code == "LORA_SNAPSHOT_CRYPTO"
        assert rows(full, QUERY) == before


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        ({"compresion": "none"}, InvalidParamsError, "did you mean `compression`"),
        ({"compression": {"format": "zstd", "lvl": 1}}, InvalidParamsError, "did you mean `level`"),
        ({"compression": "lz4"}, LoraQueryError, "none, gzip or zstd"),
        ({"compression": 5}, LoraQueryError, "none, gzip or zstd"),
        ({"compression": {"level": 5}}, LoraQueryError, "none, gzip or zstd"),
        ({"compression": {"format": "gzip", "level": 10}}, InvalidParamsError, "from 1 to 9"),
        ({"compression": {"format": "zstd", "level": "1"}}, InvalidParamsError, "integer"),
        ({"encryption": "secret"}, InvalidParamsError, "mapping"),
        ({"encryption": {}}, InvalidParamsError, "password or key"),
        ({"encryption": {"type": "rot13"}}, InvalidParamsError, "password or key"),
        ({"encryption": {"type": "password"}}, InvalidParamsError, "password"),
        ({"encryption": {"type": "password", "password": b"x"}}, InvalidParamsError, "a str"),
        ({"encryption": {"type": "password", "password": "\ud800"}}, InvalidParamsError, "surrogate"),
        ({"encryption": {"type": "password", "pasword": "x"}}, InvalidParamsError, "did you mean `password`"),
        ({"encryption": {**PASSWORD, "params": {"memoryCostKib": 2**21}}}, InvalidParamsError, "1048576"),
        ({"encryption": {**PASSWORD, "params": {"timeCost": 65}}}, InvalidParamsError, "64"),
        ({"encryption": {**PASSWORD, "params": {"timecost": 1}}}, InvalidParamsError, "did you mean"),
        ({"encryption": {**PASSWORD, "keyId": 5}}, InvalidParamsError, "keyId"),
        ({"encryption": {**PASSWORD, "key": bytes(32)}}, InvalidParamsError, "`encryption.key` does not go with"),
        ({"encryption": {**KEY, "params": CHEAP}}, InvalidParamsError, "`encryption.params` does not go with"),
        ({"encryption": {**KEY, "password": ""}}, InvalidParamsError, "`encryption.password` does not go with"),
        ({"compression": {"format": "none", "level": 1}}, InvalidParamsError, "does not go with the format none"),
        ({"encryption": {"type": "key"}}, InvalidParamsError, "32 bytes"),
        ({"encryption": {"type": "key", "key": bytes(31)}}, InvalidParamsError, "32 bytes"),
        ({"encryption": {"type": "key", "key": [256] * 32}}, InvalidParamsError, "32 bytes"),
        ({"encryption": {"type": "key", "key": "x" * 32}}, InvalidParamsError, "32 bytes"),
        ({"encryption": {"type": "key", "key": 32}}, InvalidParamsError, "32 bytes"),
        ("zstd", InvalidParamsError, "mapping"),
        ([], InvalidParamsError, "mapping"),
    ],
    ids=repr,
)
def test_wrong_save_options(memory: Database, options: Any, kind: Any, why: str) -> None:
    with pytest.raises(kind) as caught:
        memory.save_snapshot(None, None, options)
    assert why in str(caught.value)
    if kind is LoraQueryError:
        assert caught.value.code == "LORA_SNAPSHOT_CODEC"


@pytest.mark.parametrize(
    "call",
    [
        lambda db: db.save_snapshot("x.bin", {"compression": "none"}),
        lambda db: db.save_snapshot(5),
        lambda db: db.save_snapshot(""),
        lambda db: db.save_snapshot("a\0b"),
        lambda db: db.save_snapshot(None, "json"),
        lambda db: db.save_snapshot("x.bin", "base64"),
        lambda db: db.load_snapshot(None),
        lambda db: db.load_snapshot(5),
        lambda db: db.load_snapshot(""),
        lambda db: db.load_snapshot("!!!", "base64"),
        lambda db: db.load_snapshot(5, "base64"),
        lambda db: db.load_snapshot(b"", "json"),
        lambda db: db.load_snapshot(b"", None, {"compression": "none"}),
        lambda db: db.load_snapshot(b"", None, {"credentials": KEY, "encryption": KEY}),
    ],
)
def test_wrong_sources_and_targets(memory: Database, call: Any) -> None:
    with pytest.raises(InvalidParamsError):
        call(memory)


def test_paths_that_cannot_be_used(memory: Database, tmp_path: Path) -> None:
    for call in (memory.save_snapshot, memory.load_snapshot):
        for path in (tmp_path, tmp_path / "none" / "x.bin"):
            with pytest.raises(LoraQueryError) as caught:
                call(path)
            assert caught.value.code == "LORA_IO"
            assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_device_or_pipe_is_written_to_and_not_replaced(memory: Database, tmp_path: Path) -> None:
    memory.execute("CREATE (:N)")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: List[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    meta = memory.save_snapshot(pipe)
    reader.join()
    assert isinstance(meta, dict) and meta["nodeCount"] == 1
    assert stat.S_ISFIFO(os.lstat(pipe).st_mode)
    with Database() as copy:
        assert copy.load_snapshot(received[0])["nodeCount"] == 1
    if os.path.exists("/dev/full"):
        with pytest.raises(LoraQueryError) as caught:
            memory.save_snapshot("/dev/full")
        assert caught.value.code == "LORA_DISK_FULL"
        assert stat.S_ISCHR(os.lstat("/dev/full").st_mode)


def test_the_file_behind_a_link_is_replaced_and_keeps_its_mode(memory: Database, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o600)
    link.symlink_to(file)
    memory.save_snapshot(link)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Database() as copy:
        assert copy.load_snapshot(file)["nodeCount"] == 0


def test_a_failed_save_keeps_the_old_file(full: Database, tmp_path: Path) -> None:
    path = tmp_path / "s.bin"
    full.save_snapshot(path)
    before = path.read_bytes()
    full.close()
    with pytest.raises(LoraQueryError):
        full.save_snapshot(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["s.bin"]


@pytest.mark.parametrize("options", [{}, {"compression": "none"}, {"encryption": KEY}], ids=["zstd", "none", "key"])
def test_truncated_snapshots_are_refused_and_change_nothing(full: Database, options: Dict[str, Any]) -> None:
    data = full.save_snapshot(options=options)
    before = meta_of(full)
    sizes = sorted({0, 1, 7, 8, 9, 15, 16, 40, len(data) // 2, len(data) - 33, len(data) - 1})
    for size in sizes:
        with pytest.raises(LoraQueryError) as caught:
            full.load_snapshot(data[:size], options={"credentials": options.get("encryption")})
        assert caught.value.code in ("LORA_CORRUPTION", "LORA_FORMAT_VERSION", "LORA_SNAPSHOT_CRYPTO"), size
    with pytest.raises(LoraQueryError):
        full.load_snapshot(data + b"x", options={"credentials": options.get("encryption")})
    assert meta_of(full) == before
    assert full.verify() == {"ok": True, "errors": []}


@pytest.mark.parametrize("options", [{}, {"compression": "none"}, {"encryption": KEY}], ids=["zstd", "none", "key"])
def test_flipped_bits_are_refused_and_change_nothing(memory: Database, options: Dict[str, Any]) -> None:
    memory.execute("UNWIND range(1, 50) AS i CREATE (:P {i: i, name: 'p' + i})-[:R]->(:Q)")
    data = memory.save_snapshot(options=options)
    before = meta_of(memory)
    step = max(1, len(data) // 150)
    for place in [*range(0, len(data), step), len(data) - 1]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        with pytest.raises(LoraQueryError) as caught:
            memory.load_snapshot(damaged, options={"credentials": options.get("encryption")})
        assert caught.value.code != "LORA_INTERNAL", place
    assert meta_of(memory) == before
    assert memory.verify() == {"ok": True, "errors": []}


def test_foreign_files_are_recognised(memory: Database) -> None:
    with pytest.raises(LoraQueryError) as caught:
        memory.load_snapshot(b"LORACOL1" + bytes(100))
    assert caught.value.code == "LORA_FORMAT_VERSION"
    assert "LoraDB" in str(caught.value)
    for junk in (b"", b"x" * 100, b"PK\x03\x04" + bytes(100)):
        with pytest.raises(LoraQueryError) as caught:
            memory.load_snapshot(junk)
        assert caught.value.code in ("LORA_CORRUPTION", "LORA_FORMAT_VERSION")


def test_load_replaces_everything_and_ids_go_on(full: Database) -> None:
    with Database() as other:
        other.execute("CREATE (:Only)")
        small = other.save_snapshot()
    last = rows(full, "MATCH (n) RETURN max(id(n)) AS m")[0]["m"]
    full.load_snapshot(small)
    assert rows(full, "MATCH (n) RETURN labels(n) AS l") == [{"l": ["Only"]}]
    assert rows(full, "SHOW CONSTRAINTS YIELD name") == []
    assert rows(full, "CREATE (n) RETURN id(n) AS i")[0]["i"] > last


def test_a_load_into_a_named_database_is_durable(tmp_path: Path) -> None:
    with Database() as source:
        source.execute("UNWIND range(1, 100) AS i CREATE (:N {i: i})")
        data = source.save_snapshot()
    with Database("app", {"database_dir": tmp_path}) as db:
        db.execute("CREATE (:Old)")
        db.load_snapshot(data)
        db.execute("CREATE (:New)")
    with Database("app", {"database_dir": tmp_path}) as db:
        assert db.node_count == 101
        assert rows(db, "MATCH (n:Old) RETURN n") == []
        assert db.verify() == {"ok": True, "errors": []}


def test_a_load_waits_for_the_writer_and_the_same_thread_is_told_at_once(full: Database) -> None:
    data = full.save_snapshot()
    with full.begin() as tx:
        tx.execute("CREATE (:N)")
        start = time.monotonic()
        with pytest.raises(LoraQueryError) as caught:
            full.load_snapshot(data)
        assert caught.value.code == "LORA_TRANSACTION"
        assert time.monotonic() - start < 2


def test_readers_go_on_with_the_old_graph_during_a_load(full: Database) -> None:
    stream = full.stream("MATCH (n:P) RETURN n.i AS i")
    next(stream)
    with Database() as empty:
        full.load_snapshot(empty.save_snapshot())
    assert 1 + sum(1 for _ in stream) == 500
    assert full.node_count == 0


def test_base64_is_plain_base64(memory: Database) -> None:
    memory.execute("CREATE (:N)")
    text = memory.save_snapshot("base64")
    assert isinstance(text, str)
    check = base64.b64decode(text, validate=True)
    with Database() as copy:
        assert copy.load_snapshot(check)["nodeCount"] == 1
