"""The only module that opens a socket: bytes by address, from a cache where that is sound.

An address is an ``http``, ``https`` or ``file`` URL, or a plain path. What is fetched by URL is
kept under ``http/`` in the cache and asked for again with a condition; what is fetched by digest is
kept under ``files/`` and never asked for again. Both are written whole or not at all, and a damaged
entry counts as absent. What is fetched is returned as it is: parsing is for others.
"""

from __future__ import annotations

import os
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

from .._version import __version__
from ..errors import Code, InputError, Place
from ..model.progress import Progress, no_progress
from ..storage import atomic_writer, file_digest, read_whole
from .faults import Fault, NotFound, local_faults, network_faults, shown
from .http_cache import HttpCache, Response
from .integrity import Expected, check_file

if TYPE_CHECKING:
    import requests

__all__ = ["NotFound", "RangeNotSupported", "Response", "Transport", "local_path", "shown"]

_T = TypeVar("_T")
_BLOCK = 1 << 18
_POOL = 16
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_GONE = frozenset({404, 410})
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SUFFIX_REFUSED = frozenset({400, 416, 501})


class RangeNotSupported(Exception):
    """The server cannot send a part of a file; nothing of the user's is wrong."""


def local_path(url: str) -> Path | None:
    """The path of a ``file`` URL or a plain path; None for an address on the network.

    :class:`InputError` for any other kind of address.
    """
    scheme, colon, _ = url.partition("://")
    if not colon:
        return Path(url)
    if scheme.lower() == "file":
        return Path(unquote(urlsplit(url).path))
    if scheme.lower() in {"http", "https"}:
        return None
    raise InputError(
        Code.REPOSITORY_UNREACHABLE,
        f"an address of the kind {scheme!r} cannot be read",
        place=Place(shown(url)),
        hint="use http, https, file or a path",
    )


