"""What several test modules share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of test data beside the checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the test data ../shared/data is not beside this checkout")
    return SHARED


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, also for commands that look it up."""
    directory = tmp_path / "cache"
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(directory))
    return directory
