"""Looks at the machine that is to run an application, and holds it against a lock.

It reads files and asks the tools that are there; it changes nothing, and whatever is missing,
broken or hostile is told and stops nothing.
"""

from __future__ import annotations

from .examine import examine
from .host import Answer, Host, LiveHost, RecordedHost
from .judge import judge

__all__ = ["Answer", "Host", "LiveHost", "RecordedHost", "examine", "judge"]
