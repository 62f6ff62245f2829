"""A small HTTP server on 127.0.0.1 that can misbehave in the ways that real ones do.

with LocalServer({"/simple/": b"...", "/file": Page(b"...", fail=2)}) as server:
    transport.get(server.url("/simple/"))
    assert server.paths == ["/simple/"]
"""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import pytest
from attrs import evolve, field, frozen

__all__ = ["Handler", "LocalServer", "Page", "Request", "without_proxies"]

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach 127.0.0.1 directly, whatever the environment of the tests says."""
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@frozen
class Request:
    """What was asked. ``headers`` are keyed in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@frozen
class Page:
    """What is answered.

    ``fail``: the first so many requests get ``fail_status`` instead. ``hang_up_after``: the
    connection ends after so many bytes of the body, although all of them were announced.
    ``stall``: nothing is answered until the server stops. ``ranges`` and ``suffix_ranges``: whether
    parts can be asked for, and whether "the last N bytes" is understood. An ``etag`` or
    ``last_modified`` makes conditional requests work. ``gzip_encoded``: sent compressed, whatever
    the client accepts.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    fail: int = 0
    fail_status: int = 503
    hang_up_after: int | None = None
    stall: bool = False
    ranges: bool = True
    suffix_ranges: bool = True
    etag: str = ""
    last_modified: str = ""
    gzip_encoded: bool = False


Handler = Callable[[Request], Page]
Content = bytes | Page | Handler


class LocalServer:
    """Serves ``pages``, which may be changed while it runs; a context manager.

    A path that is not there is answered with 404. ``requests`` records what was asked, in order.
    """

    def __init__(self, pages: Mapping[str, Content] | None = None) -> None:
        self.pages: dict[str, Content] = dict(pages or {})
        self.requests: list[Request] = []
        self._failed: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def __enter__(self) -> LocalServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop; every address of it refuses connections from then on. May be called twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    def url(self, path: str) -> str:
        """The full address of a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Page:
        """What a request is answered with; it is recorded."""
        with self._lock:
            self.requests.append(request)
            content = self.pages.get(request.path, Page(b"not found", status=404))
            count = self._failed[request.path] = self._failed.get(request.path, 0) + 1
        if callable(content):
            content = content(request)
        page = Page(content) if isinstance(content, bytes) else content
        if count <= page.fail:
            return Page(b"not now", page.fail_status, page.headers)
        if page.stall:
            self._stopping.wait()
        return page


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Closing must not wait for clients that keep their connections.
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, client = super().get_request()
        self._open.add(connection)
        return connection, client

    def shutdown_request(self, request: socket.socket) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep for their next request."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up on purpose in tests: nothing to report."""


def _handler_of(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_HEAD(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            page = _in_part(server.answer(Request(self.command, self.path, headers)), headers)
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.status != 304:
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            if self.command == "HEAD" or page.status == 304:
                return
            self.wfile.write(page.body[: page.hang_up_after])
            if page.hang_up_after is not None:
                self.close_connection = True

    return Answering


def _in_part(page: Page, headers: Mapping[str, str]) -> Page:
    """The page as the request's conditions, encodings and range ask for it."""
    if page.status != 200:
        return page
    extra = dict(page.headers)
    if page.etag:
        extra["ETag"] = page.etag
    if page.last_modified:
        extra["Last-Modified"] = page.last_modified
    same_tag = page.etag and headers.get("if-none-match") == page.etag
    same_date = page.last_modified and headers.get("if-modified-since") == page.last_modified
    if same_tag or same_date:
        return evolve(page, status=304, body=b"", headers=extra)
    if page.gzip_encoded:
        extra["Content-Encoding"] = "gzip"
        return evolve(page, body=gzip.compress(page.body), headers=extra)
    wanted = headers.get("range", "").removeprefix("bytes=")
    if not wanted or not page.ranges:
        return evolve(page, headers=extra)
    size = len(page.body)
    first, _, last = wanted.partition("-")
    if not first and not page.suffix_ranges:
        return Page(status=416, headers={"Content-Range": f"bytes */{size}"})
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    extra["Content-Range"] = f"bytes {start}-{end}/{size}"
    return evolve(page, status=206, body=page.body[start : end + 1], headers=extra)
