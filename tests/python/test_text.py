"""Text at its edges: what is no Unicode is refused typed; everything else keeps its code points, also when stored."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, List

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError

TEXTS = {
    "empty": "",
    "nul": "a\0b",
    "only nul": "\0",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "byte order mark": "\ufeffabc\ufeff",
    "combining": "e\u0301a\u0308\u0323o\u0302",
    "many combining": "z" + "\u0301" * 10_000,
    "joined emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "flags": "\U0001f1e9\U0001f1ea",
    "four bytes": "\U00010000\U0010ffff\U0001d49c",
    "bidi": "\u202eabc\u202c \u2066x\u2069 \u05d0\u05d1 \u0627\u0628",
    "hangul": "\u1112\u1161\u11ab \ud55c",
    "no characters": "\ufffe\uffff\U0001fffe\ufdd0",
    "separators": "a\u2028b\u2029c\u00a0d\u3000e",
    "case": "\u00df\u0130\u0131\ufb01\u01c5\u03a3\u03c2\u1e9e",
    "private": "\ue000\U000f0000",
    "quotes": "'\"`\\\\n",
    "replacement": "\ufffd",
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_round_trips(db: Database, name: str) -> None:
    text = TEXTS[name]
    db.execute("CREATE (:T {p: $t, l: [$t, {k: $t}.k], m: $m})", {"t": text, "m": {"k" + text: text}})
    got = rows(db, "MATCH (n:T) WHERE n.p = $t RETURN n.p AS p, n.l AS l, n.m AS m", {"t": text})
    assert got == [{"p": text, "l": [text, text], "m": {"k" + text: text}}]
    assert rows(db, "MATCH (n:T) RETURN count(DISTINCT n.p) AS c, collect(n.p) AS p") == [{"c": 1, "p": [text]}]
    if len(text) < 5_000:  # an entry of an index has at most 16 KiB
        db.execute("CREATE INDEX FOR (n:T) ON (n.p)")
    assert rows(db, "MATCH (n:T {p: $t}) RETURN size(n.p) AS s", {"t": text}) == [{"s": len(text)}]
    assert rows(db, "MATCH (n:T) WHERE n.p STARTS WITH $t RETURN n.p AS p", {"t": text[:1]}) == [{"p": text}]
    data = db.save_snapshot()
    with Database() as other:
        other.load_snapshot(data)
        assert rows(other, "MATCH (n:T) RETURN n.p AS p, n.m AS m") == [{"p": text, "m": {"k" + text: text}}]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_functions_count_code_points(memory: Database, name: str) -> None:
    text = TEXTS[name]
    row = rows(
        memory,
        "RETURN size($t) AS size, char_length($t) AS length, reverse($t) AS reverse, substring($t, 1) AS rest, "
        "substring($t, 0, 2) AS two, left($t, 1) AS left, right($t, 2) AS right, $t + $t AS twice, "
        "replace($t, left($t, 1), '') AS replaced, split($t, '') AS parts, string.slice($t, 1, 3) AS slice, "
        "[i IN range(0, size($t) - 1) | substring($t, i, 1)] AS each, string.hex($t) AS hex",
        {"t": text},
    )[0]
    assert row["size"] == row["length"] == len(text)
    assert row["reverse"] == text[::-1]
    assert (row["rest"], row["two"], row["left"], row["right"]) == (text[1:], text[:2], text[:1], text[-2:])
    assert row["twice"] == text * 2
    assert row["replaced"] == (text.replace(text[0], "") if text else "")
    assert row["slice"] == text[1:3]
    assert row["each"] == list(text)
    assert "".join(row["parts"]) == text


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_literals_and_escapes(memory: Database, name: str) -> None:
    text = TEXTS[name]
    escaped = "".join("\\u%04X" % ord(c) if ord(c) < 0x10000 else "\\U%08X" % ord(c) for c in text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    got = rows(memory, "RETURN '%s' AS a, '%s' AS b, $t AS c" % (escaped, plain), {"t": text})
    assert got == [{"a": text, "b": text, "c": text}]


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"empty", "many combining"}))
def test_names_of_all_kinds(db: Database, name: str) -> None:
    text = TEXTS[name]
    quoted = "`" + text.replace("`", "``") + "`"
    db.execute("CREATE (:%s {%s: 1})-[:%s]->(:Other)" % (quoted, quoted, quoted))
    got = rows(
        db,
        "MATCH (%s:%s)-[r:%s]->() RETURN labels(%s) AS l, type(r) AS t, keys(%s) AS k, %s.%s AS %s" % ((quoted,) * 8),
    )
    assert got == [{"l": [text], "t": text, "k": [text], text: 1}]
    assert rows(db, "MATCH (n:$($l)) RETURN n[$l] AS x", {"l": text}) == [{"x": 1}]


def test_upper_and_lower_case(memory: Database) -> None:
    for text in ("abcXYZ \u00e4\u00d6", "\u01c6", "\U00010428\U00010400", "\u03b1\u0394", "\u0434\u0416", "i\u0131"):
        got = rows(memory, "RETURN toUpper($t) AS u, toLower($t) AS l", {"t": text})
        assert got == [{"u": text.upper(), "l": text.lower()}]


def test_normal_forms(memory: Database) -> None:
    got = rows(
        memory,
        "RETURN normalize('e\\u0301', 'NFC') = '\\u00e9' AS c, size(normalize('\\u00e9', 'NFD')) AS d, "
        "normalize('\\ufb01', 'NFKC') AS kc, 'e\\u0301' = '\\u00e9' AS same",
    )
    assert got == [{"c": True, "d": 2, "kc": "fi", "same": False}]


SURROGATES = ["\ud800", "a\udfff", "\udc00\ud800x", "\ud83d"]


@pytest.mark.parametrize("text", SURROGATES)
def test_lone_surrogates_are_refused(memory: Database, text: str) -> None:
    for params in ({"p": text}, {"p": [text]}, {"p": {text: 1}}, {"p": {"a": [{"b": text}]}}):
        with pytest.raises(InvalidParamsError) as caught:
            memory.execute("RETURN $p AS p", params)
        assert caught.value.code == "LORA_INVALID_PARAMS"
    for query in ("RETURN '%s' AS x", "RETURN 1 AS `%s`", "// %s\nRETURN 1 AS x", "MATCH (n:`%s`) RETURN n"):
        with pytest.raises(LoraQueryError) as error:
            memory.execute(query % text)
        assert error.value.code == "LORA_PARSE"
    with pytest.raises(LoraQueryError):
        memory.execute("RETURN '\\u%04X' AS x" % ord(max(text)))
    assert rows(memory, "RETURN 1 AS x") == [{"x": 1}]


def test_a_pair_of_escaped_surrogates(memory: Database) -> None:
    try:
        got: List[Any] = rows(memory, "RETURN '\\uD83D\\uDE00' AS x")
    except LoraQueryError as error:
        assert error.code == "LORA_PARSE"
    else:
        assert got == [{"x": "\U0001f600"}]


def test_files_that_are_not_utf8(tmp_path: Path) -> None:
    rng = random.Random(7)
    with Database(None, {"import_dir": tmp_path}) as db:
        for _file in range(200):
            data = bytes(rng.choice(b'ab,"\n\xc3\xa4\xff\xc0\x80\xed\xa0\xf4\x90') for _ in range(rng.randint(1, 60)))
            (tmp_path / "x.csv").write_bytes(data)
            try:
                found = rows(db, "LOAD CSV FROM 'x.csv' AS line RETURN line")
            except LoraQueryError as error:
                assert error.code == "LORA_IO", (data, error)
            else:
                data.decode("utf-8")  # what was read is Unicode
                assert all(isinstance(field, str) for row in found for field in row["line"] if field is not None)


def test_bytes_to_text_are_checked(memory: Database) -> None:
    for data in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xc3"):
        try:
            got = rows(memory, "RETURN bytes.to_string($b) AS x", {"b": data})
        except LoraQueryError as error:
            assert error.code == "LORA_TYPE", (data, error)
        else:
            assert got == [{"x": None}], data
        for query in ("RETURN string.url_decode($s) AS x", "RETURN bytes.to_string(bytes.hex_decode($h)) AS x"):
            params = {"s": "".join("%%%02X" % b for b in data), "h": data.hex()}
            try:
                value = rows(memory, query, params)[0]["x"]
            except LoraQueryError as error:
                assert error.code == "LORA_TYPE", (data, error)
            else:
                assert value == data.decode("utf-8", "strict"), (query, data)


def test_random_texts_are_equal_and_ordered_by_code_points(memory: Database) -> None:
    rng = random.Random(11)
    alphabet = [chr(c) for c in (0, 9, 0x41, 0x61, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF)]
    texts = ["".join(rng.choice(alphabet) for _ in range(rng.randint(0, 40))) for _ in range(500)]
    got = rows(memory, "UNWIND $t AS t WITH t ORDER BY t RETURN collect(t) AS t", {"t": texts})
    assert got[0]["t"] == sorted(texts)
