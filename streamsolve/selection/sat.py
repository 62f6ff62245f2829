"""A small conflict-driven clause-learning solver, incremental and with assumptions.

Literals are integers: variable ``v`` has the literals ``2v`` (true) and ``2v + 1`` (false). Binary
clauses and at-most-one groups, which make up nearly all of a selection problem, have their own
propagation. The caller decides: a callback names the next literal, so that the order of the
decisions, and with it which of many answers is found first, belongs to the caller.

The method is that of Marques-Silva and Sakallah (GRASP, 1999) and of Eén and Sörensson (An
Extensible SAT-solver, 2003): first unique implication point, back-jumping, assumptions as first
decisions. There are no restarts and no activity heuristic: with a fixed decision rule, the answer
is the first one in the order of that rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum

__all__ = ["NO_LITERAL", "Sat", "Status", "negate"]

NO_LITERAL = -1
_UNDECIDED, _TRUE, _FALSE = 0, 1, -1


def negate(literal: int) -> int:
    """The opposite literal."""
    return literal ^ 1


class Status(Enum):
    """How a search ended. ``PAUSED`` means that the callback asked for it."""

    SAT = "sat"
    UNSAT = "unsat"
    PAUSED = "paused"
    BUDGET = "budget"


class Pause(Exception):
    """Raised by the decision callback to end the search, for example to add clauses."""


class Sat:
    """Clauses and a search over them.

    Clauses may be added between two calls of :meth:`solve` only. After ``UNSAT``, :attr:`core` is
    a subset of the assumptions that cannot hold together (empty: nothing can).
    """

    def __init__(self) -> None:
        self.values: list[int] = []
        self.core: tuple[int, ...] = ()
        self.conflicts = 0
        self._implied: list[list[int]] = []
        self._watches: list[list[list[int]]] = []
        self._siblings: list[list[int]] = []
        self._reasons: list[int | list[int]] = []
        self._levels: list[int] = []
        self._trail: list[int] = []
        self._level_starts: list[int] = []
        self._head = 0
        self._contradiction = False

    # -- the problem ---------------------------------------------------------------------------

    def new_literal(self) -> int:
        """The positive literal of a new variable."""
        literal = len(self.values)
        for _ in range(2):
            self.values.append(_UNDECIDED)
            self._implied.append([])
            self._watches.append([])
            self._siblings.append([])
        self._reasons.append(NO_LITERAL)
        self._levels.append(0)
        return literal

    def add_clause(self, literals: Iterable[int]) -> None:
        """At least one of the literals holds."""
        self._backtrack(0)
        values = self.values
        clause: list[int] = []
        for literal in dict.fromkeys(literals):
            if values[literal] == _TRUE or negate(literal) in clause:
                return
            if values[literal] == _UNDECIDED:
                clause.append(literal)
        if len(clause) > 2:
            self._watches[clause[0]].append(clause)
            self._watches[clause[1]].append(clause)
        elif len(clause) == 2:
            self._implied[negate(clause[0])].append(clause[1])
            self._implied[negate(clause[1])].append(clause[0])
        elif clause:
            self._assign(clause[0], NO_LITERAL)
        else:
            self._contradiction = True

    def add_implication(self, literal: int, consequence: int) -> None:
        """If the first holds, so does the second."""
        values = self.values
        if self._level_starts or values[literal] or values[consequence]:
            self.add_clause((literal ^ 1, consequence))
        else:
            self._implied[literal].append(consequence)
            self._implied[consequence ^ 1].append(literal ^ 1)

    def add_at_most_one(self, literals: Sequence[int]) -> None:
        """No two of the literals hold. A literal belongs to one such group at most."""
        self._backtrack(0)
        group = list(literals)
        for literal in group:
            self._siblings[literal] = group
        for literal in group:
            if self.values[literal] == _TRUE:
                for other in group:
                    if other != literal:
                        self.add_clause((negate(other),))

    def holds_always(self, literal: int) -> bool:
        """Whether the literal is known to hold in every answer."""
        return self.values[literal] == _TRUE and self._levels[literal >> 1] == 0

    def simplify(self) -> bool:
        """Draw the consequences of what is known for certain; false if nothing can hold."""
        self._backtrack(0)
        if self._contradiction or self._propagate() is not None:
            self._contradiction = True
        return not self._contradiction

    # -- the search ----------------------------------------------------------------------------

    def solve(
        self,
        assumptions: Sequence[int],
        decide: Callable[[], int],
        *,
        max_conflicts: int = 1 << 60,
    ) -> Status:
        """Search. ``decide`` names an undecided literal to try, or ``NO_LITERAL`` when the
        assignment answers the question; it may raise :class:`Pause`.

        After ``SAT`` and ``PAUSED`` :attr:`values` hold the assignment until the next call.
        """
        if not self.simplify():
            self.core = ()
            return Status.UNSAT
        budget = self.conflicts + max_conflicts
        while True:
            conflict = self._propagate()
            if conflict is not None:
                self.conflicts += 1
                if not self._level_starts:
                    self._contradiction = True
                    self.core = ()
                    return Status.UNSAT
                self._learn(conflict)
                if self.conflicts >= budget:
                    return Status.BUDGET
                continue
            if len(self._level_starts) < len(assumptions):
                if not self._assume(assumptions[len(self._level_starts)]):
                    return Status.UNSAT
                continue
            try:
                literal = decide()
            except Pause:
                return Status.PAUSED
            if literal == NO_LITERAL:
                return Status.SAT
            self._level_starts.append(len(self._trail))
            self._assign(literal, NO_LITERAL)

    def _assume(self, literal: int) -> bool:
        if self.values[literal] == _FALSE:
            self.core = self._final_core(literal)
            return False
        self._level_starts.append(len(self._trail))
        if self.values[literal] == _UNDECIDED:
            self._assign(literal, NO_LITERAL)
        return True

    def _assign(self, literal: int, reason: int | list[int]) -> None:
        self.values[literal] = _TRUE
        self.values[literal ^ 1] = _FALSE
        variable = literal >> 1
        self._reasons[variable] = reason
        self._levels[variable] = len(self._level_starts)
        self._trail.append(literal)

    def _propagate(self) -> list[int] | None:
        """Draw all consequences; a clause that is false in every literal if they contradict."""
        values, implied, siblings, trail = self.values, self._implied, self._siblings, self._trail
        assign = self._assign
        while self._head < len(trail):
            literal = trail[self._head]
            self._head += 1
            for other in implied[literal]:
                if values[other] == _UNDECIDED:
                    assign(other, literal)
                elif values[other] == _FALSE:
                    return [other, literal ^ 1]
            for sibling in siblings[literal]:
                if sibling != literal:
                    if values[sibling] == _UNDECIDED:
                        assign(sibling ^ 1, literal)
                    elif values[sibling] == _TRUE:
                        return [sibling ^ 1, literal ^ 1]
            if self._watches[literal ^ 1]:
                conflict = self._visit_watches(literal ^ 1)
                if conflict is not None:
                    return conflict
        return None

    def _visit_watches(self, false: int) -> list[int] | None:
        values = self.values
        clauses = self._watches[false]
        kept: list[list[int]] = []
        self._watches[false] = kept
        for index, clause in enumerate(clauses):
            if clause[0] == false:
                clause[0], clause[1] = clause[1], false
            first = clause[0]
            if values[first] == _TRUE:
                kept.append(clause)
                continue
            for position in range(2, len(clause)):
                if values[clause[position]] != _FALSE:
                    clause[1], clause[position] = clause[position], false
                    self._watches[clause[1]].append(clause)
                    break
            else:
                kept.append(clause)
                if values[first] == _FALSE:
                    kept.extend(clauses[index + 1 :])
                    return clause
                self._assign(first, clause)
        return None

    def _reason_literals(self, variable: int) -> Iterable[int]:
        """The true literals that forced a variable."""
        reason = self._reasons[variable]
        if isinstance(reason, list):
            return [other ^ 1 for other in reason if other >> 1 != variable]
        return () if reason == NO_LITERAL else (reason,)

    def _learn(self, conflict: list[int]) -> None:
        """Derive the clause of the first unique implication point, jump back and assert it."""
        level = len(self._level_starts)
        levels = self._levels
        seen: set[int] = set()
        learned: list[int] = []
        open_paths = 0
        position = len(self._trail)
        pending: Iterable[int] = [literal ^ 1 for literal in conflict]
        while True:
            for literal in pending:
                variable = literal >> 1
                if variable in seen or levels[variable] == 0:
                    continue
                seen.add(variable)
                if levels[variable] == level:
                    open_paths += 1
                else:
                    learned.append(literal ^ 1)
            while True:
                position -= 1
                pivot = self._trail[position]
                if pivot >> 1 in seen:
                    break
            open_paths -= 1
            if open_paths <= 0:
                break
            pending = self._reason_literals(pivot >> 1)
        learned = [literal for literal in learned if not self._redundant(literal, seen)]
        learned.sort(key=lambda literal: (-levels[literal >> 1], literal))
        back = levels[learned[0] >> 1] if learned else 0
        self._backtrack(back)
        self._attach(negate(pivot), learned)

    def _redundant(self, literal: int, seen: set[int]) -> bool:
        """Whether the other literals of the learned clause already force this one."""
        reasons = tuple(self._reason_literals(literal >> 1))
        levels = self._levels
        return bool(reasons) and all(
            other >> 1 in seen or levels[other >> 1] == 0 for other in reasons
        )

    def _attach(self, asserted: int, others: list[int]) -> None:
        if not others:
            self._assign(asserted, NO_LITERAL)
        elif len(others) == 1:
            self._implied[asserted ^ 1].append(others[0])
            self._implied[others[0] ^ 1].append(asserted)
            self._assign(asserted, others[0] ^ 1)
        else:
            clause = [asserted, *others]
            self._watches[clause[0]].append(clause)
            self._watches[clause[1]].append(clause)
            self._assign(asserted, clause)

    def _final_core(self, failed: int) -> tuple[int, ...]:
        """The assumptions that make ``failed`` false, and ``failed`` itself."""
        core = [failed]
        seen = {failed >> 1}
        for literal in reversed(self._trail):
            variable = literal >> 1
            if variable not in seen or self._levels[variable] == 0:
                continue
            reasons = tuple(self._reason_literals(variable))
            if not reasons and literal != negate(failed):
                core.append(literal)
            seen.update(other >> 1 for other in reasons)
        return tuple(core)

    def _backtrack(self, level: int) -> None:
        if len(self._level_starts) <= level:
            return
        start = self._level_starts[level]
        values = self.values
        for literal in self._trail[start:]:
            values[literal] = values[literal ^ 1] = _UNDECIDED
        del self._trail[start:]
        del self._level_starts[level:]
        self._head = min(self._head, start)