class Transport:
    """Fetches by URL or by digest; safe to use from several threads.

    ``timeout`` is in seconds and holds for connecting and for each read; ``retries`` counts the
    tries after the first. Proxies and CA settings are the environment's: those that requests reads,
    and ``SSL_CERT_FILE``. ``sleep`` takes seconds and stands in for waiting in tests.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        cache: Path,
        timeout: float = 30.0,
        retries: int = 3,
        progress: Progress = no_progress,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.offline = offline
        self.progress = progress
        self._files = cache / "files"
        self._http = HttpCache(cache / "http")
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    @property
    def session(self) -> requests.Session:
        """The one session, made on first use (importing requests takes 0.1 s)."""
        with self._lock:
            if self._session is None:
                self._session = _make_session()
            return self._session

    def close(self) -> None:
        """Close the connections that are kept open; the transport may be used again."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def get(
        self,
        url: str,
        *,
        accept: str = "",
        max_age: float | None = None,
        unreachable: Code = Code.REPOSITORY_UNREACHABLE,
        retries: int | None = None,
    ) -> Response:
        """A whole page or small file.

        A cached answer younger than ``max_age`` seconds is used without asking; an older one is
        asked for with its ETag or date; offline any is used. "Not found" is remembered for offline.
        Raises :class:`NotFound`, and :class:`InputError` with ``OFFLINE_NOT_CACHED`` or the code
        given as ``unreachable``.
        """
        path = local_path(url)
        if path is not None:
            with local_faults(url, unreachable):
                if not path.is_file():
                    raise FileNotFoundError
                return Response(url, 200, {}, read_whole(path))
        cached = self._http.find(url, accept)
        if self.offline:
            if cached is None:
                self._refuse_offline(url)
            return _found(url, cached, unreachable)
        young = max_age is not None and self._http.age(url, accept) < max_age
        if cached is not None and cached.status == 200 and young:
            return cached
        headers = {"Accept": accept or "*/*", **(_conditions(cached) if cached else {})}

        def ask() -> Response:
            with closing(self._open("GET", url, headers, stream=False)) as answer:
                if answer.status_code == 304 and cached is not None:
                    self._http.touch(url, accept)
                    return cached
                status = 404 if answer.status_code in _GONE else answer.status_code
                self._check_status(url, answer, unreachable, fine=_GONE)
                body = b"" if status == 404 else answer.content
                return self._http.store(url, accept, answer.url, status, answer.headers, body)

        return _found(url, self._persist(url, ask, unreachable, retries), unreachable)

    def download(
        self,
        url: str,
        *,
        sha256: str,
        size: int | None = None,
        algorithm: str = "sha256",
        unreachable: Code = Code.REPOSITORY_UNREACHABLE,
        retries: int | None = None,
        aside: Path | None = None,
    ) -> Path:
        """The path of a file with that digest (hexadecimal, of ``algorithm``) and size in bytes.

        A local file is used in place. ``aside`` is a directory for a file that is not worth
        keeping: it is put there, unless the cache has it. Raises :class:`NotFound`, and
        :class:`InputError` with ``WRONG_CHECKSUM``, ``TRUNCATED_FILE``, ``OFFLINE_NOT_CACHED`` or
        ``unreachable``.
        """
        digest = sha256.lower()
        path = local_path(url)
        if path is not None:
            expected = Expected(algorithm, digest, size)
            with local_faults(url, unreachable):
                check_file(path, expected, address=url, progress=self.progress)
            return path
        target = self._files / digest[:2] / _cache_name(url, digest)
        with suppress(OSError):
            if file_digest(target, algorithm) == digest:
                return target
        if self.offline:
            self._refuse_offline(url)
        if aside is not None:
            target = aside / target.name
        expected = Expected(algorithm, digest, size)

        def fetch() -> Path:
            # Mirrors label .gz files as gzip-encoded; the digest is of the bytes as they lie there.
            headers = {"Accept-Encoding": "identity"}
            with closing(self._open("GET", url, headers, stream=True)) as answer:
                self._check_status(url, answer, unreachable)
                with atomic_writer(target) as sink:
                    for block in expected.checked(url, self._blocks(url, answer, size)):
                        sink.write(block)
            return target

        return self._persist(url, fetch, unreachable, retries)

    def open_zip(
        self, url: str, *, unreachable: Code = Code.REPOSITORY_UNREACHABLE
    ) -> zipfile.ZipFile:
        """A zip archive whose members are read by range requests (a RemoteZip) or from disk.

        Raises :class:`RangeNotSupported`, :class:`NotFound`, :class:`InputError`, and
        ``zipfile.BadZipFile`` for what is no archive; the same while members are read.
        """
        path = local_path(url)
        if path is not None:
            if not path.is_file():
                raise NotFound(unreachable, "no such file", place=Place(url))
            return zipfile.ZipFile(path)
        if self.offline:
            self._refuse_offline(url)
        from remotezip import RemoteZip, RemoteZipError

        for suffix in (True, False):
            session = _RangeSession(self, unreachable)
            try:
                archive: zipfile.ZipFile = RemoteZip(
                    url, session=session, support_suffix_range=suffix
                )
            except _SuffixRefused:
                continue
            except RemoteZipError as error:
                raise RangeNotSupported(shown(url)) from error
            return archive
        raise RangeNotSupported(shown(url))

    def _open(
        self, method: str, url: str, headers: Mapping[str, str], *, stream: bool
    ) -> requests.Response:
        """Send one request; a fault that may pass becomes :class:`Fault`."""
        with network_faults():
            return self.session.request(
                method, url, headers=dict(headers), timeout=self._timeout, stream=stream
            )

    def _blocks(self, url: str, answer: requests.Response, size: int | None) -> Iterator[bytes]:
        """The body as it is on the wire, in blocks of 256 KiB, telling the progress."""
        total = size or int(answer.headers.get("Content-Length") or 0)
        what = f"download {_base_name(url)}"
        done = 0
        with network_faults():
            for block in answer.raw.stream(_BLOCK, decode_content=False):
                done += len(block)
                self.progress(what, done, total)
                yield block

    def _check_status(
        self,
        url: str,
        answer: requests.Response,
        unreachable: Code,
        fine: frozenset[int] = frozenset(),
    ) -> None:
        status = answer.status_code
        if status in fine or 200 <= status < 300:
            return
        if status in _GONE:
            raise NotFound(unreachable, "the server has no such file", place=Place(shown(url)))
        reason = f"the server answered {status} {answer.reason or ''}".rstrip()
        if status in _TRY_AGAIN:
            raise Fault(reason, pause=_asked_pause(answer.headers.get("Retry-After", "")))
        raise InputError(unreachable, reason, place=Place(shown(url)))

    def _persist(
        self, url: str, action: Callable[[], _T], unreachable: Code, retries: int | None = None
    ) -> _T:
        """Run ``action`` until its fault is no passing one; pauses double from 0.5 s."""
        tries = 1 + (self._retries if retries is None else retries)
        pause = _FIRST_PAUSE
        done = 0
        while True:
            done += 1
            try:
                return action()
            except Fault as fault:
                if done == tries or not fault.passing:
                    text = f"{fault.reason} ({done} tries)" if done > 1 else fault.reason
                    raise InputError(unreachable, text, place=Place(shown(url))) from None
                asked = fault.pause
            except InputError as error:
                # A file that ends early is most often a connection that did.
                if error.code is not Code.TRUNCATED_FILE or done == tries:
                    raise
                asked = 0.0
            self._sleep(min(max(pause, asked), _LONGEST_PAUSE))
            pause *= 2

    def _refuse_offline(self, url: str) -> NoReturn:
        raise InputError(
            Code.OFFLINE_NOT_CACHED,
            "not in the cache, and the network is not to be used",
            place=Place(shown(url)),
            hint="run the same command once without --offline",
        )


