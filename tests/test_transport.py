"""Bytes by address: caching, faults of servers, and files by digest."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError
from streamsolve.inputs.http_cache import HttpCache
from streamsolve.inputs.transport import NotFound, RangeNotSupported, Transport, local_path, shown

from .localserver import Page

BODY = b"some bytes of a file\n" * 5000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def make(tmp_path: Path, pauses: list[float]) -> Iterator[Callable[..., Transport]]:
    """Transports over one cache, which never really wait, and are closed."""
    made: list[Transport] = []

    def make_transport(**settings: object) -> Transport:
        made.append(Transport(cache=tmp_path / "cache", sleep=pauses.append, **settings))
        return made[-1]

    yield make_transport
    for transport in made:
        transport.close()


def files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


# Pages by URL


def test_a_page_is_fetched_with_what_is_accepted(server, make):
    server.pages["/simple/"] = Page(b"{}", headers={"Content-Type": "application/json"})
    response = make().get(server.url("/simple/"), accept="application/json")
    assert response.body == b"{}"
    assert response.headers["content-type"] == "application/json"
    assert server.requests[0].headers["accept"] == "application/json"
    assert server.requests[0].headers["user-agent"].startswith("streamsolve/")


def test_a_cached_page_is_asked_for_again_with_its_etag(server, make):
    server.pages["/page"] = Page(b"first", etag='"one"')
    first = make().get(server.url("/page"))
    again = make().get(server.url("/page"))
    assert again == first
    assert [r.headers.get("if-none-match") for r in server.requests] == [None, '"one"']
    server.pages["/page"] = Page(b"second", etag='"two"')
    assert make().get(server.url("/page")).body == b"second"


def test_a_cached_page_is_asked_for_again_with_its_date(server, make):
    date = "Fri, 01 Jan 2026 00:00:00 GMT"
    server.pages["/page"] = Page(b"first", last_modified=date)
    make().get(server.url("/page"))
    assert make().get(server.url("/page")).body == b"first"
    assert server.requests[1].headers["if-modified-since"] == date


def test_a_young_page_is_used_without_asking_and_an_old_one_is_not(server, make, tmp_path):
    server.pages["/page"] = b"first"
    make().get(server.url("/page"))
    server.pages["/page"] = b"second"
    assert make().get(server.url("/page"), max_age=3600).body == b"first"
    (entry,) = files_below(tmp_path / "cache" / "http")
    long_ago = entry.stat().st_mtime - 7200
    os.utime(entry, (long_ago, long_ago))
    assert make().get(server.url("/page"), max_age=3600).body == b"second"


def test_a_page_that_did_not_change_counts_as_young_again(server, make, tmp_path):
    server.pages["/page"] = Page(b"first", etag='"one"')
    make().get(server.url("/page"))
    (entry,) = files_below(tmp_path / "cache" / "http")
    os.utime(entry, (1, 1))
    make().get(server.url("/page"), max_age=3600)
    make().get(server.url("/page"), max_age=3600)
    assert len(server.requests) == 2


def test_a_page_from_the_time_to_come_is_not_young(server, make, tmp_path):
    server.pages["/page"] = b"first"
    make().get(server.url("/page"))
    (entry,) = files_below(tmp_path / "cache" / "http")
    tomorrow = entry.stat().st_mtime + 86400
    os.utime(entry, (tomorrow, tomorrow))
    make().get(server.url("/page"), max_age=3600)
    assert len(server.requests) == 2


def test_two_forms_of_one_address_are_cached_apart(server, make):
    server.pages["/page"] = lambda request: Page(request.headers["accept"].encode())
    make().get(server.url("/page"), accept="text/html")
    make().get(server.url("/page"), accept="application/json")
    offline = make(offline=True)
    assert offline.get(server.url("/page"), accept="text/html").body == b"text/html"
    assert offline.get(server.url("/page"), accept="application/json").body == b"application/json"


def test_the_address_of_an_answer_is_where_it_was_found_in_the_end(server, make):
    server.pages["/old"] = Page(status=301, headers={"Location": "/new/"})
    server.pages["/new/"] = b"here"
    assert make().get(server.url("/old")).url == server.url("/new/")
    assert make(offline=True).get(server.url("/old")).url == server.url("/new/")


def test_offline_uses_a_page_of_any_age(server, make, tmp_path):
    server.pages["/page"] = b"first"
    make().get(server.url("/page"))
    (entry,) = files_below(tmp_path / "cache" / "http")
    os.utime(entry, (1, 1))
    assert make(offline=True).get(server.url("/page"), max_age=0).body == b"first"
    assert len(server.requests) == 1


def test_offline_without_a_copy_says_so_and_what_to_do(server, make):
    url = server.url("/page")
    for attempt in (
        lambda: make(offline=True).get(url),
        lambda: make(offline=True).download(url, sha256=SHA256),
        lambda: make(offline=True).open_zip(url),
    ):
        with pytest.raises(InputError) as caught:
            attempt()
        assert caught.value.code is Code.OFFLINE_NOT_CACHED
        assert str(caught.value) == (
            f"{url}: not in the cache, and the network is not to be used\n"
            "  run the same command once without --offline"
        )
    assert server.requests == []


def test_what_is_not_there_is_remembered_for_offline(server, make):
    url = server.url("/simple/nothing/")
    with pytest.raises(NotFound) as caught:
        make().get(url, unreachable=Code.INDEX_UNREACHABLE)
    assert caught.value.code is Code.INDEX_UNREACHABLE
    assert str(caught.value) == f"{url}: the server has no such file"
    with pytest.raises(NotFound):
        make(offline=True).get(url)
    server.pages["/simple/nothing/"] = b"now it is"
    assert make().get(url, max_age=3600).body == b"now it is"


def test_a_damaged_cache_entry_counts_as_absent(server, make, tmp_path):
    server.pages["/page"] = Page(b"first", etag='"one"')
    make().get(server.url("/page"))
    (entry,) = files_below(tmp_path / "cache" / "http")
    entry.write_bytes(entry.read_bytes()[:-1])
    assert make().get(server.url("/page")).body == b"first"
    assert "if-none-match" not in server.requests[1].headers
    for damage in (b"", b"[]\nfirst", b'{"length": 5}\nfirst', b"\xff\xfe"):
        entry.write_bytes(damage)
        with pytest.raises(InputError, match="not in the cache"):
            make(offline=True).get(server.url("/page"))


@given(body=st.binary(max_size=200), accept=st.sampled_from(["", "text/html"]))
def test_the_cache_gives_back_what_was_stored(tmp_path_factory, body, accept):
    cache = HttpCache(tmp_path_factory.mktemp("http"))
    url = "http://127.0.0.1/page"
    stored = cache.store(url, accept, url + "/", 200, {"ETag": '"x"', "Date": "now"}, body)
    assert cache.find(url, accept) == stored
    assert dict(stored.headers) == {"etag": '"x"'}


# Faults


def test_a_passing_fault_is_tried_again_with_growing_pauses(server, make, pauses):
    server.pages["/page"] = Page(b"at last", fail=3)
    assert make(retries=3).get(server.url("/page")).body == b"at last"
    assert pauses == [0.5, 1.0, 2.0]


def test_the_pause_that_the_server_asks_for_is_kept_within_bounds(server, make, pauses):
    headers = {"Retry-After": "7"}
    server.pages["/page"] = Page(b"x", fail=1, fail_status=429, headers=headers)
    make().get(server.url("/page"))
    server.pages["/later"] = Page(b"x", fail=1, headers={"Retry-After": "86400"})
    make().get(server.url("/later"))
    assert pauses == [7.0, 30.0]


def test_a_server_that_goes_on_failing_is_named_with_its_answer(server, make):
    url = server.url("/page")
    server.pages["/page"] = Page(fail=99)
    with pytest.raises(InputError) as caught:
        make(retries=2).get(url, unreachable=Code.INDEX_UNREACHABLE)
    assert caught.value.code is Code.INDEX_UNREACHABLE
    assert str(caught.value) == f"{url}: the server answered 503 Service Unavailable (3 tries)"
    assert len(server.requests) == 3


def test_a_refusal_is_not_tried_again(server, make):
    server.pages["/page"] = Page(status=403)
    with pytest.raises(InputError, match=r"the server answered 403 Forbidden$") as caught:
        make().get(server.url("/page"))
    assert caught.value.code is Code.REPOSITORY_UNREACHABLE
    assert len(server.requests) == 1


def test_a_server_that_does_not_answer_is_given_up(server, make):
    server.pages["/page"] = Page(stall=True)
    with pytest.raises(InputError, match=r"did not answer in time \(2 tries\)"):
        make(timeout=0.1, retries=1).get(server.url("/page"))


def test_a_server_that_is_gone_is_named_without_addresses_of_memory(server, make):
    url = server.url("/page")
    server.stop()
    with pytest.raises(InputError) as caught:
        make(retries=0).get(url)
    assert str(caught.value) == f"{url}: the connection failed: connection refused"


def test_a_connection_that_breaks_inside_a_page_is_tried_again(server, make):
    server.pages["/page"] = lambda _: Page(
        BODY, hang_up_after=9 if len(server.requests) < 2 else None
    )
    assert make().get(server.url("/page")).body == BODY
    assert len(server.requests) == 2


def test_an_address_that_cannot_be_read_is_refused(make):
    with pytest.raises(InputError, match="an address of the kind 'ftp' cannot be read"):
        make().get("ftp://127.0.0.1/file")
    with pytest.raises(InputError, match=r"the address cannot be used$"):
        make().get("http://")


def test_a_fault_of_tls_is_not_tried_again(server, make, pauses):
    with pytest.raises(InputError, match="TLS failed: "):
        make().get(server.url("/page").replace("http:", "https:"))
    assert pauses == []


def test_user_name_and_password_are_not_printed(server, make):
    url = server.url("/page").replace("://", "://me:secret@")
    with pytest.raises(NotFound) as caught:
        make().get(url)
    assert "secret" not in str(caught.value)
    assert shown(url) == server.url("/page")


# Files by digest


def test_a_file_is_downloaded_once_and_found_by_its_digest(server, make, tmp_path):
    server.pages["/a/primary.xml.zst"] = BODY
    url = server.url("/a/primary.xml.zst")
    path = make().download(url, sha256=SHA256.upper(), size=len(BODY))
    assert path.read_bytes() == BODY
    assert path == tmp_path / "cache" / "files" / SHA256[:2] / f"{SHA256}-primary.xml.zst"
    assert make(offline=True).download(url, sha256=SHA256) == path
    assert len(server.requests) == 1


def test_a_name_that_holds_the_digest_does_not_hold_it_twice(server, make):
    server.pages[f"/{SHA256}-primary.xml.gz"] = BODY
    path = make().download(server.url(f"/{SHA256}-primary.xml.gz"), sha256=SHA256)
    assert path.name == f"{SHA256}-primary.xml.gz"


@pytest.mark.parametrize("algorithm", ["sha1", "sha512"])
def test_other_digests_are_checked_too(server, make, algorithm):
    server.pages["/file"] = BODY
    digest = hashlib.new(algorithm, BODY).hexdigest()
    path = make().download(server.url("/file"), sha256=digest, algorithm=algorithm)
    assert path.read_bytes() == BODY
    wrong = "0" * len(digest)
    with pytest.raises(InputError, match=f"its {algorithm} is {digest}, and should be {wrong}"):
        make().download(server.url("/file"), sha256=wrong, algorithm=algorithm)


def test_a_file_in_the_cache_that_was_damaged_is_fetched_again(server, make):
    server.pages["/file"] = BODY
    path = make().download(server.url("/file"), sha256=SHA256)
    path.write_bytes(BODY[:-1])
    assert make().download(server.url("/file"), sha256=SHA256).read_bytes() == BODY


def test_a_file_sent_as_encoded_is_kept_as_it_lies_there(server, make):
    import gzip

    packed = gzip.compress(BODY, mtime=0)
    server.pages["/primary.xml.gz"] = Page(packed, headers={"Content-Encoding": "gzip"})
    digest = hashlib.sha256(packed).hexdigest()
    path = make().download(server.url("/primary.xml.gz"), sha256=digest, size=len(packed))
    assert path.read_bytes() == packed


def test_a_wrong_file_is_refused_and_leaves_nothing(server, make, tmp_path):
    server.pages["/file"] = BODY + b"more"
    with pytest.raises(InputError) as caught:
        make().download(server.url("/file"), sha256=SHA256)
    assert caught.value.code is Code.WRONG_CHECKSUM
    found = hashlib.sha256(BODY + b"more").hexdigest()
    assert str(caught.value) == (
        f"{server.url('/file')}: its sha256 is {found}, and should be {SHA256}"
    )
    with pytest.raises(InputError, match=f"longer than the {len(BODY)} bytes"):
        make().download(server.url("/file"), sha256=SHA256, size=len(BODY))
    assert files_below(tmp_path) == []


def test_a_download_that_breaks_off_is_tried_again_and_leaves_nothing(server, make, tmp_path):
    server.pages["/file"] = Page(BODY, hang_up_after=1000)
    with pytest.raises(InputError, match=r"the connection failed: .*\(3 tries\)") as caught:
        make(retries=2).download(server.url("/file"), sha256=SHA256, size=len(BODY))
    assert caught.value.code is Code.REPOSITORY_UNREACHABLE
    assert len(server.requests) == 3
    assert files_below(tmp_path) == []


def test_a_file_that_is_shorter_than_stated_is_truncated(server, make, tmp_path):
    server.pages["/file"] = BODY[:100]
    with pytest.raises(InputError) as caught:
        make(retries=1).download(server.url("/file"), sha256=SHA256, size=len(BODY))
    assert caught.value.code is Code.TRUNCATED_FILE
    assert str(caught.value) == (
        f"{server.url('/file')}: the file ends after 100 of {len(BODY)} bytes"
    )
    assert files_below(tmp_path) == []


def test_a_download_interrupted_by_the_user_leaves_nothing(server, make, tmp_path):
    server.pages["/file"] = BODY

    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(progress=interrupt).download(server.url("/file"), sha256=SHA256)
    assert files_below(tmp_path) == []


def test_progress_is_told_up_to_the_whole_file(server, make):
    told: list[tuple[str, int, int]] = []
    server.pages["/file"] = BODY
    transport = make(progress=lambda *step: told.append(step))
    transport.download(server.url("/file"), sha256=SHA256, size=len(BODY))
    assert told[-1] == ("download file", len(BODY), len(BODY))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_many_threads_share_one_transport(server, make):
    bodies = {f"/file{n}": f"content {n}".encode() for n in range(40)}
    server.pages.update(bodies)
    transport = make()

    def fetch(path: str) -> bytes:
        digest = hashlib.sha256(bodies[path]).hexdigest()
        assert transport.get(server.url(path)).body == bodies[path]
        return transport.download(server.url(path), sha256=digest).read_bytes()

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(fetch, bodies)) == list(bodies.values())


# Local files


def test_a_local_file_is_used_in_place(make, tmp_path):
    file = tmp_path / "some file.xml"
    file.write_bytes(BODY)
    for address in (str(file), f"file://{str(file).replace(' ', '%20')}"):
        assert local_path(address) == file
        assert make(offline=True).get(address).body == BODY
        assert make(offline=True).download(address, sha256=SHA256, size=len(BODY)) == file
    assert files_below(tmp_path) == [file]


def test_faults_of_a_local_file_are_told_like_those_of_a_server(make, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(BODY[:100])
    with pytest.raises(InputError) as caught:
        make().download(str(file), sha256=SHA256, size=len(BODY))
    assert caught.value.code is Code.TRUNCATED_FILE
    assert str(caught.value) == f"{file}: the file ends after 100 of {len(BODY)} bytes"
    with pytest.raises(InputError, match="and should be") as caught:
        make().download(str(file), sha256=SHA256)
    assert caught.value.code is Code.WRONG_CHECKSUM
    for missing in (tmp_path / "nothing", file / "below", tmp_path):
        with pytest.raises(NotFound, match="no such file"):
            make().get(str(missing))


# Parts of archives


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("package/large.bin", os.urandom(300_000))
        wheel.writestr("package-1.0.dist-info/METADATA", "Name: package\n")
        wheel.writestr("package/more.bin", os.urandom(300_000))
    return buffer.getvalue()


@pytest.mark.parametrize("suffix_ranges", [True, False])
def test_a_member_of_an_archive_is_read_without_the_rest(server, make, suffix_ranges):
    wheel = archive()
    sent: list[int] = []
    page = Page(wheel, suffix_ranges=suffix_ranges)
    server.pages["/package.whl"] = page
    with make().open_zip(server.url("/package.whl")) as opened:
        assert opened.read("package-1.0.dist-info/METADATA") == b"Name: package\n"
    ranges = [request.headers.get("range", "") for request in server.requests]
    sent = [_length(text) for text in ranges if text.startswith("bytes=") and "=-" not in text]
    assert sum(sent) < len(wheel) / 4


def _length(text: str) -> int:
    first, last = text.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1


def test_a_server_without_ranges_is_told_apart(server, make):
    server.pages["/package.whl"] = Page(archive(), ranges=False)
    with pytest.raises(RangeNotSupported):
        make().open_zip(server.url("/package.whl"))


def test_opening_an_archive_tries_again_and_names_what_is_missing(server, make):
    server.pages["/package.whl"] = Page(archive(), fail=2)
    with make().open_zip(server.url("/package.whl")) as opened:
        assert "package-1.0.dist-info/METADATA" in opened.namelist()
    with pytest.raises(NotFound):
        make().open_zip(server.url("/other.whl"), unreachable=Code.INDEX_UNREACHABLE)


def test_an_archive_on_this_disk_is_read_too(make, tmp_path):
    (tmp_path / "package.whl").write_bytes(archive())
    with make(offline=True).open_zip(str(tmp_path / "package.whl")) as opened:
        assert opened.read("package-1.0.dist-info/METADATA") == b"Name: package\n"
    with pytest.raises(NotFound):
        make().open_zip(str(tmp_path / "other.whl"))
    (tmp_path / "broken.whl").write_bytes(b"no archive")
    with pytest.raises(zipfile.BadZipFile):
        make().open_zip(str(tmp_path / "broken.whl"))


# Settings of the environment


def test_the_proxy_of_the_environment_is_used(server, make, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url("/"))
    server.pages["http://repository.invalid/page"] = b"through the proxy"
    assert make().get("http://repository.invalid/page").body == b"through the proxy"


def test_the_ca_bundle_of_the_environment_is_used(make, monkeypatch):
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/own.pem")
    assert make().session.verify == "/etc/own.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/other.pem")
    assert make().session.verify is True
