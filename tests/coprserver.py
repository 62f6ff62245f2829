"""COPR's API over HTTP on 127.0.0.1, checked against its own description and in virtual time.

Every request and every answer is checked against ``copr-api-v3.swagger.json``: path, method,
parameters, body, and the answer's schema; ``violations`` holds what does not fit. What is behind is
``coprworld.World``. Faults are told by the number of the request:

with CoprServer(schemas, faults={7: "drop after"}) as server:
    client = Client(server.config())

The description is of its time: fields that the recorded exchanges have and it lacks are allowed,
and everything may be null, since COPR's answers have null wherever there is nothing yet.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import define, field
from jsonschema import Draft4Validator
from requests_toolbelt.multipart.decoder import MultipartDecoder

from .coprworld import World, WorldBuild, WorldError

__all__ = ["FAULTS", "LOGIN", "TOKEN", "CoprServer", "Description"]

LOGIN = "lgnlgnlgnlgnlgn"
TOKEN = "s3cretT0kenOfTheTests0123456789"
FAULTS = (
    "500 before",
    "500 after",
    "504 before",
    "504 after",
    "drop before",
    "drop after",
    "drop amid",
    "nonsense after",
)
"""What can happen to a request: before COPR carried it out, after it, or amid its body. A 504 is a
page of the proxy; nonsense is no JSON."""

_PREFIX = "/api_3"


# -- the description -------------------------------------------------------------------------------


class Description:
    """The swagger document, with what is known to be missing in it."""

    def __init__(self, schemas: Path) -> None:
        document = json.loads((schemas / "copr-api-v3.swagger.json").read_text())
        self.recorded = json.loads((schemas / "copr-api-v3.recorded.json").read_text())
        self._definitions = {
            name: _nullable(body) for name, body in document["definitions"].items()
        }
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "([^/]+)", path).rstrip("/") + "/?"), path, methods)
            for path, methods in document["paths"].items()
        ]
        # Paths without a parameter come first: /build/list is not /build/{build_id}.
        self._paths.sort(key=lambda row: row[1].count("{"))
        self._validators: dict[str, Draft4Validator] = {}
        self._good: set[tuple[str, str]] = set()
        self._bodies = self._recorded_bodies()

    def _recorded_bodies(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.recorded:
            path = urlsplit(row["url"]).path
            if path.startswith(_PREFIX) and isinstance(row["json"], dict):
                matched = self.find(path.removeprefix(_PREFIX), row["method"])
                if matched is not None:
                    found.setdefault(matched[0], set()).update(row["json"])
        # A package is changed with what it was added with.
        known = dict(found)
        return found | {path.replace("/add/", "/edit/"): known[path] for path in known}

    def find(self, path: str, method: str) -> tuple[str, dict[str, Any], dict[str, str]] | None:
        """The path as it is described, its operation, and the parameters in it."""
        for pattern, template, methods in self._paths:
            match = pattern.fullmatch(path)
            operation = methods.get(method.lower())
            if match is not None and operation is not None:
                names = re.findall(r"\{(\w+)\}", template)
                return (
                    template,
                    operation,
                    dict(zip(names, map(unquote, match.groups()), strict=True)),
                )
        return None

    def faults_of_request(
        self, path: str, method: str, query: Mapping[str, str], body: object
    ) -> list[str]:
        """What of a request the description does not allow."""
        found = self.find(path, method)
        if found is None:
            return [f"{method} {path} is not described"]
        template, operation, in_path = found
        stated = [*operation.get("parameters", []), *self._of_path(template)]
        faults = []
        known = {p["name"]: p for p in stated if p["in"] == "query"}
        for name, value in query.items():
            # The client repeats in the query what is in the path.
            if name not in known and name not in in_path:
                faults.append(f"{template}: unknown parameter {name}")
            elif known.get(name, {}).get("type") == "integer" and not value.isdigit():
                faults.append(f"{template}: {name} is {value!r}")
        for name, parameter in known.items():
            if parameter.get("required") and name not in query:
                faults.append(f"{template}: parameter {name} is missing")
        payload = next((p["schema"] for p in stated if p["in"] == "body"), None)
        if payload is not None:
            faults += self._faults_of_body(template, payload, body)
        return faults

    def _of_path(self, template: str) -> list[dict[str, Any]]:
        methods = next(row[2] for row in self._paths if row[1] == template)
        found: list[dict[str, Any]] = methods.get("parameters", [])
        return found

    def _faults_of_body(self, template: str, schema: dict[str, str], body: object) -> list[str]:
        name = schema["$ref"].rpartition("/")[2]
        if not isinstance(body, dict):
            return [f"{template}: no body"]
        known = set(self._definitions[name]["properties"]) | self._bodies.get(template, set())
        # COPR drops what is null, and the client sends that for everything that was not given.
        unknown = [key for key, value in body.items() if key not in known and value is not None]
        faults = [f"{template}: unknown field {key}" for key in unknown]
        # An upload's file is no part of the JSON.
        checked = {key: value for key, value in body.items() if key != "pkgs" or value is not None}
        errors = self._validator(name).iter_errors(checked)
        return faults + [f"{template}: {e.message} at {list(e.absolute_path)}" for e in errors]

    def faults_of_answer(self, path: str, method: str, answer: object) -> list[str]:
        """What of a good answer does not fit."""
        found = self.find(path, method)
        if found is None:
            return [f"{method} {path} is not described"]
        template, operation, _ = found
        schema = operation["responses"].get("200", {}).get("schema")
        if schema is None:
            return []
        name = _definition_of(template, schema)
        items = [answer]
        if name.endswith("[]"):
            if not isinstance(answer, dict) or set(answer) != {"items", "meta"}:
                return [f"{template}: no page of items"]
            name, items = name.removesuffix("[]"), answer["items"]
        return [fault for item in items for fault in self._faults_of_item(template, name, item)]

    def _faults_of_item(self, template: str, name: str, item: object) -> list[str]:
        text = json.dumps(item, sort_keys=True)
        if (name, text) in self._good:
            return []
        known = set(self._definitions[name]["properties"])
        if not isinstance(item, dict):
            return [f"{template}: no object"]
        faults = [f"{template}: answer has {key}" for key in sorted(set(item) ^ known)]
        faults += [
            f"{template}: {error.message}" for error in self._validator(name).iter_errors(item)
        ]
        if not faults:
            self._good.add((name, text))
        return faults

    def _validator(self, name: str) -> Draft4Validator:
        if name not in self._validators:
            schema = {**self._definitions[name], "definitions": self._definitions}
            self._validators[name] = Draft4Validator(schema)
        return self._validators[name]


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with null allowed wherever a value is."""
    found = dict(schema)
    if "$ref" in found:
        return {"anyOf": [{"$ref": found["$ref"]}, {"type": "null"}]}
    if isinstance(found.get("type"), str) and found["type"] != "object":
        found["type"] = [found["type"], "null"]
    if "properties" in found:
        found["properties"] = {key: _nullable(value) for key, value in found["properties"].items()}
    if "items" in found:
        found["items"] = found["items"] if "$ref" in found["items"] else _nullable(found["items"])
    return found