class _SuffixRefused(Exception):
    """The server does not understand 'the last N bytes'."""


class _RangeSession:
    """What remotezip asks for ranges: retries, our errors, and no answer left open."""

    def __init__(self, transport: Transport, unreachable: Code) -> None:
        self._transport = transport
        self._unreachable = unreachable

    def get(self, url: str, *, headers: Mapping[str, str], stream: bool) -> requests.Response:
        """One range, or what :class:`Transport` raises."""
        answer = self._send("GET", url, headers, stream=stream)
        if answer.status_code != 206 or "Content-Range" not in answer.headers:
            answer.close()
            raise RangeNotSupported(shown(url))
        return answer

    def head(self, url: str, *, headers: Mapping[str, str]) -> requests.Response:
        """The headers, for the length."""
        return self._send("HEAD", url, headers, stream=False)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], *, stream: bool
    ) -> requests.Response:
        sent = {"Accept-Encoding": "identity", **headers}
        suffix = sent.get("Range", "").startswith("bytes=-")
        transport = self._transport

        def send() -> requests.Response:
            answer = transport._open(method, url, sent, stream=stream)
            refused = suffix and answer.status_code in _SUFFIX_REFUSED
            if refused or not answer.ok:
                answer.close()
            if refused:
                raise _SuffixRefused
            transport._check_status(url, answer, self._unreachable)
            return answer

        return transport._persist(url, send, self._unreachable)


def _make_session() -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.headers["User-Agent"] = f"streamsolve/{__version__}"
    adapter = HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    bundle = os.environ.get("SSL_CERT_FILE", "")
    if bundle and not (os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")):
        session.verify = bundle
    return session


def _conditions(cached: Response) -> dict[str, str]:
    named = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
    return {name: cached.headers[key] for name, key in named.items() if key in cached.headers}


def _found(url: str, response: Response | None, unreachable: Code) -> Response:
    if response is None or response.status == 404:
        raise NotFound(unreachable, "the server has no such file", place=Place(shown(url)))
    return response


def _asked_pause(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


def _base_name(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]


def _cache_name(url: str, digest: str) -> str:
    """``DIGEST-NAME``; createrepo_c already writes names that way."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", _base_name(url))[-100:].removeprefix(f"{digest}-")
    return f"{digest}-{name}"
