"""Reads feature files (Gherkin) into scenarios that can be run: one for each plain scenario and for each example row.

A scenario's id is ``path::name::example``: the path below the features' folder, the name as it is written, and 0 for a
plain scenario or the number of the row, counted over all tables of the outline. Where rows were taken out of a table, a
comment ``# tck-example-rows: 1, 2, 4`` above it keeps the numbers of those that stayed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from gherkin.errors import ParserError
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler

ROW_NUMBERS = re.compile(r"^\s*#\s*tck-example-rows:(.*)$")


class FeatureError(Exception):
    """A file is no feature file, or its scenarios cannot be told apart."""


@dataclass
class Step:
    """One line of a scenario, without its keyword, and what hangs below it."""

    line: int
    text: str
    doc: Optional[str] = None
    table: Optional[List[List[str]]] = None


@dataclass
class Scenario:
    path: str
    name: str
    example: int
    line: int
    tags: List[str]
    steps: List[Step]

    @property
    def id(self) -> str:
        return "%s::%s::%d" % (self.path, self.name, self.example)


def load_features(folder: Path) -> List[Scenario]:
    """The scenarios of all ``*.feature`` files below a folder, sorted by path. Raises `FeatureError`."""
    scenarios = []
    for file in sorted(folder.rglob("*.feature")):
        path = file.relative_to(folder).as_posix()
        scenarios.extend(parse_feature(file.read_text("utf-8"), path))
    seen: Dict[str, Scenario] = {}
    for scenario in scenarios:
        if seen.setdefault(scenario.id, scenario) is not scenario:
            raise FeatureError("two scenarios have the id `%s`" % scenario.id)
    return scenarios


def parse_feature(text: str, path: str) -> List[Scenario]:
    """The scenarios of one file, in order. Raises `FeatureError`."""
    try:
        document: Any = Parser().parse(text)
    except ParserError as error:
        raise FeatureError("%s: %s" % (path, error)) from None
    feature = document.get("feature")
    if not feature:
        raise FeatureError("%s: no feature" % path)
    document["uri"] = path
    comments = [(comment["location"]["line"], comment["text"]) for comment in document["comments"]]
    lines = dict(node_lines(feature))
    numbers: Dict[str, int] = {}
    names: Dict[str, str] = {}
    for definition in scenario_definitions(feature):
        names[definition["id"]] = definition["name"]
        numbers.update(example_numbers(definition, comments, path))
    scenarios = []
    for pickle in Compiler().compile(document):
        origin = pickle["astNodeIds"]
        scenarios.append(
            Scenario(
                path=path,
                name=names[origin[0]],
                example=numbers[origin[1]] if len(origin) > 1 else 0,
                line=lines[origin[-1]],
                tags=[tag["name"] for tag in pickle["tags"]],
                steps=[make_step(step, lines) for step in pickle["steps"]],
            )
        )
    return scenarios


def make_step(step: Any, lines: Dict[str, int]) -> Step:
    argument = step.get("argument") or {}
    doc = argument["docString"]["content"] if "docString" in argument else None
    table = None
    if "dataTable" in argument:
        table = [[cell["value"] for cell in row["cells"]] for row in argument["dataTable"]["rows"]]
    return Step(lines[step["astNodeIds"][0]], step["text"], doc, table)


def scenario_definitions(container: Any) -> Iterator[Any]:
    for child in container["children"]:
        if "rule" in child:
            yield from scenario_definitions(child["rule"])
        elif "scenario" in child:
            yield child["scenario"]


def example_numbers(definition: Any, comments: List[Tuple[int, str]], path: str) -> Iterator[Tuple[str, int]]:
    """The node ids of an outline's rows with the rows' numbers."""
    number = 0
    above = max([definition["location"]["line"]] + [step["location"]["line"] for step in definition["steps"]])
    for examples in definition["examples"]:
        line = examples["location"]["line"]
        rows = examples.get("tableBody") or []
        kept = None
        for comment_line, text in comments:
            match = ROW_NUMBERS.match(text)
            if match and above < comment_line < line:
                kept = [int(digits) for digits in re.findall(r"\d+", match.group(1))]
        if kept is not None and len(kept) != len(rows):
            raise FeatureError("%s:%d: `tck-example-rows` names %d rows of %d" % (path, line, len(kept), len(rows)))
        for index, row in enumerate(rows):
            number = kept[index] if kept is not None else number + 1
            yield row["id"], number
        above = rows[-1]["location"]["line"] if rows else line


def node_lines(node: Any) -> Iterator[Tuple[str, int]]:
    """Id and line of every node of the parsed tree."""
    if isinstance(node, list):
        for item in node:
            yield from node_lines(item)
    elif isinstance(node, dict):
        if "id" in node and "location" in node:
            yield node["id"], node["location"]["line"]
        for item in node.values():
            yield from node_lines(item)
