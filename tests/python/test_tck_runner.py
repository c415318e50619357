"""The TCK's runner itself: it passes what is right and, above all, fails what is wrong."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, List, Set, Tuple

import pytest

RUNNER = Path(__file__).resolve().parent.parent / "tck"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tck_" + name, RUNNER / (name + ".py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


values = load("values")
features = load("features")

Run = Tuple[int, str, str]


def run_tck(folder: Path, text: str, *options: str, known: str = "", passes: int = 0) -> Run:
    """Runs a feature file; exit status, output, the line of counts."""
    (folder / "features").mkdir(exist_ok=True)
    (folder / "features" / "a.feature").write_text(text, "utf-8")
    (folder / "known.txt").write_text(known, "utf-8")
    (folder / "passes.txt").write_text("# passes\n%d\n" % passes, "utf-8")
    counts = folder / "counts"
    counts.write_text("", "utf-8")
    files = {"features": "features", "known-failures": "known.txt", "passes": "passes.txt", "counts": "counts"}
    command = [sys.executable, str(RUNNER / "run.py"), "--jobs", "1", *options]
    for option, name in files.items():
        command += ["--" + option, str(folder / name)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout, counts.read_text("utf-8").strip()


def scenario(name: str, query: str, then: List[str], given: str = "an empty graph", setup: str = "") -> str:
    lines = ["  Scenario: " + name, "    Given " + given]
    if setup:
        lines += ["    And having executed:", '      """', "      " + setup, '      """']
    lines += ["    When executing query:", '      """', "      " + query, '      """']
    return "\n".join(lines + ["    " + line for line in then]) + "\n"


def rows(*lines: str, how: str = ", in any order") -> List[str]:
    return ["Then the result should be%s:" % how] + ["  " + line for line in lines]


def error(text: str) -> List[str]:
    return ["Then a " + text]


QUIET = "And no side effects"
EFFECTS = "And the side effects should be:"
BAG = " (ignoring element order for lists)"
UNDEFINED = "SyntaxError should be raised at compile time: UndefinedVariable"
UNSORTED = "UNWIND [2, 1] AS a RETURN a"
TWO_WAYS = "MATCH p = (:A)-->(:B) RETURN p"
PAIR = "CREATE (:A {x: 1})-[:T {y: 2}]->(:B)"

PASSING = [
    scenario("any order", UNSORTED, [*rows("| a |", "| 1 |", "| 2 |"), QUIET]),
    scenario("in order", UNSORTED, [*rows("| a |", "| 2 |", "| 1 |", how=", in order"), QUIET]),
    scenario("bags", "RETURN [[2, 1], [3]] AS a", rows("| a |", "| [[3], [1, 2]] |", how=BAG)),
    scenario("empty", "MATCH (n) RETURN n", ["Then the result should be empty", QUIET]),
    scenario("node", "MATCH (n:A) RETURN n", rows("| n |", "| (:A {x: 1}) |"), setup=PAIR),
    scenario("relationship", "MATCH ()-[r]->() RETURN r", rows("| r |", "| [:T {y: 2}] |"), setup=PAIR),
    scenario("path", TWO_WAYS, rows("| p |", "| <(:A {x: 1})-[:T {y: 2}]->(:B)> |"), setup=PAIR),
    scenario("back", "MATCH p = (:B)<--() RETURN p", rows("| p |", "| <(:B)<-[:T {y: 2}]-(:A {x: 1})> |"), setup=PAIR),
    scenario("float", "RETURN 0.1 + 0.2 AS a, sqrt(-1) AS b", rows("| a | b |", "| 0.3 | NaN |")),
    scenario("time", "RETURN time('12:00') AS a, duration('P14M') AS b", rows("| a | b |", "| '12:00Z' | 'P1Y2M' |")),
    scenario("escape", "RETURN 'it\\'s' AS a", rows("| a |", "| 'it\\\\'s' |")),
    scenario(
        "effects",
        "MATCH (a:A)-[r]->() SET a.x = 2 DELETE r CREATE (:C:D {z: 1})",
        ["Then the result should be empty", EFFECTS, "  | +nodes | 1 |", "  | -relationships | 1 |"]
        + ["  | +labels | 2 |", "  | +properties | 2 |", "  | -properties | 2 |"],
        setup=PAIR,
    ),
    scenario("void procedure", "CALL test.p()", ["Then the result should be empty"]).replace(
        "    When", "    And there exists a procedure test.p() :: ():\n      |\n    When"
    ),
    scenario("procedure", "CALL test.q(1)", rows("| b |", "| 'x' |")).replace(
        "    When",
        "    And there exists a procedure test.q(a :: INTEGER?) :: (b :: STRING?):\n"
        "      | a | b   |\n      | 1 | 'x' |\n      | 2 | 'y' |\n    When",
    ),
    scenario("error", "RETURN nobody", error(UNDEFINED), given="any graph"),
    scenario("named", "MATCH (n) RETURN n", rows("| n |", "| (:Leaf) |", "| (:Leaf) |"), given="the pair graph"),
]

FAILING = [
    scenario("procedure's row", "CALL test.q(2)", rows("| b |", "| 'x' |")).replace(
        "    When",
        "    And there exists a procedure test.q(a :: INTEGER?) :: (b :: STRING?):\n"
        "      | a | b   |\n      | 1 | 'x' |\n      | 2 | 'y' |\n    When",
    ),
    scenario("wrong value", "RETURN 1 AS a", rows("| a |", "| 2 |")),
    scenario("float for integer", "RETURN 1.0 AS a", rows("| a |", "| 1 |")),
    scenario("integer for float", "RETURN 1 AS a", rows("| a |", "| 1.0 |")),
    scenario("boolean for integer", "RETURN true AS a", rows("| a |", "| 1 |")),
    scenario("text for null", "RETURN 'null' AS a", rows("| a |", "| null |")),
    scenario("column name", "RETURN 1 AS b", rows("| a |", "| 1 |")),
    scenario("column order", "RETURN 1 AS b, 1 AS a", rows("| a | b |", "| 1 | 1 |")),
    scenario("missing row", "RETURN 1 AS a", rows("| a |", "| 1 |", "| 1 |")),
    scenario("extra row", "UNWIND [1, 1] AS a RETURN a", rows("| a |", "| 1 |")),
    scenario("other order", UNSORTED, rows("| a |", "| 1 |", "| 2 |", how=", in order")),
    scenario("list order", "RETURN [2, 1] AS a", rows("| a |", "| [1, 2] |")),
    scenario("swapped cells", "RETURN 2 AS a, 1 AS b", rows("| a | b |", "| 1 | 2 |", how=BAG)),
    scenario("not empty", "RETURN 1 AS a", ["Then the result should be empty"]),
    scenario("label missing", "MATCH (n:A) RETURN n", rows("| n |", "| ({x: 1}) |"), setup=PAIR),
    scenario("property missing", "MATCH (n:A) RETURN n", rows("| n |", "| (:A) |"), setup=PAIR),
    scenario("direction", TWO_WAYS, rows("| p |", "| <(:A {x: 1})<-[:T {y: 2}]-(:B)> |"), setup=PAIR),
    scenario("other time", "RETURN time('12:00+01:00') AS a", rows("| a |", "| '12:00Z' |")),
    scenario("date as text", "RETURN date('2024-01-01') AS a", rows("| a |", "| '2024-01-01T00:00' |")),
    scenario("effects", "CREATE (:A)", ["Then the result should be empty", QUIET]),
    scenario("label in use", "CREATE (:A)", ["Then the result should be empty", EFFECTS, "  | +nodes | 1 |"]),
    scenario("too many", "CREATE ()", ["Then the result should be empty", EFFECTS, "  | +nodes | 2 |"]),
    scenario(
        "same properties",
        "MATCH (n:A) SET n.x = 1.0",
        ["Then the result should be empty", QUIET],
        setup=PAIR,
    ),
    scenario("no error", "RETURN 1 AS a", error(UNDEFINED)),
    scenario("unexpected error", "RETURN nobody AS a", rows("| a |", "| 1 |")),
    scenario("error type", "RETURN nobody", error(UNDEFINED.replace("SyntaxError", "TypeError"))),
    scenario("error phase", "RETURN nobody", error(UNDEFINED.replace("compile time", "runtime"))),
    scenario("set-up", "RETURN 1 AS a", rows("| a |", "| 1 |"), setup="CREATE (:A"),
    scenario("unknown step", "RETURN 1 AS a", ["Then all is well"]),
    scenario("bad cell", "RETURN 1 AS a", rows("| a |", "| 1 1 |")),
    scenario("unknown effect", "RETURN 1 AS a", ["Then the result should be empty", EFFECTS, "  | +indexes | 0 |"]),
    scenario("no such graph", "RETURN 1 AS a", rows("| a |", "| 1 |"), given="the absent graph"),
    "  Scenario: no query\n    Given an empty graph\n",
]

SKIPPED = ["  @ignore\n" + scenario("ignored", "RETURN 1 AS a", rows("| a |", "| 2 |"))]


def feature(*scenarios: str) -> str:
    return "Feature: one\n\n" + "\n".join(scenarios)


def write_graph(folder: Path) -> None:
    graph = folder / "graphs" / "pair"
    graph.mkdir(parents=True)
    (graph / "pair.json").write_text(json.dumps({"name": "pair", "scripts": ["pair"]}), "utf-8")
    (graph / "pair.cypher").write_text("CREATE (:Leaf);\nCREATE (:Leaf);\n", "utf-8")


def failed(output: str) -> Set[str]:
    start = "FAILED: a.feature::"
    return {line[len(start) :] for line in output.splitlines() if line.startswith(start)}


def names(scenarios: List[str]) -> Set[str]:
    return {text.split("Scenario: ")[1].split("\n")[0] + "::0" for text in scenarios}


def test_what_is_right_passes(tmp_path: Path) -> None:
    write_graph(tmp_path)
    status, output, counts = run_tck(tmp_path, feature(*PASSING), "--failures", "--check-detail", passes=len(PASSING))
    assert (status, failed(output), counts) == (0, set(), "%d 0 0" % len(PASSING)), output


def test_each_fault_is_found(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(*FAILING))
    assert failed(output) == names(FAILING), output
    assert (status, counts) == (1, "0 %d 0" % len(FAILING))


def test_what_cannot_run_is_skipped(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(*SKIPPED))
    assert (status, counts) == (0, "0 0 1"), output


RIGHT = scenario("right", "RETURN 1 AS a", rows("| a |", "| 1 |"))
WRONG = scenario("wrong", "RETURN 1 AS a", rows("| a |", "| 2 |"))


def test_a_listed_failure_is_no_fault(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(RIGHT, WRONG), known="# why\na.feature::wrong::0\n", passes=1)
    assert (status, counts) == (0, "1 0 1"), output


def test_a_listed_failure_that_passes_is_a_fault(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(RIGHT), known="a.feature::right::0\n")
    assert (status, counts) == (1, "0 1 0"), output


def test_a_listed_scenario_must_exist(tmp_path: Path) -> None:
    status, output, _ = run_tck(tmp_path, feature(RIGHT), known="a.feature::gone::0\n")
    assert status == 1 and "gone" in output


def test_too_few_passes_are_a_fault(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(RIGHT), passes=2)
    assert (status, counts) == (1, "1 0 0"), output


def test_a_selection_need_not_reach_the_number_of_passes(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, feature(RIGHT, WRONG), "--only", "::right", passes=2)
    assert (status, counts) == (0, "1 0 0"), output


def test_nothing_selected_is_a_fault(tmp_path: Path) -> None:
    assert run_tck(tmp_path, feature(RIGHT), "--only", "absent")[0] == 2
    assert run_tck(tmp_path, "no feature\n")[0] == 2


def test_failures_show_query_and_difference(tmp_path: Path) -> None:
    output = run_tck(tmp_path, feature(WRONG), "--failures")[1]
    for text in ("RETURN 1 AS a", "- | 2 |", "+ | 1 |"):
        assert text in output


def test_the_detail_counts_when_asked_for(tmp_path: Path) -> None:
    text = feature(scenario("detail", "RETURN nobody", error(UNDEFINED.replace("UndefinedVariable", "Other"))))
    status, output, _ = run_tck(tmp_path, text)
    assert status == 0 and "1 errors with another detail" in output
    assert run_tck(tmp_path, text, "--check-detail")[0] == 1


def test_an_endless_query_fails_alone(tmp_path: Path) -> None:
    many = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b UNWIND range(1, 100000) AS c "
    endless = scenario("endless", many + "RETURN sum(a * b % 7 + c) AS a", rows("| a |", "| 1 |"))
    status, output, counts = run_tck(tmp_path, feature(RIGHT, endless, WRONG), "--timeout", "2", "--failures")
    assert (status, counts) == (1, "1 2 0") and "no answer within 2 s" in output, output


OUTLINE = """Feature: rows
  Background:
    Given an empty graph

  Scenario Outline: a <x>
    When executing query:
      \"\"\"
      RETURN <x> AS a
      \"\"\"
    Then the result should be, in any order:
      | a   |
      | <y> |

    Examples:
      | x       | y     |
      | 1       | 1     |
      | 'a\\|b' | 'a\\|b' |
    # tck-example-rows: 5, 9
    Examples:
      | x | y |
      | 2 | 2 |
      | 3 | 4 |
