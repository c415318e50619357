#!/usr/bin/env python3
"""The benchmark graph of `dataset.h`, made in plain Python: the same generator, the same draws in the same order, the
same floating-point operations, so the same bytes.

    dataset.py --size small # the checksums of both tables
    dataset.py --size small --csv DIRECTORY   # persons.csv and knows.csv, without header

`write_headers` makes persons_header.csv and knows_header.csv of those, with the header line that `lora-import` wants.

`engines/reference.py --compare PROGRAM` compares both with the C++ program.
"""

import argparse
import bisect
import json
import os
import shutil
import sys
import zlib
from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple

SEED = 20240607
SIZES: Dict[str, Tuple[int, int]] = {
    "smoke": (1_000, 10_000),
    "small": (20_000, 200_000),
    "medium": (100_000, 1_000_000),
    "large": (1_000_000, 10_000_000),
}
HEADERS = {
    "persons": "id:ID(Person){id-type:int},name,age:int,city,created:int,score:float\n",
    "knows": ":START_ID(Person),:END_ID(Person),since:int\n",
}

_MASK = (1 << 64) - 1
_GIVEN = (
    "Ada Alan Grace Edsger Barbara Donald Frances Ken Radia Linus Margo Tony Leslie Niklaus Sophie Dennis"
).split()
_FAMILY = (
    "Lovelace Turing Hopper Dijkstra Liskov Knuth Allen Perlman Seltzer Hoare Lamport Wirth Wilson Ritchie"
).split()


class SplitMix:
    """SplitMix64."""

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def next(self) -> int:
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        return self.next() % n

    def unit(self) -> float:
        return float(self.next() >> 11) * 2.0**-53


class Person(NamedTuple):
    id: int
    name: str
    age: int
    city: str
    created: int
    score: float


class Knows(NamedTuple):
    source: int
    target: int
    since: int


class Dataset(NamedTuple):
    persons: List[Person]
    knows: List[Knows]


def _shuffle(items: List[int], first: int, random: SplitMix) -> None:
    for i in range(len(items), first + 1, -1):
        j = first + random.below(i - first)
        items[i - 1], items[j] = items[j], items[i - 1]


def make_dataset(persons: int, knows: int, seed: int = SEED) -> Dataset:
    random = SplitMix(seed)
    people = []
    for i in range(persons):
        given = _GIVEN[random.below(len(_GIVEN))]
        family = _FAMILY[random.below(len(_FAMILY))]
        age = 18 + random.below(73)
        city = "city%d" % random.below(100)
        created = 1_500_000_000 + random.below(200_000_000)
        score = float(int(random.unit() * 1_000_000)) / 1000
        people.append(Person(i, "%s %s %d" % (given, family, i), age, city, created, score))
    out_rank = list(range(persons))
    _shuffle(out_rank, 0, random)
    in_rank = list(out_rank)
    _shuffle(in_rank, persons // 100, random)
    cumulative = []
    total = 0.0
    for i in range(persons):
        total += 1 / (float(i) + 20) ** 0.6
        cumulative.append(total)
    edges: List[Knows] = []
    carried = 0.0
    for i in range(persons):
        if len(edges) >= knows:
            break
        share = (cumulative[0] if i == 0 else cumulative[i] - cumulative[i - 1]) / total
        carried += share * float(knows)
        wanted = knows - len(edges) if i + 1 == persons else int(carried)
        carried -= float(wanted)
        source = out_rank[i]
        seen = set()  # each source comes once, so targets alone tell parallel relationships
        made = tries = 0
        while made < wanted and tries < 20 * wanted + 1000:
            tries += 1
            rank = bisect.bisect_left(cumulative, random.unit() * total)
            target = in_rank[min(rank, persons - 1)]
            if target == source or target in seen:
                continue
            seen.add(target)
            edges.append(Knows(source, target, 1990 + random.below(35)))
            made += 1
    return Dataset(people, edges)


def person_lines(data: Dataset) -> Iterator[str]:
    for p in data.persons:
        yield "%d,%s,%d,%s,%d,%.3f\n" % p


def knows_lines(data: Dataset) -> Iterator[str]:
    for k in data.knows:
        yield "%d,%d,%d\n" % k


def _crc(lines: Iterable[str]) -> int:
    crc = 0
    for line in lines:
        crc = zlib.crc32(line.encode("ascii"), crc)
    return crc


def digest(data: Dataset) -> Dict[str, object]:
    """CRC-32 of the two CSV texts, and the sizes; the C++ reference prints the same object."""
    return {
        "persons": len(data.persons),
        "knows": len(data.knows),
        "persons_crc32": "%08x" % _crc(person_lines(data)),
        "knows_crc32": "%08x" % _crc(knows_lines(data)),
    }


def write_csv(data: Dataset, directory: str) -> None:
    os.makedirs(directory, exist_ok=True)
    for name, lines in (("persons.csv", person_lines(data)), ("knows.csv", knows_lines(data))):
        path = os.path.join(directory, name)
        with open(path + ".tmp", "w", encoding="ascii", newline="") as out:
            out.writelines(lines)
        os.replace(path + ".tmp", path)


def write_headers(directory: str) -> None:
    """Writes the files once more, each below a header line."""
    for name, header in HEADERS.items():
        path = os.path.join(directory, name + "_header.csv")
        with open(os.path.join(directory, name + ".csv"), "rb") as lines, open(path + ".tmp", "wb") as out:
            out.write(header.encode("ascii"))
            shutil.copyfileobj(lines, out, 1 << 20)
        os.replace(path + ".tmp", path)


def read_ages(directory: str) -> List[int]:
    """The age of each person, from persons.csv."""
    with open(os.path.join(directory, "persons.csv"), encoding="ascii") as lines:
        return [int(line.split(",", 3)[2]) for line in lines]


def read_crc(path: str) -> str:
    """CRC-32 of a file, as in `digest`."""
    crc = 0
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            crc = zlib.crc32(part, crc)
    return "%08x" % crc


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="smoke")
    parser.add_argument("--csv", metavar="DIRECTORY", help="write persons.csv and knows.csv")
    options = parser.parse_args()
    data = make_dataset(*SIZES[options.size])
    if options.csv:
        write_csv(data, options.csv)
    print(json.dumps(digest(data)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
