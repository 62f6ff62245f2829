"""Some of many texts in a sentence."""

from __future__ import annotations

import pytest

from streamsolve.model.wording import few_or_all, first_few


@pytest.mark.parametrize(
    ("number", "few", "all_but_one"),
    [
        (0, "", ""),
        (1, "a", "a"),
        (2, "a, b", "a, b"),
        (3, "a, b and 1 more", "a, b, c"),
        (4, "a, b and 2 more", "a, b and 2 more"),
    ],
)
def test_what_is_left_out_is_counted(number: int, few: str, all_but_one: str) -> None:
    texts = list("abcd"[:number])
    assert first_few(texts, 2) == few
    assert few_or_all(texts, 2) == all_but_one
