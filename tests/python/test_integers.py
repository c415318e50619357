"""Integer arithmetic at its edges: the exact result, or `LORA_ARITHMETIC`; never one that has wrapped."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest
from lora_python import Database, LoraQueryError

LEAST, MOST = -(2**63), 2**63 - 1
SEED = 20_241


def boundaries() -> List[int]:
    values = {0, 1, -1, 2, -2, 3, 7, 10, -10, LEAST, LEAST + 1, MOST, MOST - 1, 3037000499, 3037000500, -3037000500}
    for bits in (8, 16, 31, 32, 33, 52, 53, 54, 61, 62):
        values |= {2**bits - 1, 2**bits, 2**bits + 1, -(2**bits) - 1, -(2**bits), -(2**bits) + 1}
    return sorted(values)


def pairs() -> List[Tuple[int, int]]:
    edge = boundaries()
    out = [(a, b) for a in (LEAST, LEAST + 1, -1, 0, 1, MOST - 1, MOST) for b in edge]
    rng = random.Random(SEED)
    while len(out) < 1_000:
        a, b = rng.choice(edge), rng.choice(edge)
        if rng.random() < 0.5:
            b = rng.randint(LEAST, MOST) >> rng.randint(0, 62)
        out.append((a, b))
    return out


def divided(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


BINARY: Dict[str, Callable[[int, int], int]] = {
    "$a + $b": lambda a, b: a + b,
    "$a - $b": lambda a, b: a - b,
    "$a * $b": lambda a, b: a * b,
    "$a / $b": divided,
    "$a % $b": lambda a, b: a - b * divided(a, b),  # the sign of the dividend
}
UNARY: Dict[str, Callable[[int], int]] = {"-$a": lambda a: -a, "abs($a)": abs, "- (-$a)": lambda a: a}


def outcome(work: Callable[[], int]) -> Optional[int]:
    """None: there is none in 64 bits."""
    try:
        value = work()
    except ZeroDivisionError:
        return None
    return value if LEAST <= value <= MOST else None


def answer(db: Database, expression: str, params: Dict[str, Any]) -> Any:
    try:
        return db.execute("RETURN " + expression + " AS x", params)["rows"][0]["x"]
    except LoraQueryError as error:
        assert error.code == "LORA_ARITHMETIC", (expression, params, error)
        return None


@pytest.mark.parametrize("expression", sorted(BINARY))
def test_pairs(memory: Database, expression: str) -> None:
    overflows = 0
    for a, b in pairs():
        expected = outcome(lambda a=a, b=b: BINARY[expression](a, b))  # type: ignore[misc]
        overflows += expected is None
        # As parameters, as literals (folded when planned), and from columns (whole batches at once).
        for text in (expression, expression.replace("$a", "(%d)" % a).replace("$b", "(%d)" % b)):
            got = answer(memory, text, {"a": a, "b": b})
            assert (got, type(got)) == (expected, type(expected)), (text, a, b)
        column = "UNWIND [$a, $a] AS a UNWIND [$b] AS b RETURN " + expression.replace("$", "") + " AS x"
        try:
            rows: List[Any] = [row["x"] for row in memory.execute(column, {"a": a, "b": b})["rows"]]
        except LoraQueryError as error:
            assert error.code == "LORA_ARITHMETIC", error
            rows = [None, None]
        assert rows == [expected, expected], (expression, a, b)
    assert overflows > 5


@pytest.mark.parametrize("expression", sorted(UNARY))
def test_single_values(memory: Database, expression: str) -> None:
    for a in boundaries():
        expected = outcome(lambda a=a: UNARY[expression](a))  # type: ignore[misc]
        if expression == "- (-$a)" and a == LEAST:
            expected = None  # half way it does not fit
        assert answer(memory, expression, {"a": a}) == expected, (expression, a)
        if a != LEAST or "(-" not in expression:
            assert answer(memory, expression.replace("$a", "(%d)" % a), {}) == expected, (expression, a)


def test_literals(memory: Database) -> None:
    assert answer(memory, str(MOST), {}) == MOST
    assert answer(memory, str(LEAST), {}) == LEAST
    assert answer(memory, "0x7FFFFFFFFFFFFFFF", {}) == MOST
    assert answer(memory, "-0x8000000000000000", {}) == LEAST
    for text in (str(MOST + 1), str(LEAST - 1), "0x8000000000000000", "-(9223372036854775808)", "9" * 400):
        with pytest.raises(LoraQueryError) as caught:
            memory.execute("RETURN " + text + " AS x")
        assert caught.value.detail == "IntegerOverflow", text


def test_comparisons_with_floats_are_exact(memory: Database) -> None:
    floats = [0.0, -0.0, 0.5, -0.5, 2.0**53, 2.0**53 + 2, 2.0**62, 2.0**63, -(2.0**63), 2.0**64, 1e300, -1e300]
    floats += [math.nextafter(2.0**63, 0), math.nextafter(-(2.0**63), -math.inf), math.inf, -math.inf]
    signs = {"<": lambda c: c < 0, "<=": lambda c: c <= 0, "=": lambda c: c == 0, ">=": lambda c: c >= 0}
    signs.update({">": lambda c: c > 0, "<>": lambda c: c != 0})
    for a in boundaries():
        for f in floats:
            order = (-1 if f > 0 else 1) if math.isinf(f) else (Fraction(a) > Fraction(f)) - (Fraction(a) < Fraction(f))
            text = ", ".join("$a %s $f AS `%s`" % (sign, sign) for sign in signs)
            got = memory.execute("RETURN " + text, {"a": a, "f": f})["rows"][0]
            assert got == {sign: test(order) for sign, test in signs.items()}, (a, f)
            columns = memory.execute(
                "UNWIND [$a, 0] AS a UNWIND [$f, 0.5] AS f WITH a, f WHERE a = $a AND f = $f "
                "RETURN a < f AS x, a = f AS y",
                {"a": a, "f": f},
            )["rows"]
            assert columns[0] == {"x": order < 0, "y": order == 0}, (a, f)
        assert memory.execute("RETURN $a = $n AS x, $a < $n AS y", {"a": a, "n": math.nan})["rows"] == [
            {"x": False, "y": False}
        ]


def test_conversions(memory: Database) -> None:
    for f in (0.0, 1.5, -1.5, 2.0**53, math.nextafter(2.0**63, 0), -(2.0**63)):
        assert answer(memory, "toInteger($f)", {"f": f}) == int(f)
    for f in (2.0**63, math.nextafter(-(2.0**63), -math.inf), 1e300, math.inf, math.nan):
        assert answer(memory, "toInteger($f)", {"f": f}) is None, f
    for a in boundaries():
        assert answer(memory, "toInteger(toString($a))", {"a": a}) == a
        assert answer(memory, "toInteger($a)", {"a": a}) == a
        assert answer(memory, "toFloat($a)", {"a": a}) == float(a)
    for text in (str(MOST + 1), str(LEAST - 1), "9" * 400):
        assert answer(memory, "toInteger($t)", {"t": text}) is None, text


def test_sums_and_other_functions(memory: Database) -> None:
    def rows(query: str, **params: Any) -> Any:
        return answer_of(memory, query, params)

    for query in (
        "UNWIND [9223372036854775807, 1] AS i RETURN sum(i) AS x",
        "RETURN reduce(s = 9223372036854775807, i IN [1] | s + i) AS x",
        "RETURN list.sum([9223372036854775807, 1]) AS x",
        "RETURN list.product([4611686018427387904, 2]) AS x",
        "RETURN math.abs(-9223372036854775808) AS x",
        "RETURN math.lcm(9223372036854775807, 9223372036854775806) AS x",
        "RETURN number.bitop(1, '<<', 64) AS x",
        "RETURN duration({years: 9223372036854775807}) AS x",
        "RETURN duration({days: 9223372036854775807}) + duration({days: 1}) AS x",
        "RETURN date('9999-12-31') + duration({days: 9223372036854775807}) AS x",
        "RETURN date() + duration({years: 999999999999}) AS x",
        "RETURN datetime.fromepoch(9223372036854775807, 0) AS x",
        "RETURN datetime({epochMillis: 9223372036854775807}) AS x",
        "RETURN duration({seconds: 9223372036854775807}) * 2 AS x",
        "RETURN duration({nanoseconds: -9223372036854775808}) / 0 AS x",
        "RETURN range(9223372036854775800, 9223372036854775807, 5) AS x",
        "RETURN range(-9223372036854775808, 9223372036854775807, 9223372036854775807) AS x",
        "RETURN substring('abc', 9223372036854775807) AS x",
        "RETURN substring('abc', 1, 9223372036854775807) AS x",
        "RETURN left('abc', 9223372036854775807) AS x",
        "RETURN [1, 2, 3][-9223372036854775808] AS x",
        "RETURN [1, 2, 3][9223372036854775807..-9223372036854775808] AS x",
        "RETURN [1, 2, 3][-9223372036854775808..9223372036854775807] AS x",
        "RETURN list.at([1], -9223372036854775808) AS x",
        "RETURN list.slice([1], -9223372036854775808, 9223372036854775807) AS x",
        "RETURN list.take([1], 9223372036854775807) AS x",
        "RETURN list.drop_last([1], 9223372036854775807) AS x",
        "RETURN list.insert([1], 9223372036854775807, 2) AS x",
        "RETURN list.remove([1], -9223372036854775808) AS x",
        "RETURN list.windows([1, 2], 9223372036854775807) AS x",
        "RETURN list.windows([1, 2], 1, 9223372036854775807) AS x",
        "RETURN list.chunks([1, 2], 9223372036854775807) AS x",
        "RETURN string.slice('abc', -9223372036854775808, 9223372036854775807) AS x",
        "RETURN string.pad_left('abc', -9223372036854775808) AS x",
        "RETURN bits.shift_left(1, 9223372036854775807) AS x",
        "RETURN bits.shift_right(1, -9223372036854775808) AS x",
        "RETURN math.gcd(-9223372036854775808, -1) AS x",
        "RETURN math.pow(2, 9223372036854775807) AS x",
        "RETURN round(1.5, 9223372036854775807) AS x",
        "RETURN round(1.5, -9223372036854775808) AS x",
        "RETURN number.to_base(-9223372036854775808, 36) AS x",
        "RETURN number.from_base('zzzzzzzzzzzzzzzzzzzz', 36) AS x",
        "RETURN number.format(-9223372036854775808) AS x",
        "RETURN 1 AS x SKIP 9223372036854775807",
        "RETURN 1 AS x LIMIT 9223372036854775807",
        "UNWIND [-9223372036854775808, 9223372036854775807] AS i RETURN avg(i) AS x",
        "UNWIND [-9223372036854775808, 9223372036854775807] AS i RETURN stdev(i) AS x",
        "UNWIND [-9223372036854775808, 9223372036854775807] AS i RETURN percentileDisc(i, 0.5) AS x",
    ):
        rows(query)
    assert rows("RETURN range(9223372036854775800, 9223372036854775807, 5) AS x") == [MOST - 7, MOST - 2]
    assert rows("RETURN range(-9223372036854775808, 9223372036854775807, 9223372036854775807) AS x") == [
        LEAST,
        -1,
        MOST - 1,
    ]
    assert rows("UNWIND range(9223372036854775806, 9223372036854775807) AS i RETURN collect(i) AS x") == [
        MOST - 1,
        MOST,
    ]
    assert rows("RETURN [1, 2, 3][-9223372036854775808..9223372036854775807] AS x") == [1, 2, 3]
    assert rows("RETURN substring('abc', 1, 9223372036854775807) AS x") == "bc"
    assert rows("RETURN number.to_base(-9223372036854775808, 2) AS x") == "-1" + "0" * 63
    assert rows("RETURN math.gcd(-9223372036854775808, 6) AS x") == 2


def answer_of(db: Database, query: str, params: Dict[str, Any]) -> Any:
    try:
        found = db.execute(query, params)["rows"]
    except LoraQueryError as error:
        assert error.code in ("LORA_ARITHMETIC", "LORA_TYPE", "LORA_SEMANTIC", "LORA_MEMORY_LIMIT", "LORA_LIMIT"), error
        return None
    return found[0]["x"] if found else None
