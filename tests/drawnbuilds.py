"""Random small worlds in which builds matter, and an oracle of what can be built in them.

The oracle knows nothing of cycles, passes or roots. What can be built grows from nothing: a stream
is added once its needs can be met, with all that they require, by one stream of each distribution
that the base has or that was added before. There is a plan if the application's requirements can
be met in the same way.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, evolve, field
from packaging.requirements import Requirement

from .buildworld import BuildWorld, Sdist, interpreter, sdist, source
from .smallworld import dist, profile

__all__ = ["DrawnBuilds", "drawn"]

Key = tuple[str, str, str]
"""Where a stream is from (``base`` or ``up``), its name and its version."""


@define
class DrawnBuilds:
    """A world, and the same facts in plain texts: by stream what it requires, and for upstream's
    what building it needs."""

    world: BuildWorld
    names: Sequence[str]
    requires: Mapping[Key, Sequence[str]]
    needs: Mapping[Key, Sequence[str]]
    conflicts: Mapping[Key, Sequence[str]]
    _buildable: set[Key] | None = field(default=None, init=False)

    @property
    def buildable(self) -> set[Key]:
        """All of upstream's streams that can be built, the application aside."""
        if self._buildable is None:
            found: set[Key] = set()
            while True:
                further = {
                    key
                    for key in self.needs
                    if key not in found and key[1] != "app" and self._met(self.needs[key], found)
                }
                if not further:
                    break
                found |= further
            self._buildable = found
        return self._buildable

    @property
    def has_plan(self) -> bool:
        """Whether the application can be had and built."""
        app = ("up", "app", "1")
        met = self._met(self.requires[app], self.buildable)
        return met and self._met(self.needs[app], self.buildable)

    def _met(self, texts: Sequence[str], built: set[Key]) -> bool:
        return any(True for _ in self._choices(texts, built))

    def _choices(self, texts: Sequence[str], built: set[Key]) -> Iterator[Mapping[str, Key]]:
        """Every choice that meets some requirements, by trying all."""
        options: list[list[Key | None]] = []
        for name in self.names:
            known = [k for k in self.requires if k[1] == name and (k[0] == "base" or k in built)]
            options.append([None, *known])
        for combination in itertools.product(*options):
            choice = {key[1]: key for key in combination if key is not None}
            if self._is_closed(texts, choice):
                yield choice

    def _is_closed(self, texts: Sequence[str], choice: Mapping[str, Key]) -> bool:
        stated = [*texts, *(text for key in choice.values() for text in self.requires[key])]
        for text in stated:
            wanted = Requirement(text)
            got = choice.get(wanted.name)
            if got is None or not wanted.specifier.contains(got[2]):
                return False
        return not any(
            (wanted := Requirement(text)).name in choice
            and wanted.specifier.contains(choice[wanted.name][2])
            for key in choice.values()
            for text in self.conflicts.get(key, ())
        )


def drawn(seed: int, *, tests: bool = False, conflicts: bool = False) -> DrawnBuilds:
    """A world of up to four distributions with up to three versions each. With ``tests``, the
    base's specs ask for distributions to test with; with ``conflicts``, the base's packages do not
    go together with some versions of others."""
    rng = random.Random(seed)
    names = [f"d{n}" for n in range(rng.randint(2, 4))]
    requires: dict[Key, list[str]] = {}
    needs: dict[Key, list[str]] = {}
    against: dict[Key, list[str]] = {}
    packages, sources, upstream = interpreter("3.14"), [], []

    def bound() -> str:
        version = rng.choice("123")
        usual = ["", "", "", f">={version}", f"<{version}", f"=={version}"]
        return rng.choice(usual)

    def others(name: str, chance: float) -> list[str]:
        return [f"{n}{bound()}" for n in names if n != name and rng.random() < chance]

    of_base = [name for name in names if rng.random() < 0.6]
    for name in names:
        if name in of_base:
            version = rng.choice("123")
            asked = [n for n in of_base if n != name and rng.random() < 0.3]
            requires["base", name, version] = asked
            texts = [f"python3.14dist({other})" for other in asked]
            strange = [n for n in names if conflicts and n not in (name, *asked)]
            hated = [n for n in strange if rng.random() < 0.3]
            limits = [f"{other} {rng.choice(['<', '>='])} 2" for other in hated]
            against["base", name, version] = limits
            texts_of = [f"python3-{text}" for text in limits]
            packages.append(
                dist(name, version, *texts, source=f"python-{name}", conflicts=texts_of)
            )
            if tests:
                tested = [n for n in names if n != name and rng.random() < 0.5]
                texts = [f"python3dist({other})" for other in tested]
                sources.append(source(f"python-{name}", "python3-devel", *texts))
        for version in sorted(rng.sample("123", rng.randint(1, 3))):
            requires["up", name, version] = others(name, 0.2)
            needs["up", name, version] = others(name, 0.35)
            if rng.random() < 0.1:
                needs["up", name, version].append(f"{name}{bound()}")
    # What the application wants newer than the base has it is private, while builds may use either.
    wanted = [name for name in names if rng.random() < 0.6]
    requires["up", "app", "1"] = [f"{n}{rng.choice(['>=2', bound()])}" for n in wanted]
    needs["up", "app", "1"] = others("app", 0.2)
    for (_, name, version), texts in needs.items():
        upstream.append(_sdist(name, version, requires["up", name, version], texts))
    costs = "".join(f"{name} = {rng.randint(1, 4)}\n" for name in names)
    made = evolve(profile(f"[costs.minutes]\n{costs}"), interpreters=())
    world = BuildWorld(packages, upstream, made, sources)
    return DrawnBuilds(world, names, requires, needs, against)


def _sdist(name: str, version: str, requires: Sequence[str], needs: Sequence[str]) -> Sdist:
    return sdist(name, version, *requires, build=", ".join(needs))
