"""What is impossible, in one sentence for each conflict, and who states a demand."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.component import PYTHON, Kind
from ..model.conflict import Cause, Conflict, Demand, Failure, Refusal, Unseen
from ..model.kernel import KERNEL
from .build_conflict_text import Unbuilt, build_sentence, is_of_build, with_causes
from .sentences import asked, joined, named, spelled
from .versions import version_ranges

__all__ = [
    "conflict_sentence",
    "is_unknown",
    "lacked",
    "not_known",
    "stated_by",
    "unbuilt_sentence",
]

_NAMED = 3


def conflict_sentence(conflict: Conflict) -> str:
    """What is impossible, in one sentence; each cause reads differently."""
    sentence = _sentence(conflict)
    after = f"{sentence[0].lower()}{sentence[1:]}"
    if conflict.unseen is Unseen.BASE:
        # An extract holds what was needed when it was made: another provider may be beyond it.
        return f"In what comes with the tool of the base: {after}"
    if conflict.unseen is Unseen.INDEX and conflict.cause is Cause.INCOMPATIBLE:
        return f"Without the package index, which was not asked: {after}"
    return sentence


def _sentence(conflict: Conflict) -> str:
    about = named(conflict.about)
    if is_of_build(conflict):
        return build_sentence(conflict)
    if conflict.cause is Cause.ROOT and (unbuilt := with_causes((conflict,))[0].unbuilt):
        return unbuilt_sentence(conflict, unbuilt)
    match conflict.cause:
        case Cause.NO_SUCH_COMPONENT | Cause.NO_SUCH_VERSION if conflict.unseen:
            return f"{not_known(conflict)}."
        case Cause.NO_SUCH_COMPONENT if conflict.about.kind is not Kind.DISTRIBUTION:
            return f"Neither the base nor the profile has {about}."
        case Cause.NO_SUCH_VERSION if conflict.about.kind is not Kind.DISTRIBUTION:
            return f"Neither the base nor the profile has such a version of {about}."
        case Cause.NO_SUCH_COMPONENT:
            return f"{about} does not exist: neither the base nor the package index has it."
        case Cause.NO_SUCH_VERSION:
            return f"No such version of {about} exists."
        case Cause.INCOMPATIBLE:
            return _incompatible(conflict, about)
        case Cause.FORBIDDEN if conflict.refusal is Refusal.NO_WHEEL:
            return f"{about} exists, but nothing runs here of what would fit."
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


def lacked(demand: Demand) -> str:
    """What no version that is there is, of those that a demand does not find."""
    if any(map(demand.requirement.allows, demand.available)):
        # Only the extras can be what keeps these out.
        return f"there with {' and '.join(demand.requirement.extras)}"
    return asked(demand.requirement)


def is_unknown(failure: Failure) -> bool:
    """Whether nothing that was looked at forbids a plan: every conflict rests on what was not."""
    return bool(failure.conflicts) and all(conflict.unseen for conflict in failure.conflicts)


def not_known(conflict: Conflict) -> str:
    """That whether there is what a conflict does not find is not known, and why, in a clause."""
    wanted = conflict.chains[0][-1].requirement if conflict.chains else None
    what = spelled(wanted) if wanted is not None else str(conflict.about)
    if conflict.unseen is Unseen.PROFILE:
        return (
            f"What {named(conflict.about)} is, the profile does not say: no [[component]] of it "
            "names packages of the base or streams, so that nothing was looked for"
        )
    return (
        f"Whether there is {what} is not known: only the releases that come with the tool were "
        "looked at, not the package index"
    )


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
