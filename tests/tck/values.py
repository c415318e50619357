"""Values: the notation of the TCK's tables, what ``lora_python`` returns, and when the two are equal.

Both become plain Python (None, bool, int, float, str, list, dict) and the classes below. `parse_value` reads the
notation, `from_engine` takes an engine's value, `Comparison` compares them, `show` writes either for a message.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

TEMPORAL_KINDS = ("date", "time", "localtime", "datetime", "localdatetime", "duration")
RELATIVE_TOLERANCE = 1e-12
ABSOLUTE_TOLERANCE = 1e-14


class NotationError(Exception):
    """Text of a table cell is no value."""


@dataclass
class Node:
    labels: FrozenSet[str]
    properties: Dict[str, Any]
    id: Optional[int] = None


@dataclass
class Relationship:
    type: str
    properties: Dict[str, Any]
    id: Optional[int] = None
    ends: Optional[Tuple[int, int]] = None


@dataclass
class Path:
    """Nodes, and between them relationships, each with its direction: ``>``, ``<``, or ``*`` (an engine's loop)."""

    nodes: List[Node]
    relationships: List[Tuple[Relationship, str]]


@dataclass
class Temporal:
    kind: str
    text: str


@dataclass
class Foreign:
    """A value that the notation cannot write, such as a point, or one that is malformed: equal to nothing."""

    text: str


# --- the notation ---

TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<infinity>-(?:Infinity|Inf)\b)
      | (?P<word>\w+)
      | (?P<quoted>`(?:[^`]|``)*`)
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<mark><-|->|[-()\[\]{}<>:,])
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPED = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
WORDS = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "Inf": math.inf,
    "Infinity": math.inf,
}


def parse_value(text: str) -> Any:
    """A value from a table's cell. Raises `NotationError`."""
    reader = Reader(text)
    value = reader.value()
    if reader.kind:
        reader.fail("nothing more")
    return value


class Reader:
    """Recursive descent over tokens; ``kind`` and ``text`` are the token ahead, ``kind`` is empty at the end."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.kind = ""
        self.text = ""
        self.advance()

    def advance(self) -> str:
        """Moves on; returns the text of the token that was ahead."""
        passed = self.text
        match = TOKEN.match(self.source, self.position)
        if match:
            self.kind = match.lastgroup or ""
            self.text = match.group(self.kind)
            self.position = match.end()
        else:
            self.kind = self.text = ""
            if self.source[self.position :].strip():
                self.fail("a value")
        return passed

    def fail(self, wanted: str) -> None:
        raise NotationError("`%s`: %s expected before position %d" % (self.source, wanted, self.position))

    def at(self, mark: str) -> bool:
        return self.kind == "mark" and self.text == mark

    def take(self, mark: str) -> bool:
        found = self.at(mark)
        if found:
            self.advance()
        return found

    def need(self, mark: str) -> None:
        if not self.take(mark):
            self.fail("`%s`" % mark)

    def value(self) -> Any:
        if self.kind == "number":
            text = self.advance()
            return int(text) if text.lstrip("+-").isdigit() else float(text)
        if self.kind == "infinity":
            self.advance()
            return -math.inf
        if self.kind == "string":
            return self.string()
        if self.kind == "word" and self.text in WORDS:
            return WORDS[self.advance()]
        if self.take("["):
            return self.relationship_rest() if self.at(":") else self.items("]", self.value)
        if self.at("{"):
            return self.map()
        if self.at("("):
            return self.node()
        if self.take("<"):
            return self.path_rest()
        return self.fail("a value")

    def string(self) -> str:
        def unescape(match: Any) -> str:
            code = match.group(1)
            if len(code) == 5:
                return chr(int(code[1:], 16))
            if code not in ESCAPED:
                raise NotationError("`%s`: unknown escape `\\%s`" % (self.source, code))
            return ESCAPED[code]

        return ESCAPE.sub(unescape, self.advance()[1:-1])

    def name(self) -> str:
        if self.kind == "quoted":
            return self.advance()[1:-1].replace("``", "`")
        if self.kind in ("word", "number"):
            return self.advance()
        if self.kind == "string":
            return self.string()
        self.fail("a name")
        return ""

    def items(self, end: str, item: Callable[[], Any]) -> List[Any]:
        found: List[Any] = []
        if self.take(end):
            return found
        while True:
            found.append(item())
            if self.take(end):
                return found
            self.need(",")

    def map(self) -> Dict[str, Any]:
        def entry() -> Tuple[str, Any]:
            key = self.name()
            self.need(":")
            return key, self.value()

        self.need("{")
        entries = self.items("}", entry)
        found = dict(entries)
        if len(found) != len(entries):
            self.fail("each key once")
        return found

    def properties(self) -> Dict[str, Any]:
        return self.map() if self.at("{") else {}

    def node(self) -> Node:
        self.need("(")
        labels = set()
        while self.take(":"):
            labels.add(self.name())
        node = Node(frozenset(labels), self.properties())
        self.need(")")
        return node

    def relationship_rest(self) -> Relationship:
        self.need(":")
        relationship = Relationship(self.name(), self.properties())
        self.need("]")
        return relationship

    def path_rest(self) -> Path:
        path = Path([self.node()], [])
        while not self.take(">"):
            backward = self.take("<-")
            if not backward:
                self.need("-")
            self.need("[")
            relationship = self.relationship_rest()
            self.need("-" if backward else "->")
            path.relationships.append((relationship, "<" if backward else ">"))
            path.nodes.append(self.node())
        return path