"""


def test_rows_of_an_outline_keep_their_numbers(tmp_path: Path) -> None:
    status, output, counts = run_tck(tmp_path, OUTLINE)
    assert (status, counts, failed(output)) == (1, "3 1 0", {"a <x>::9"})
    ids = run_tck(tmp_path, OUTLINE, "--list")[1].split("\n")
    assert ids == ["a.feature::a <x>::%d" % number for number in (1, 2, 5, 9)] + [""]


@pytest.mark.parametrize("text", [OUTLINE.replace("5, 9", "5"), feature(RIGHT).replace("    When", "    Whan")])
def test_a_broken_feature_file_is_refused(text: str) -> None:
    with pytest.raises(features.FeatureError):
        features.parse_feature(text, "a.feature")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("-1", -1),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-Inf", float("-inf")),
        ("'a\\'\\n\\u0041'", "a'\nA"),
        ('"b"', "b"),
        ("[]", []),
        ("[1, [true], {}]", [1, [True], {}]),
        ("{a: 1, `b c`: {d: null}}", {"a": 1, "b c": {"d": None}}),
        ("()", values.Node(frozenset(), {})),
        ("(:A:`b``c` {x: 1})", values.Node(frozenset(["A", "b`c"]), {"x": 1})),
        ("[:T]", values.Relationship("T", {})),
        ("<()>", values.Path([values.Node(frozenset(), {})], [])),
    ],
)
def test_notation(text: str, value: Any) -> None:
    assert values.parse_value(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "1 2", "[1", "[1,]", "{a}", "{a: 1, a: 2}", "'a", "'\\q'", "nil", "1x", "(:)", "<()-[:T]-()>", "<()", "[:]"],
)
def test_notation_refuses(text: str) -> None:
    with pytest.raises(values.NotationError):
        values.parse_value(text)


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("date", "2024-01-01", "2024-01-01", True),
        ("date", "2024-01-01", "2024-01-02", False),
        ("localtime", "12:00", "12:00:00.000", True),
        ("time", "12:00+00:00", "12:00Z", True),
        ("time", "12:00+01:00", "11:00Z", False),
        ("time", "12:00", "12:00", False),
        ("datetime", "2024-01-01T12:00+01:00[Europe/Berlin]", "2024-01-01T12:00+01:00", False),
        ("localdatetime", "2024-01-01T12:00", "2024-01-01T12:00:00", True),
        ("duration", "P14M", "P1Y2M", True),
        ("duration", "PT-1.5S", "-PT1.5S", True),
        ("duration", "P1D", "PT24H", False),
        ("duration", "P", "P", False),
    ],
)
def test_temporal_equality(kind: str, one: str, other: str, same: bool) -> None:
    assert values.same_temporal(kind, one, other) is same


def test_pairs_are_rearranged_before_one_is_left_over() -> None:
    comparison = values.Comparison()
    day = values.Temporal("date", "2024-01-01")
    assert comparison.unmatched([["2024-01-01"], ["2024-01-01"]], [[day], ["2024-01-01"]]) == ([], [])
    fits = {0: (0, 1), 1: (0,), 2: (1,)}
    left, over = comparison.unmatched([0, 1, 2], [0, 1], lambda a, b: b in fits[a])
    assert (len(left), over) == (1, [])
