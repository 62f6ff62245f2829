"""Licences of npm packages as a registry states them, one document for each version.

Which registry that is says the environment, as it does for npm: nothing is asked that it does not
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from ..errors import Code, InputError, InputErrors, Place
from ..model.vendored import VendoredPackage
from .node_modules import parse_package_json
from .transport import NotFound, Transport

__all__ = ["REGISTRY_VARIABLES", "fetch_npm_licences", "npm_registry"]

REGISTRY_VARIABLES = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
_AT_ONCE = 8
_LARGEST = 8 << 20
_A_MONTH = 30 * 24 * 3600.0  # what a version states of its licence does not change


def npm_registry(environment: Mapping[str, str]) -> str:
    """The address of the registry that the environment names, without a slash at its end; empty
    where it names none. :class:`InputError` for what is no web address."""
    for variable in REGISTRY_VARIABLES:
        address = environment.get(variable, "").strip()
        if address and not address.startswith(("https://", "http://")):
            raise InputError(
                Code.BAD_OPTION, f"{variable} is no web address", hint="it begins with https://"
            )
        if address:
            return address.rstrip("/")
    return ""


def fetch_npm_licences(
    packages: Iterable[VendoredPackage], registry: str, transport: Transport
) -> Mapping[tuple[str, str], str]:
    """The licences by (name, version) that the registry states. What it does not have, and what
    states none, is left out. :class:`InputErrors` (``INDEX_UNREACHABLE``) where it does not
    answer."""
    wanted = sorted({(each.name, each.version) for each in packages if not each.source})

    def fetched(key: tuple[str, str]) -> str | InputError:
        try:
            return _licence(*key, registry, transport)
        except NotFound:
            return ""
        except InputError as error:
            return error

    found: dict[tuple[str, str], str] = {}
    faults: list[InputError] = []
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        answers = zip(wanted, workers.map(fetched, wanted), strict=True)
        for number, (key, answer) in enumerate(answers):
            transport.progress("licences of npm packages", number, len(wanted))
            if isinstance(answer, InputError):
                faults.append(answer)
            elif answer:
                found[key] = answer
    if faults:
        raise InputErrors(
            Code.INDEX_UNREACHABLE,
            f"the registry did not say the licences of {len(faults)} npm packages",
            faults[:_AT_ONCE],
        )
    return found


def _licence(name: str, version: str, registry: str, transport: Transport) -> str:
    address = f"{registry}/{quote(name, safe='@')}/{quote(version, safe='')}"
    answer = transport.get(address, max_age=_A_MONTH, unreachable=Code.INDEX_UNREACHABLE)
    if len(answer.body) > _LARGEST:
        raise InputError(
            Code.INDEX_BAD_METADATA, f"more than {_LARGEST >> 20} MiB", place=Place(name)
        )
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        raise InputError(Code.INDEX_BAD_METADATA, "no UTF-8", place=Place(name)) from None
    stated, of, licence = parse_package_json(text, file=f"{name} {version}")
    # A registry that answers with another package has not answered.
    return licence if (stated, of) == (name, version) else ""
