"""Which interpreter counts: the one that was chosen, or the base's where nothing needs any.

An application that is a Python distribution needs an interpreter itself. Of any other one a plan
has an interpreter only if something in it is a distribution, or asks for one by name.
"""

from __future__ import annotations

from ..model.component import PYTHON, Origin
from ..model.stream import Offer, Stream
from ..model.target import Target, series_of
from ..selection import OfferBook, Problem
from .book import Book

__all__ = ["problem_of", "target_of", "usual_interpreter"]


def problem_of(book: Book, root: Stream | None = None, offers: OfferBook | None = None) -> Problem:
    """The selection problem of a book, or one with another root or other offers."""
    return Problem(root or book.root, offers or book, book.targets, book.base.python)


def target_of(book: Book, python: str) -> Target:
    """What is planned for with an interpreter of that series. A base without any has none either,
    and what needs none is planned on it."""
    return book.targets.get(python) or Target(python, book.base.base.arch)


def usual_interpreter(book: Book) -> Offer | None:
    """The base's own interpreter, which builds run with where the application has none; where the
    base has no default, its first one, if any."""
    offers = [offer for offer in book.offers(PYTHON) if offer.origin is Origin.BASE]
    own = [offer for offer in offers if series_of(offer.version) == book.base.python]
    return next(iter((*own, *offers)), None)
