"""What several test modules share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from streamsolve.inputs.transport import Transport

from .localserver import LocalServer, without_proxies

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# How long an example takes says what else the machine does, and is no reason to fail.
settings.register_profile("any-machine", deadline=None)
# Judging a change, the same examples each time: another run of the same commit says the same.
settings.register_profile("same-examples", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("any-machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where everything that tests need is installed, nothing may be left out unnoticed."""
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that tells its reason, if that is asked for."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} is skipped: {_reason(report.longrepr)}"
    return report


def _reason(told: object) -> str:
    """pytest tells a skip as (file, line, reason)."""
    return str(told[2]) if isinstance(told, tuple) else str(told)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that is skipped as a whole."""
    report = yield
    if report.outcome == "skipped" and collector.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} is skipped: {_reason(report.longrepr)}"
    return report


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A server of this test's, which no proxy stands before."""
    without_proxies(monkeypatch)
    with LocalServer() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Transport]]:
    """Makes transports that do not wait between tries, with a cache of the test's own."""
    made: list[Transport] = []

    def make_transport(**settings: object) -> Transport:
        settings = {"cache": tmp_path / "cache", "sleep": lambda seconds: None, **settings}
        made.append(Transport(**settings))
        return made[-1]

    yield make_transport
    for transport in made:
        transport.close()
