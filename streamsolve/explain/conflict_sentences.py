"""What is impossible, in one sentence for each conflict, and who states a demand."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.component import PYTHON
from ..model.conflict import Cause, Conflict, Demand, Failure
from ..model.kernel import KERNEL
from .build_conflict_text import Unbuilt, build_sentence, is_of_build, with_causes
from .sentences import joined, named
from .versions import version_ranges

__all__ = ["conflict_sentence", "stated_by", "unbuilt_sentence"]

_NAMED = 3


def conflict_sentence(conflict: Conflict) -> str:
    """What is impossible, in one sentence; each cause reads differently."""
    about = named(conflict.about)
    if is_of_build(conflict):
        return build_sentence(conflict)
    if conflict.cause is Cause.ROOT and (unbuilt := with_causes((conflict,))[0].unbuilt):
        return unbuilt_sentence(conflict, unbuilt)
    match conflict.cause:
        case Cause.NO_SUCH_COMPONENT:
            return f"{about} does not exist: neither the base nor the package index has it."
        case Cause.NO_SUCH_VERSION:
            return f"No such version of {about} exists."
        case Cause.INCOMPATIBLE:
            return _incompatible(conflict, about)
        case Cause.FORBIDDEN:
            return f"{about} exists, but the profile's policy forbids what would fit."
        case Cause.UNREADABLE:
            return f"What {about} requires is not known: its metadata cannot be read."
        case Cause.ROOT if conflict.missing:
            what = _few(conflict.missing, "it needs")
            return f"{about} cannot be installed: nothing in the base provides {what}."
        case Cause.ROOT if conflict.blocked:
            what = joined(list(conflict.blocked))
            return f"{about} cannot be installed: it needs {what}, which the base cannot install."
        case Cause.ROOT if conflict.packages and conflict.about == KERNEL:
            return f"No {about} can be used, of those that are there."
        case Cause.ROOT:
            return f"The base's own packages around {about} cannot be installed together."


def _few(names: Sequence[str], whose: str) -> str:
    """The first names, and how many more there are."""
    if len(names) <= _NAMED:
        return joined(list(names))
    return f"{names[0]} and {len(names) - 1} more packages that {whose}"


def unbuilt_sentence(conflict: Conflict, unbuilt: Sequence[Unbuilt], base: str = "") -> str:
    """Which versions of what the conflict is about cannot be built; else of what it needs."""
    about, where = str(conflict.about), f" on {base}" if base else ""
    own = [one.stream for one in unbuilt if one.stream.rpartition(" ")[0] == about]
    if len(own) == 1:
        return f"{own[0]} cannot be built{where}."
    if own:
        versions = joined([stream.rpartition(" ")[2] for stream in own])
        return f"{about} cannot be built{where}, neither {versions.replace(' and ', ' nor ')}."
    streams = joined([one.stream for one in unbuilt])
    return f"{named(conflict.about)} cannot be used: {streams} cannot be built{where}."


def _incompatible(conflict: Conflict, about: str) -> str:
    """Demands that meet at the component and have nothing in common, or versions of it that all
    die: of what they need, or of what is needed with them."""
    demands = {demand for chain in conflict.chains for demand in chain}
    on_it = [demand for demand in demands if demand.requirement.component == conflict.about]
    by_it = [demand for demand in demands if demand.by == conflict.about]
    meets_there = all(chain[-1] in on_it for chain in conflict.chains)
    if _nothing_in_common(on_it) and (meets_there or not by_it):
        return f"The demands on {about} conflict with each other: no version meets them all."
    if len(conflict.chains) > 1 and by_it:
        there = {version for demand in on_it for version in demand.available}
        stating = {version for demand in by_it for version in demand.versions}
        each = "each" if there <= stating else "each that is let in"
        return f"No version of {about} can be used: {each} needs something that cannot be had."
    if conflict.about == PYTHON and not meets_there:
        return (
            f"No version of {about} can be used: with each that is let in, something is needed "
            "that cannot be had."
        )
    return f"What requires {about} conflicts with what is there of it."


def _nothing_in_common(demands: Sequence[Demand]) -> bool:
    """Whether all demands together let nothing in, though each that requires it does."""
    if len(demands) <= 1 or not all(d.allowed or d.only_if_used for d in demands):
        return False
    return not set.intersection(*(set(demand.allowed) for demand in demands))


def stated_by(demand: Demand, failure: Failure) -> str:
    """Who states a demand, with the versions of it that do."""
    if demand.by.name == failure.application and not demand.versions:
        return f"{demand.by} {failure.version}"
    return f"{demand.by} {version_ranges(demand.versions)}" if demand.versions else str(demand.by)
