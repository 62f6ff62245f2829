"""The application of the real build: its profile, and how it is locked on the small base."""

from __future__ import annotations

__all__ = ["PROFILE"]

PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1"
default-variant = "only"
default-base = "small-1"
interpreters = []

[variants.only]
requirements = "wheel"
needs = ["package:libfoo <2"]

[[component]]
component = "package:libfoo"
packages = ["libfoo"]
[[component.stream]]
version = "1"
origin = "private"
package = "libfoo"

[[component]]
component = "toolchain:stampmake"
packages = ["stampmake"]
[[component.stream]]
version = "2"
origin = "private"
package = "stampmake"

[[build]]
component = "app"
needs = ["toolchain:stampmake <3", "package:libfoo <2"]

[[build]]
component = "package:libfoo"
needs = ["toolchain:stampmake <3"]
"""
"""It needs a library that the base no longer has, and a tool older than the base's to be built."""
