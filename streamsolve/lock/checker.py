"""A lock proves itself: from its text alone, every claim in it is checked once more.

It shares no code with what makes, writes and reads locks; PEP 440 is taken from ``packaging``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from attrs import frozen
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..errors import Place

__all__ = ["Finding", "check_lock"]

_Findings = Iterator[tuple[str, str]]
_Document = dict[str, Any]
_PINNED = re.compile("sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_DISTRIBUTION = re.compile(r"python\d+\.\d+dist\([^\s\[]+\)(?: |$)")


@frozen
class Finding:
    """One thing that does not hold. The place has a path in the document, and no file."""

    place: Place
    text: str


def check_lock(text: str) -> tuple[Finding, ...]:
    """Everything in a lock that does not hold, each once, sorted by place; none for a good lock."""
    return tuple(Finding(Place(path=path), told) for path, told in sorted(set(_findings(text))))


def _findings(text: str) -> _Findings:
    try:
        lock = json.loads(text)
        bare = re.sub(r'(?m)^  "digest": "[^"\n]*",?\n', "", text, count=1).encode()
        if lock["digest"] != f"sha256:{hashlib.sha256(bare).hexdigest()}":
            yield "digest", "the file was changed by hand or damaged: its digest is another"
        if lock["schema"] != "streamsolve.lock/1":
            yield "schema", "only streamsolve.lock/1 is known"
        check = _Check(lock)
        for part in (check.streams, check.roots, check.builds, check.order):
            yield from part()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        yield "", f"it has not the shape of a lock ({type(error).__name__}: {error})"


@cache
def _rank(text: str) -> tuple[tuple[int, int, str], ...]:
    """A version or release as RPM orders it: ``~``, the end, ``^``, letters, numbers."""
    parts = {"~": (0, 0, ""), "^": (2, 0, "")}
    for token in (tokens := re.findall(r"[~^]|[0-9]+|[A-Za-z]+", text)):
        digits = (4, len(token.lstrip("0")), token.lstrip("0"))
        parts.setdefault(token, digits if token.isdigit() else (3, 0, token))
    return (*(parts[token] for token in tokens), (1, 0, ""))


@cache
def _evr(text: str) -> tuple[Any, Any, Any]:
    epoch, _, rest = text.rpartition(":")
    version, dash, release = rest.rpartition("-")
    return _rank(epoch or "0"), _rank(version if dash else release), dash and _rank(release)


def _overlap(op: str, evr: str, other_op: str, other_evr: str) -> bool:
    """Whether ranges of versions overlap. ``=`` without a release means every release."""
    if not op or not other_op:
        return True
    (*left, release), (*right, other_release) = _evr(evr), _evr(other_evr)
    if left == right and release and other_release:
        left, right = release, other_release
    elif left == right and ((release and "=" in other_op) or (other_release and "=" in op)):
        return True
    if left == right:
        return bool(set(op) & set(other_op))
    lower, higher = (op, other_op) if left < right else (other_op, op)
    return ">" in lower or "<" in higher


@cache
def _parsed(text: str) -> tuple[Any, ...]:
    """A dependency as (name, comparison, version), or as (operator, operands)."""
    if not text.startswith("("):
        return tuple(text.split()) if " " in text else (text, "", "")
    inner = r"\((?:[^\s()]|\([^\s()]*\))*\)"  # parentheses inside of a name: libc.so.6()(64bit)
    tokens = re.findall(rf"[^\s()]+(?:{inner}[^\s()]*)*|[()]", text)[::-1]
    node = _operand(tokens)
    return node if not tokens else ()


def _operand(tokens: list[str]) -> tuple[Any, ...]:
    if (name := tokens.pop()) != "(":
        return (name, tokens.pop(), tokens.pop()) if tokens[-1][0] in "<=>" else (name, "", "")
    operands, operators = [_operand(tokens)], []
    while (word := tokens.pop()) != ")":
        operators.append(word)
        operands.append(_operand(tokens))
    return operators[0] if operators else "and", tuple(operands)


class _Check:
    def __init__(self, lock: _Document) -> None:
        self.lock, self.table, self.known = lock, lock["packages"], dict[object, frozenset[str]]()
        self.build = {build["id"]: build for build in lock["builds"]}
        self.private = {_id(s): s for s in lock["streams"] if s["origin"] == "private"}
        common = {root["id"]: lock["common"] for root in lock["roots"]} | {"runtime": []}
        self.held = {r["id"]: [*common[r["id"]], *r["packages"]] for r in lock["roots"]}
        self.named, self.provided = dict[str, set[str]](), dict[str, list[tuple[Any, ...]]]()
        for ref, package in self.table.items():
            self.named.setdefault(package["name"], set()).add(ref)
            for text in (_own(package), *package.get("provides", ())):
                name, op, evr = _parsed(text)
                self.provided.setdefault(name, []).append((op, evr, ref))

    def who(self, node: tuple[Any, ...]) -> frozenset[str]:
        if node not in self.known and len(node) == 3:
            offers = self.provided.get(node[0], ())
            self.known[node] = frozenset(o[2] for o in offers if _overlap(*node[1:], o[0], o[1]))
        elif node not in self.known:
            first, *rest = map(self.who, node[1])
            ways = {"with": first.intersection, "without": first.difference, "or": first.union}
            self.known[node] = ways[node[0]](*rest)
        return self.known[node]

    def holds(self, node: tuple[Any, ...], there: set[str]) -> bool:
        if len(node) == 3 or node[0] in ("with", "without"):
            return not self.who(node).isdisjoint(there)
        values = [self.holds(operand, there) for operand in node[1]]
        if node[0] in ("and", "or"):
            return all(values) if node[0] == "and" else any(values)
        positive = {"if": True, "unless": False}[node[0]]
        wanted, condition, otherwise = (*values, positive)[:3]
        return wanted if condition == positive else otherwise

    def streams(self) -> _Findings:
        streams = self.lock["streams"]
        plan = [s for s in streams if s["origin"] != "private" or not s.get("build_only")]
        chosen = {stream["component"]: stream.get("version") for stream in plan}
        for at, stream in enumerate(streams):
            path, id, source = f"streams[{at}]", _id(stream), stream.get("source", {})
            for number, asked in enumerate(stream["requirements"] if stream in plan else ()):
                if asked["on"] not in chosen or not _allows(asked, chosen[asked["on"]]):
                    yield f"{path}.requirements[{number}]", f"{id} requires another {asked['on']}"
            if stream["origin"] == "private":
                file = "filename" in source and _PINNED.match(f"sha256:{source.get('sha256')}")
                if "purl" not in source or (source["purl"].startswith("pkg:pypi/") and not file):
                    yield f"{path}.source", f"nothing pins what {id} is built from"
                own = (self.table[ref].get("stream") for ref in self.named[stream["package"]])
                if id not in own or not self.build.keys() & {id, f"{id}/final"}:
                    yield path, f"no root holds a package of {id}, or no build makes it"
        repositories = {repository["id"] for repository in self.lock["base"]["repositories"]}
        for ref, package in self.table.items():
            path, where = f'packages["{ref}"]', package["repository"]
            pinned = _PINNED.fullmatch(package.get("checksum", "")) and package.get("size")
            if where in repositories and not pinned:
                yield f"{path}.checksum", f"{ref} has no checksum and size"
            if where not in {*repositories, "private", "external"}:
                yield f"{path}.repository", f"the base has no repository {where!r}"
            if where == "private" and _own(package) not in package["provides"]:
                yield f"{path}.provides", f"{ref} does not provide itself"

    def roots(self) -> _Findings:
        for at, root in enumerate(self.lock["roots"]):
            there, path, name = set(self.held[root["id"]]), f"roots[{at}]", root["id"]
            wanted = set(root["asked"]).union(*(self.table[r].get("requires", ()) for r in there))
            unmet = {text for text in wanted if not self.holds(_parsed(text), there)}
            for text in unmet.intersection(asked := root["asked"]):
                yield f"{path}.asked[{asked.index(text)}]", f"nothing in {name} meets {text}"
            for ref in there:
                yield from self.needs(path, name, ref, there, unmet)
            yield from self.side_by_side(path, root)

    def needs(self, at: str, root: str, ref: str, there: set[str], unmet: set[str]) -> _Findings:
        package, path = self.table[ref], f'packages["{ref}"]'
        for number, text in enumerate(package.get("requires", ()) if unmet else ()):
            if text in unmet and not text.startswith("rpmlib("):
                elsewhere = self.holds(_parsed(text), set(self.table))
                place = f"{at}.packages" if elsewhere else f"{path}.requires[{number}]"
                yield place, f"nothing in {root} meets {text}, which {ref} requires"
        for key in package.keys() & {"conflicts", "obsoletes"}:
            for number, text in enumerate(package[key]):
                node, others = _parsed(text), there - {ref}
                rivals = others if key == "conflicts" else others & self.named.get(node[0], set())
                if self.holds(node, rivals):
                    yield f"{path}.{key}[{number}]", f"{ref} {key} {text}, and {root} holds that"

    def side_by_side(self, at: str, root: _Document) -> _Findings:
        streams, versions = {_id(stream): stream for stream in root["streams"]}, dict[str, str]()
        names, seen = {self.table[ref]["name"] for ref in self.held[root["id"]]}, dict[str, str]()
        passes = "" if root["id"] == "runtime" else "/bootstrap"
        for number, stream in enumerate(root["streams"]):
            id, place, made_by = _id(stream), f"{at}.streams[{number}]", stream.get("build", "")
            if versions.setdefault(stream["component"], stream["version"]) is not stream["version"]:
                yield place, f"{root['id']} holds two streams of {stream['component']}"
            if stream["package"] and stream["package"] not in names:
                yield place, f"{root['id']} does not hold {stream['package']}"
            of = made_by.removesuffix("/final").removesuffix(passes)
            if stream["origin"] == "private" and (of != id or made_by not in self.build):
                yield place, f"{made_by!r} does not make {id}"
        usual = (s for s in self.lock["streams"] if "version" in s and not s.get("build_only"))
        both = [{(_id(s), s["origin"]) for s in each} for each in (root["streams"], usual)]
        for id, origin in both[0] ^ both[1] if root["id"] == "runtime" else ():
            yield f"{at}.streams", f"{id} ({origin}) is not both chosen and in the runtime root"
        same_python = versions.get("interpreter:python", "").startswith(self.lock["python"])
        own = {id for id, stream in streams.items() if stream["origin"] == "private"}
        for id in own & self.private.keys() if same_python else ():
            for asked in self.private[id]["requirements"]:
                version, extra = versions.get(asked["on"]), "extra" in asked.get("marker", "")
                if not extra and not _allows(asked, version):
                    yield f"{at}.streams", f"{id} requires {asked['on']} {asked['specifier']}"
        for ref in self.held[root["id"]]:
            package = self.table[ref]
            stream = streams.get(package.get("stream", ""), {})
            if package["repository"] == "private" and stream.get("origin") != "private":
                yield f"{at}.packages", f"{ref} is of no private stream in {root['id']}"
            dists = {t.split()[0] for t in package.get("provides", ()) if _DISTRIBUTION.match(t)}
            kinds = {f"{package['name']}.{package['arch']}", *(dists if len(dists) == 1 else ())}
            for kind in kinds & seen.keys():
                yield f"{at}.packages", f"{ref} and {seen[kind]} are both {kind}"
            seen |= dict.fromkeys(kinds, ref)

    def builds(self) -> _Findings:
        streams_of = {root["id"]: root["streams"] for root in self.lock["roots"]}
        omitted = {s["component"]: None for s in self.lock["streams"] if s["origin"] == "omitted"}
        for at, (name, build) in enumerate(self.build.items()):
            path, (id, _, stage) = f"builds[{at}]", name.partition("/")
            other = {"bootstrap": f"{id}/final", "final": f"{id}/bootstrap"}.get(stage, name)
            if id not in self.private or id != _id(build) or other not in self.build:
                yield path, f"{name} is neither the only pass of a private stream nor one of two"
            streams, there = streams_of[build["root"]], set(self.held[build["root"]])
            if {s.get("build") for s in streams if s["origin"] == "private"} != set(build["after"]):
                yield f"{path}.after", f"{name} comes after other builds than {build['root']} holds"
            versions = omitted | {s["component"]: s["version"] for s in streams}
            for number, need in enumerate(build["needs"]):
                text, on = need.get("applied", need["text"]), need.get("component")
                met = on in versions if on else self.holds(_parsed(text), there)
                if on and met and need["origin"] == "build-system":
                    asked = {"on": on, "specifier": str(Requirement(text).specifier)}
                    met = _allows(asked, versions[on])
                if not met:
                    yield f"{path}.needs[{number}]", f"nothing in {build['root']} meets {text}"

    def order(self) -> _Findings:
        order, level_of, end_of = self.lock["order"], dict[str, int](), dict[str, int]()
        for at, level in enumerate(order["levels"]):
            builds, path = [self.build[id] for id in level["builds"]], f"order.levels[{at}]"
            costs = [build["cost"] for build in builds]
            if (level["longest"], level["total"]) != (max(costs), sum(costs)):
                yield path, "its minutes are not those of its builds"
            for build in builds:
                first = 1 + max((level_of.get(id, at) for id in build["after"]), default=-1)
                if first != at or build["id"] in end_of:
                    yield path, f"{build['id']} belongs into another level"
                ends = (end_of.get(id, 0) for id in build["after"])
                end_of[build["id"]] = build["cost"] + max(ends, default=0)
            level_of |= dict.fromkeys(level["builds"], at)
        for id in self.build:
            waits_for = level_of.get(id.replace("/final", "/bootstrap"), len(level_of))
            if id not in level_of or waits_for + id.endswith("/final") > level_of[id]:
                yield "order.levels", f"{id} is in no level, or not after its bootstrap pass"
        chain, minutes = order["critical_path"], order["minutes"]
        apart = any(one not in self.build[other]["after"] for one, other in pairwise(chain))
        length = sum(self.build[id]["cost"] for id in chain)
        if apart or not length == minutes == max(end_of.values(), default=0):
            yield "order.critical_path", "it is not the longest chain of builds"
        total = sum(build["cost"] for build in self.build.values())
        for at, row in enumerate(order["schedule"]):
            n, took = row["builders"], row["minutes"]
            if not max(minutes, total / n) <= took <= minutes + (total - minutes) / n:
                yield f"order.schedule[{at}]", f"{row['builders']} builders take other minutes"
        if self.lock["isolation"]["leaks"]:
            yield "isolation.leaks", "something leaks"


def _id(stream: _Document) -> str:
    return f"{stream['component']}@{stream.get('version')}"


def _own(package: _Document) -> str:
    epoch = f"{package['epoch']}:" if "epoch" in package else ""
    release = f"-{package['release']}" if "release" in package else ""
    return f"{package['name']} = {epoch}{package['version']}{release}"


def _allows(asked: _Document, version: str | None) -> bool:
    """Whether PEP 440 lets it in. A series of the interpreter is its newest patch release."""
    series = asked["on"] == "interpreter:python" and (version or "").count(".") == 1
    tried = [version or "", *[f"{version}.99"] * series]
    return not version or any(SpecifierSet(asked["specifier"]).contains(v, True) for v in tried)
