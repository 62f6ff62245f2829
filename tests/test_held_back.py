"""What holds streams back: each answer can be checked by planning."""

from __future__ import annotations

from pathlib import Path

from jsonschema import Draft202012Validator

from streamsolve.explain import Command, lay_out, plain
from streamsolve.explain.held_back_text import held_back_blocks
from streamsolve.explain.question_document import held_back_document, question_schema
from streamsolve.model.question import Freed, HeldBackReport, Hold
from streamsolve.planner.held_back import held_back_in

from .smallworld import SmallWorld, dist, profile, python, release

TYPED = Command(("streamsolve", "plan", "app"))


def world() -> SmallWorld:
    """pinned is kept out by its user's bound, dear needs more, old is the base's version."""
    made = profile("[costs.minutes]\ndear = 2\nfurther = 5\n")
    return SmallWorld(
        [python("3.14"), dist("old", "1", "python3.14dist(gone)")],
        [
            release("app", "1", "user", "dear", "old", "lone<2"),
            release("user", "1", "pinned<2"),
            release("pinned", "1"),
            release("pinned", "2"),
            release("dear", "1"),
            release("dear", "2", "further"),
            release("further", "1"),
            release("old", "1"),
            release("old", "2"),
            release("lone", "1"),
            release("lone", "2", "nobody"),
        ],
        made,
    )


def report_of(tmp_path: Path, at_most: int | None = None) -> HeldBackReport:
    with world()._workshop(tmp_path, {}) as workshop:
        return held_back_in(workshop, at_most=at_most)


def answers(report: HeldBackReport) -> dict[str, Freed]:
    return {answer.held.component.name: answer for answer in report.answers}


def test_each_is_held_by_what_holds_it(tmp_path: Path) -> None:
    found = {name: answer.hold for name, answer in answers(report_of(tmp_path)).items()}
    assert found == {
        "pinned": Hold.DEMANDS,
        "dear": Hold.PRICE,
        "old": Hold.PREFERENCE,
        "lone": Hold.UNKNOWN,
    }


def test_what_would_be_relaxed_is_named_with_who_states_it(tmp_path: Path) -> None:
    (demand,) = answers(report_of(tmp_path))["pinned"].relax
    assert (demand.component.name, demand.requirement.text) == ("user", "pinned<2")


def test_what_is_relaxed_is_still_required(tmp_path: Path) -> None:
    """A library that is not there at all would need nothing: that is no way out."""
    small = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "user==1", "pinned"),
            release("user", "1", "pinned<2"),
            release("pinned", "1"),
            release("pinned", "2"),
        ],
    )
    with small._workshop(tmp_path, {}) as workshop:
        (answer,) = held_back_in(workshop).answers
    assert [(d.component.name, d.requirement.text) for d in answer.relax] == [("user", "pinned<2")]


def test_a_relaxation_that_is_named_lets_the_newest_in(tmp_path: Path) -> None:
    for answer in report_of(tmp_path).answers:
        if answer.hold is not Hold.DEMANDS:
            continue
        relaxed = tuple(
            (d.component.name, d.requirement.component.name, str(d.requirement.specifier))
            for d in answer.relax
        )
        demand = f"{answer.held.component}=={answer.held.newest}"
        plan = world().plan(tmp_path, relaxed=relaxed, demands=(demand,))
        stream = plan.stream(answer.held.component.name)
        assert stream is not None
        assert stream.version == answer.held.newest
        assert plan.summary.cost == answer.cost


def test_the_price_is_that_of_the_plan_with_it(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    dear = answers(report)["dear"]
    plan = world().plan(tmp_path, demands=("dear==2",))
    assert (dear.cost, dear.private) == (plan.summary.cost, plan.summary.private)
    assert dear.cost - report.plan.summary.cost == 5


def test_what_is_not_tried_is_said(tmp_path: Path) -> None:
    report = report_of(tmp_path, at_most=2)
    tried = {name for name, answer in answers(report).items() if answer.hold is not Hold.NOT_TRIED}
    assert tried == {"lone", "pinned"}
    text = plain(lay_out(held_back_blocks(report, TYPED), 80))
    assert "Not tried (2): dear, old. To try them too, add --all." in text


def test_the_text_says_what_would_free_each(tmp_path: Path) -> None:
    text = plain(lay_out(held_back_blocks(report_of(tmp_path), TYPED), 80))
    assert "stated by user" in text
    assert "pinned  1 → 2  relax pinned<2" in text
    assert "streamsolve plan app --relax 'user:pinned<2'" in text
    assert "dear 1 → 2: 1 more private stream and about 5 min more" in text


def test_the_document_fits_its_schema(tmp_path: Path) -> None:
    document = held_back_document(report_of(tmp_path))
    Draft202012Validator(question_schema()).validate(document)
    assert {s["component"]: s["hold"] for s in document["streams"]}["dear"] == "price"
