"""What can go wrong with an address: the faults of sockets, servers and disks, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Code, InputError, Place

__all__ = ["Fault", "NotFound", "local_faults", "network_faults", "shown"]


class NotFound(InputError):
    """The server answered, and has nothing under that address; or no such local file."""


class Fault(Exception):
    """A request that failed. ``passing`` ones are tried again, after ``pause`` seconds or more
    where the server asked for that."""

    def __init__(self, reason: str, *, passing: bool = True, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.pause = pause


def shown(url: str) -> str:
    """The address as it may be printed: without user name and password."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)


@contextmanager
def network_faults() -> Iterator[None]:
    """Turn the faults of requests and urllib3 into :class:`Fault`, in words without addresses."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except requests.exceptions.SSLError as error:
        raise Fault(f"TLS failed: {_cause(error)}", passing=False) from error
    except requests.exceptions.ProxyError as error:
        raise Fault(f"the proxy failed: {_cause(error)}") from error
    except (requests.exceptions.Timeout, TimeoutError) as error:
        raise Fault("the server did not answer in time") from error
    except (requests.exceptions.InvalidURL, requests.exceptions.TooManyRedirects) as error:
        raise Fault("the address cannot be used", passing=False) from error
    except (requests.RequestException, HTTPError, OSError) as error:
        raise Fault(f"the connection failed: {_cause(error)}") from error


@contextmanager
def local_faults(url: str, unreachable: Code) -> Iterator[None]:
    """Turn the faults of this disk into ours."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(unreachable, "no such file", place=Place(url)) from None
    except OSError as error:
        raise InputError(
            unreachable, f"cannot be read: {_cause(error)}", place=Place(url)
        ) from error
    except ValueError:
        # No path has a character 0.
        raise NotFound(unreachable, "no such file", place=Place(url)) from None


def _cause(error: BaseException) -> str:
    """The innermost reason in a chain of wrapped errors, as the system words it."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        reason = getattr(inner, "reason", None)
        inner = (
            reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
        )
    return type(error).__name__