# --- the engine's values ---


def from_engine(value: Any) -> Any:
    """An engine's value; what it should never return becomes `Foreign`."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [from_engine(item) for item in value]
    if not isinstance(value, dict):
        return Foreign(repr(value))
    kind = value.get("kind")
    if kind == "node" and value.keys() == {"kind", "id", "labels", "properties"}:
        return Node(frozenset(value["labels"]), from_engine(value["properties"]), value["id"])
    if kind == "relationship" and "type" in value:
        ends = (value["startId"], value["endId"])
        return Relationship(value["type"], from_engine(value["properties"]), value["id"], ends)
    if kind == "path" and value.keys() == {"kind", "nodes", "rels"}:
        return path_from_engine(value)
    if kind in TEMPORAL_KINDS and value.keys() == {"kind", "iso"}:
        return Temporal(kind, value["iso"])
    if kind in ("point", "vector", "binary") and len(value) > 1:
        return Foreign(repr(value))
    return {key: from_engine(item) for key, item in value.items()}


def path_from_engine(value: Dict[str, Any]) -> Any:
    nodes = from_engine(value["nodes"])
    relationships = from_engine(value["rels"])
    if len(nodes) != len(relationships) + 1:
        return Foreign("path of %d nodes and %d relationships" % (len(nodes), len(relationships)))
    steps = []
    for start, relationship, end in zip(nodes, relationships, nodes[1:]):
        forward = relationship.ends == (start.id, end.id)
        backward = relationship.ends == (end.id, start.id)
        if not forward and not backward:
            return Foreign("path whose relationship %s does not join its nodes" % relationship.id)
        steps.append((relationship, "*" if forward and backward else ">" if forward else "<"))
    return Path(nodes, steps)


# --- equality ---


class Comparison:
    """Compares an expected value with an actual one; with ``bags``, lists at any depth may be in another order."""

    def __init__(self, bags: bool = False) -> None:
        self.bags = bags

    def equal(self, expected: Any, actual: Any) -> bool:
        if isinstance(expected, str) and isinstance(actual, Temporal):
            return same_temporal(actual.kind, expected, actual.text)
        if type(expected) is not type(actual):  # 1, 1.0 and true are three values
            return False
        if isinstance(expected, float):
            return same_float(expected, actual)
        if isinstance(expected, list):
            if self.bags:
                return not any(self.unmatched(expected, actual))
            return self.all_equal(expected, actual)
        if isinstance(expected, dict):
            return expected.keys() == actual.keys() and all(self.equal(expected[k], actual[k]) for k in expected)
        if isinstance(expected, Node):
            return expected.labels == actual.labels and self.equal(expected.properties, actual.properties)
        if isinstance(expected, Relationship):
            return expected.type == actual.type and self.equal(expected.properties, actual.properties)
        if isinstance(expected, Path):
            if not self.all_equal(expected.nodes, actual.nodes):
                return False
            pairs = zip(expected.relationships, actual.relationships)
            return all(self.equal(a, b) and to in ("*", way) for (a, way), (b, to) in pairs)
        return not isinstance(expected, Foreign) and bool(expected == actual)

    def all_equal(self, expected: List[Any], actual: List[Any]) -> bool:
        """Position by position."""
        return len(expected) == len(actual) and all(map(self.equal, expected, actual))

    def rows_equal(self, expected: List[Any], actual: List[Any]) -> bool:
        """Rows in order. A row is no list: its cells keep their places."""
        return len(expected) == len(actual) and all(map(self.all_equal, expected, actual))

    def unmatched_rows(self, expected: List[List[Any]], actual: List[List[Any]]) -> Tuple[List[int], List[int]]:
        return self.unmatched(expected, actual, self.all_equal)

    def unmatched(
        self, expected: List[Any], actual: List[Any], same: Optional[Callable[[Any, Any], bool]] = None
    ) -> Tuple[List[int], List[int]]:
        """Positions in both that a largest pairing of equal items leaves over.

        Equality with a tolerance is not transitive and text may stand for a temporal value, so an item may fit several
        others; pairs are rearranged (augmenting paths) before one is left over.
        """
        same = same or self.equal
        fits = [[j for j, item in enumerate(actual) if same(wanted, item)] for wanted in expected]
        partner: Dict[int, int] = {}
        left = [i for i in range(len(expected)) if not rearrange(i, fits, partner)]
        return left, [j for j in range(len(actual)) if j not in partner]


def rearrange(start: int, fits: List[List[int]], partner: Dict[int, int]) -> bool:
    """Finds a place for one more item, moving others when that frees one."""
    tried = {}
    queue = [start]
    for i in queue:
        for j in fits[i]:
            if j in tried:
                continue
            tried[j] = i
            if j in partner:
                queue.append(partner[j])
                continue
            while True:  # walk back: each item on the way gives up its old place
                i = tried[j]
                old = next((k for k, owner in partner.items() if owner == i), None)
                partner[j] = i
                if old is None:
                    return True
                j = old
    return False


def same_float(expected: float, actual: float) -> bool:
    if math.isnan(expected) or math.isnan(actual):
        return math.isnan(expected) and math.isnan(actual)
    return math.isclose(expected, actual, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)


DATE = r"(?P<date>[+-]?\d{4,}-\d\d-\d\d)"
CLOCK = r"(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)"
OFFSET = r"(?P<offset>Z|[+-]\d\d(?::?\d\d){0,2})"
FORMS = {
    "date": re.compile(DATE),
    "localtime": re.compile(CLOCK),
    "time": re.compile(CLOCK + OFFSET),
    "localdatetime": re.compile(DATE + "T" + CLOCK),
    "datetime": re.compile(DATE + "T" + CLOCK + OFFSET + r"(?:\[(?P<zone>[^\]]+)\])?"),
}
AMOUNT = r"(?:([+-]?\d+(?:\.\d+)?)%s)?"
DURATION = re.compile(
    "(-?)P(?=[-+\\dT])"
    + "".join(AMOUNT % unit for unit in "YMWD")
    + "(?:T(?=[-+\\d])"
    + AMOUNT % "H"
    + AMOUNT % "M"
    + AMOUNT % "S"
    + ")?"
)


def same_temporal(kind: str, expected: str, actual: str) -> bool:
    """Whether two texts are the same value of a type: ``12:00`` is ``12:00:00``, ``P14M`` is ``P1Y2M``."""
    wanted = temporal_parts(kind, expected)
    return wanted is not None and wanted == temporal_parts(kind, actual)


def temporal_parts(kind: str, text: str) -> Optional[Tuple[Any, ...]]:
    """What makes up the value, in one form, or None when the text is of another type."""
    if kind == "duration":
        match = DURATION.fullmatch(text)
        if not match:
            return None
        sign = -1 if match.group(1) else 1
        years, months, weeks, days, hours, minutes, seconds = (sign * Decimal(part or 0) for part in match.groups()[1:])
        return (12 * years + months, 7 * weeks + days, 3600 * hours + 60 * minutes + seconds)
    match = FORMS[kind].fullmatch(text)
    if not match:
        return None
    parts = match.groupdict()
    clock = None
    if parts.get("clock"):
        hour, minute, second = (parts["clock"] + ":00").split(":")[:3]
        clock = int(hour) * 3600 + int(minute) * 60 + Decimal(second)
    offset = None
    if parts.get("offset"):
        digits = re.sub(r"\D", "", parts["offset"]).ljust(6, "0")
        offset = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
        offset = -offset if parts["offset"][0] == "-" else offset
    return ((parts.get("date") or "").lstrip("+"), clock, offset, parts.get("zone"))


# --- text for messages ---


def show(value: Any) -> str:
    """A value in the notation; an engine's temporal value shows its type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"
    if isinstance(value, str):
        return "'%s'" % value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    if isinstance(value, list):
        return "[%s]" % ", ".join(map(show, value))
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (show_name(key), show(item)) for key, item in value.items())
    if isinstance(value, Node):
        return "(%s)" % show_entity(sorted(value.labels), value.properties)
    if isinstance(value, Relationship):
        return "[%s]" % show_entity([value.type], value.properties)
    if isinstance(value, Path):
        text = show(value.nodes[0])
        for (relationship, way), node in zip(value.relationships, value.nodes[1:]):
            text += ("<-%s-%s" if way == "<" else "-%s->%s") % (show(relationship), show(node))
        return "<%s>" % text
    if isinstance(value, Temporal):
        return "%s('%s')" % (value.kind, value.text)
    if isinstance(value, Foreign):
        return "?%s?" % value.text
    return repr(value)


def show_name(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d]\w*", name) else "`%s`" % name.replace("`", "``")


def show_entity(names: List[str], properties: Dict[str, Any]) -> str:
    text = "".join(":" + show_name(name) for name in names)
    return " ".join(part for part in (text, show(properties) if properties else "") if part)