def _definition_of(template: str, schema: dict[str, Any]) -> str:
    """The definition of an answer; ``[]`` behind it for a page of such.

    The description has one name, Pagination, for the pages of all kinds.
    """
    pages = {"/build/list": "Build[]", "/build-chroot/list": "BuildChroot[]"}
    pages["/package/list"] = "Package[]"
    if template in pages:
        return pages[template]
    return str(schema["$ref"]).rpartition("/")[2]


# -- the server ------------------------------------------------------------------------------------


@define
class Answer:
    status: int
    document: object


@define
class CoprServer:
    """``world`` is what there is; each request lets ``step`` seconds pass in it. ``faults`` are by
    the number of the request, from 1; ``fault_of`` may find one by path too. ``asked`` are the
    requests as ``METHOD /path``. A server that ``tells_secrets`` repeats them in its refusals."""

    schemas: Path
    world: World = field(factory=World)
    faults: dict[int, str] = field(factory=dict)
    faults_of_path: dict[str, list[str]] = field(factory=dict)
    step: int = 1
    asked: list[str] = field(factory=list)
    violations: list[str] = field(factory=list)
    uploads: dict[str, bytes] = field(factory=dict)
    hold: threading.Event | None = None
    tells_secrets: bool = False
    _lock: threading.RLock = field(factory=threading.RLock)
    _server: Any = None
    _thread: Any = None
    _description: Any = None

    def __attrs_post_init__(self) -> None:
        self._description = Description(self.schemas)

    def __enter__(self) -> CoprServer:
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def config(self, token: str = TOKEN) -> dict[str, Any]:
        """What a client is made of."""
        return {
            "copr_url": self.url,
            "login": LOGIN,
            "token": token,
            "username": self.world.user,
            "encrypted": False,
            "gssapi": None,
        }

    def config_file(self, path: Path, token: str = TOKEN) -> Path:
        """The same as the client's configuration file."""
        path.write_text(
            f"[copr-cli]\nlogin = {LOGIN}\nusername = {self.world.user}\ntoken = {token}\n"
            f"copr_url = {self.url}\nencrypted = false\n"
        )
        return path

    # -- one request

    def fault(self, method: str, path: str) -> str:
        """Count a request; the fault that it meets."""
        with self._lock:
            self.asked.append(f"{method} {path}")
            waiting = self.faults_of_path.get(path, [])
            return waiting.pop(0) if waiting else self.faults.get(len(self.asked), "")

    def carry_out(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Do what is asked, and check it and the answer."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(_PREFIX)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            self.world.advance(self.step)
            if "/webhooks/" in parts.path:
                return Answer(200, "1")
            document = self._document(headers, body)
            self.violations += self._description.faults_of_request(path, method, query, document)
            found = self._description.find(path, method)
            if found is None:
                return Answer(404, {"error": f"no such path {path}"})
            template, _, in_path = found
            try:
                self._check_login(method, template, headers)
                answer = self._do(method, template, {**query, **in_path}, document)
            except WorldError as error:
                told = f" You are {_given(headers)}." if self.tells_secrets else ""
                return Answer(error.status, {"error": error.message + told})
            self.violations += self._description.faults_of_answer(path, method, answer)
            return Answer(200, answer)

    def _document(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/"):
            document: dict[str, Any] = {}
            for part in MultipartDecoder(body, kind).parts:
                about = part.headers[b"Content-Disposition"].decode()
                name = re.search(r'\bname="([^"]*)"', about)
                filename = re.search(r'filename="([^"]*)"', about)
                assert name is not None
                if name[1] == "json":
                    document |= json.loads(part.content)
                elif name[1] == "pkgs" and filename is not None:
                    self.uploads[filename[1]] = part.content
                    document["pkgs"] = [{"filename": filename[1]}]
            return document
        found: dict[str, Any] = json.loads(body) if body else {}
        return found

    def _check_login(self, method: str, template: str, headers: Mapping[str, str]) -> None:
        if method == "GET" and template != "/auth-check":
            return
        if _given(headers) != f"{LOGIN}:{TOKEN}":
            raise WorldError(
                401, f"Login invalid/expired. Please visit {self.url}/api to get a new one"
            )

    # -- what COPR does

    def _do(
        self, method: str, template: str, values: Mapping[str, str], body: dict[str, Any]
    ) -> object:
        action = template.strip("/").split("/{", maxsplit=1)[0]
        world = self.world
        if action.startswith("build/create/"):
            return self._created(action.rpartition("/")[2], body)
        if action == "auth-check":
            return {"name": world.user, "id": 1}
        if action == "mock-chroots/list":
            return dict.fromkeys(world.chroots, "")
        if action.startswith("project-chroot"):
            return self._chroot(method, values, body)
        if action.startswith("project"):
            return self._project(action, values, body)
        if action.startswith("package"):
            return self._package(action, values, body)
        if action == "webhook/generate":
            owner, name = values["ownername"], values["projectname"]
            found = world.project(owner, name)
            found["secret"] = found.get("secret", 0) + 1
            secret = f"7bc05125-0000-4985-9ffa-{found['secret']:012}"
            number = found["id"]
            return {
                "id": number, "name": name, "ownername": owner, "full_name": f"{owner}/{name}",
                "webhook_secret": secret,
            }  # fmt: skip
        return self._of_build(action, values)

    def _of_build(self, action: str, values: Mapping[str, str]) -> object:
        world = self.world
        if action == "build/list":
            found = world.of_project(values["ownername"], values["projectname"])
            return _page([self._build(build) for build in reversed(found)])
        number = int(values["build_id"])
        if action == "build/cancel":
            return self._build(world.cancel(number))
        if action == "build/delete":
            return self._build(world.delete(number))
        build = world.build(number)
        logs = f"{self.url}/results/{build.owner}/{build.project}"
        failed_early = build.state == "failed" and build.started is None
        if action == "build":
            return self._build(build)
        if action == "build/source-build-config":
            return {
                "source_type": build.kind, "source_dict": build.source, "memory_limit": 2048,
                "timeout": 18000, "is_background": False,
            }  # fmt: skip
        if action == "build/source-chroot":
            state = "failed" if failed_early else "succeeded"
            return {"state": state, "result_url": f"{logs}/srpm-builds/{number:08}"}
        assert action == "build-chroot/list", action
        chroots = world.project(build.owner, build.project)["chroots"]
        return _page(
            []
            if failed_early
            else [
                {
                    "started_on": build.started,
                    "ended_on": build.ended,
                    "state": build.state if build.state != "pending" else "waiting",
                    "name": chroot,
                    "result_url": f"{logs}/{chroot}/{number:08}-x/" if build.started else None,
                }
                for chroot in chroots
            ]
        )

    def _build(self, build: WorldBuild) -> dict[str, object]:
        return {
            "chroots": sorted(self.world.project(build.owner, build.project)["chroots"]),
            "ended_on": build.ended,
            "id": build.id,
            "is_background": False,
            "ownername": build.owner,
            "project_dirname": build.project,
            "projectname": build.project,
            "repo_url": f"{self.url}/results/{build.owner}/{build.project}",
            "started_on": build.started,
            "state": build.state,
            "submitted_on": build.submitted,
            "submitter": self.world.user,
            "source_package": {"name": build.package, "url": build.url, "version": None},
        }

    def _created(self, method: str, body: dict[str, Any]) -> object:
        batch = (body.get("after_build_id"), body.get("with_build_id"))
        if method == "upload":
            name = re.sub(r"[^A-Za-z0-9._-]", "", body["pkgs"][0]["filename"])
            if not name.endswith(".src.rpm"):
                raise WorldError(400, "You can upload only .src.rpm, .nosrc.rpm, and .spec files")
            source = {"url": f"{self.url}/tmp/tmpx/{name}", "pkg": name, "tmp": "tmpx"}
        elif method == "pypi":
            keys = ("name", "version")
            source = {f"pypi_package_{key}": body[f"pypi_package_{key}"] for key in keys}
            source |= {key: body[key] for key in ("spec_generator", "python_versions")}
        elif method == "distgit":
            path = "/".join(filter(None, (body.get("namespace") or "rpms", body["package_name"])))
            source = {"clone_url": f"https://src.example/{path}.git"}
            for key in ("distgit", "namespace", "committish"):
                source |= {key: body[key]} if body.get(key) else {}
        else:
            if len(body["script"]) > 4096:
                raise WorldError(400, "Maximum script size is 4kB")
            source = {key: body.get(key) for key in ("script", "chroot", "builddeps", "resultdir")}
        made = self.world.submit(body["ownername"], body["projectname"], method, source, *batch)
        return self._build(made)

    def _project(self, action: str, values: Mapping[str, str], body: dict[str, Any]) -> object:
        owner = values["ownername"]
        name = values.get("projectname") or body.get("name") or ""
        fields = {key: value for key, value in body.items() if key != "name"}
        if "repos" in fields:
            fields["additional_repos"] = fields.pop("repos")
        if action == "project/add":
            exist_ok = values.get("exist_ok") == "True"
            self.world.add_project(owner, name, fields, exist_ok)
        elif action == "project/edit":
            self.world.edit_project(owner, name, fields)
        found = self.world.project(owner, name)
        return {
            **{
                key: found.get(key)
                for key in (
                    "homepage", "contact", "devel_mode", "unlisted_on_hp", "auto_prune",
                    "enable_net", "bootstrap", "isolation", "module_hotfixes", "appstream",
                    "follow_fedora_branching", "repo_priority",
                )
            },
            "name": name,
            "persistent": False,
            "additional_repos": found.get("additional_repos") or [],
            "storage": "backend",
            "description": found.get("description") or "",
            "instructions": found.get("instructions") or "",
            "packit_forge_projects_allowed": [],
            "id": found["id"],
            "ownername": owner,
            "full_name": f"{owner}/{name}",
            "chroot_repos": {
                chroot: f"{self.url}/results/{owner}/{name}/{chroot}/"
                for chroot in found["chroots"]
            },
        }  # fmt: skip

    def _chroot(self, method: str, values: Mapping[str, str], body: dict[str, Any]) -> object:
        owner, project, chroot = (values[f"{key}name"] for key in ("owner", "project", "chroot"))
        found = self.world.chroot(owner, project, chroot)
        if method != "GET":
            known = {*found, "delete_comps", "bootstrap", "bootstrap_image", "reset_fields"}
            self.violations += [f"project-chroot: {key}" for key in set(body) - known]
            found |= {key: body[key] for key in found if body.get(key) is not None}
        return {
            **found,
            "mock_chroot": chroot,
            "ownername": owner,
            "projectname": project,
            "comps_name": None,
            "delete_after_days": None,
        }

    def _package(self, action: str, values: Mapping[str, str], body: dict[str, Any]) -> object:
        owner = values.get("ownername") or body["ownername"]
        project = values.get("projectname") or body["projectname"]
        packages = self.world.project(owner, project)["packages"]
        if action == "package/list":
            return _page([packages[name] for name in sorted(packages)])
        name = values.get("package_name") or body["package_name"]
        if action == "package/build":
            if name not in packages:
                raise WorldError(404, f"No package with name {name} in copr {project}")
            source = {**packages[name]["source_dict"], "package_name": name}
            batch = (body.get("after_build_id"), body.get("with_build_id"))
            return self._build(self.world.submit(owner, project, "custom", source, *batch))
        if (action == "package/add") == (name in packages):
            raise WorldError(400, f"Package {name} exists already, or does not")
        deps = body.get("script_builddeps") or []
        packages[name] = {
            "id": len(packages) + 2,
            "name": name,
            "ownername": owner,
            "projectname": project,
            "source_type": values["source_type_text"],
            "source_dict": {
                "script": body["script"].rstrip("\n") + "\n",
                "chroot": body.get("script_chroot"),
                "builddeps": deps if isinstance(deps, str) else " ".join(deps),
                "resultdir": body.get("script_resultdir"),
                "repos": "",
            },
            "auto_rebuild": bool(body.get("webhook_rebuild")),
            "builds": {"latest": None, "latest_succeeded": None},
        }
        return packages[name]


def _given(headers: Mapping[str, str]) -> str:
    """Login and token, as they were given."""
    return base64.b64decode(headers.get("authorization", "").removeprefix("Basic ")).decode()


def _page(items: list[Any]) -> dict[str, object]:
    meta = {"limit": None, "offset": 0, "order": "id", "order_type": "ASC"}
    return {"items": items, "meta": meta}


# -- HTTP ------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no fault of the server."""


def _handler_of(server: CoprServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path.removeprefix(_PREFIX)
            fault = server.fault(self.command, path)
            length = int(self.headers.get("content-length") or 0)
            if fault == "drop amid":
                self.rfile.read(length // 2)
                self._hang_up()
                return
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            if fault == "hang":
                assert server.hold is not None
                server.hold.wait()
                self._hang_up()
                return
            if fault.endswith("before"):
                self._misbehave(fault)
                return
            try:
                answer = server.carry_out(self.command, self.path, headers, body)
            except Exception as error:  # noqa: BLE001  a fault of the test's own
                server.violations.append(f"{self.command} {path}: {error!r}")
                answer = Answer(500, {"error": "a fault of the test's server"})
            if fault:
                self._misbehave(fault)
            else:
                self._send(answer.status, json.dumps(answer.document), "application/json")

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def _misbehave(self, fault: str) -> None:
            if fault.startswith("500"):
                self._send(500, '{"error": "Request wasn\'t successful, try again"}', "text/json")
            elif fault.startswith("504"):
                self._send(504, "<html>Gateway Timeout</html>", "text/html")
            elif fault.startswith("nonsense"):
                self._send(200, "<html>Maintenance</html>", "text/html")
            else:
                self._hang_up()

        def _send(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def _hang_up(self) -> None:
            """End the connection the hard way."""
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            with suppress(OSError):
                self.connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Tests have their own record."""

    return Handler
