"""Requests that may take too long: each in a thread of its own, which is then left behind."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from .farm import FarmLostError

__all__ = ["Errand"]


class Errand:
    """A request in a thread of its own, given up after ``limit`` seconds without progress."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._latest = time.monotonic()
        self._given_up = threading.Event()
        self._result: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def note_progress(self, _monitor: object) -> None:
        """Called for each part of an upload; ends one that nobody waits for any more."""
        self._latest = time.monotonic()
        if self._given_up.is_set():
            raise FarmLostError("given up")

    def run(self, request: Callable[[], Any]) -> Any:  # noqa: ANN401
        """The result of a request, or what it raised; lost after the limit."""
        self._latest = time.monotonic()
        threading.Thread(target=self._do, args=(request,), daemon=True).start()
        try:
            while True:
                left = self._latest + self._limit - time.monotonic()
                if left <= 0:
                    raise FarmLostError(f"no answer within {self._limit:g} s")
                try:
                    is_good, found = self._result.get(timeout=left)
                except queue.Empty:
                    continue
                if is_good:
                    return found
                raise found
        finally:
            self._given_up.set()

    def _do(self, request: Callable[[], Any]) -> None:
        try:
            self._result.put((True, request()))
        except BaseException as error:  # noqa: BLE001  it is raised where the result is awaited
            self._result.put((False, error))
