"""Plans with builds, made by hand: small enough to read, and with everything in them once.

``small_plan()`` is an application on a base with epochs, rich dependencies, obsoletes and required
paths; a third party's packages without checksums; two private streams that need each other, of
which one has a bootstrap pass; builds that share a root; and a setuptools for builds alone.
``SmallPlan(...)`` changes parts of it, ``large_plan()`` is as large as a real one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field
from packaging.version import Version

from streamsolve.model.build import (
    Build,
    BuildNeed,
    BuildPlan,
    Isolation,
    NeedOrigin,
    NeedRole,
    Root,
    RootStream,
    Stage,
    Substitute,
)
from streamsolve.model.component import Origin
from streamsolve.model.lock import LockRepository, LockSettings, LockSpec
from streamsolve.model.package import Package
from streamsolve.model.plan import (
    Burden,
    Demander,
    HeldBack,
    HostRequirement,
    Notice,
    Plan,
    PlannedStream,
    Reason,
    ReasonKind,
    RepositoryId,
    Summary,
)
from streamsolve.model.requirement import Requirement, parse_requirement, requirement_on
from streamsolve.model.stream import Source
from streamsolve.selection.order import build_order

from .builders import component, relaxed

__all__ = [
    "SmallPlan",
    "base_package",
    "large_plan",
    "private_package",
    "small_plan",
    "small_settings",
]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


CUDA_COMPONENT = component("accelerator:cuda")

# -- packages --------------------------------------------------------------------------------------


def base_package(
    name: str,
    evr: str,
    *,
    provides: Iterable[str] = (),
    requires: Iterable[str] = ("libc.so.6(GLIBC_2.34)(64bit)", "rpmlib(PayloadIsZstd) <= 5.4.18-1"),
    conflicts: Iterable[str] = (),
    obsoletes: Iterable[str] = (),
    arch: str = "x86_64",
    repository: str = "fedora",
) -> Package:
    """A package of the base, with checksum and size; it provides itself."""
    return Package(
        name,
        evr,
        arch,
        repository,
        tuple(sorted({f"{name} = {evr}", f"{name}(x86-64) = {evr}", *provides})),
        tuple(sorted(requires)),
        tuple(sorted(conflicts)),
        tuple(sorted(obsoletes)),
        source=name,
        checksum=f"sha256:{digest(name + evr)}",
        size=1000 + len(name),
    )


def private_package(name: str, version: str, requires: Iterable[str] = ()) -> Package:
    """A planned package of a distribution."""
    rpm, evr = f"python3-{name}", f"{version}-0.streamsolve"
    provides = {f"{rpm} = {evr}", f"{rpm}(x86-64) = {evr}"}
    provides |= {f"python{series}dist({name}) = {version}" for series in ("3.14", "3")}
    needs = tuple(sorted({"python(abi) = 3.14", *requires}))
    return Package(rpm, evr, "x86_64", "private", tuple(sorted(provides)), needs)


GLIBC = base_package(
    "glibc",
    "2.43-5.fc45",
    provides=("libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6()(64bit)", "/usr/bin/ldd"),
    requires=("(glibc-langpack-en or glibc-minimal-langpack)", "basesystem"),
    obsoletes=("glibc-profile < 2.4",),
)
GROUP = (
    GLIBC,
    base_package("basesystem", "11-20.fc45", requires=(), arch="noarch"),
    base_package(
        "glibc-minimal-langpack", "2.43-5.fc45", requires=("glibc(x86-64) = 2.43-5.fc45",)
    ),
    base_package("bash", "5.3.0-2.fc45", provides=("/bin/sh", "/usr/bin/bash")),
    base_package(
        "openssl-libs", "1:3.5.4-1.fc45", provides=("libcrypto.so.3()(64bit)",), requires=()
    ),
    base_package(
        "coreutils",
        "9.7-6.fc45",
        provides=("/usr/bin/env", "fileutils"),
        requires=("libcrypto.so.3()(64bit)", "openssl-libs >= 1:3.0", "/bin/sh"),
        conflicts=("bash < 5",),
        obsoletes=("fileutils < 5.0",),
    ),
    base_package("rpm-build", "6.0.0-1.fc45", requires=("/usr/bin/bash", "coreutils >= 9")),
)
PYTHON3 = (
    base_package("python3", "3.14.2-1.fc45", provides=("python(abi) = 3.14", "/usr/bin/python3")),
    base_package(
        "python3-packaging",
        "25.0-7.fc45",
        provides=("python3.14dist(packaging) = 25", "python3dist(packaging) = 25"),
        requires=("python(abi) = 3.14",),
        arch="noarch",
    ),
)
DEVEL = base_package(
    "python3-devel",
    "3.14.2-1.fc45",
    provides=("pkgconfig(python3) = 3.14",),
    requires=(
        "python3 = 3.14.2-1.fc45",
        "(python-rpm-macros if rpm-build)",
        "(python3 >= 3.14.0~rc1 with python3 < 3.15~~)",
    ),
)
MACROS = base_package(
    "python-rpm-macros", "3.14-9.fc45", requires=("(bash without gcc13)",), arch="noarch"
)
GCC = base_package(
    "gcc",
    "16.0.1-0.20.fc45",
    requires=("glibc >= 2.40~", "libc.so.6(GLIBC_2.34)(64bit)"),
    conflicts=("(gcc13 unless gcc13-compat)",),
)
WHEEL = base_package("python3-setuptools-wheel", "80.1-1.fc45", requires=(), arch="noarch")
CUDA = Package("cuda-toolkit-13-0", "13-0.external", "x86_64", "external")
NVCC = Package(
    "cuda-nvcc-13-0", "13-0.external", "x86_64", "external", ("cuda-nvcc-13-0 = 13-0.external",)
)
CUBLAS = base_package("libcublas-13-0", "13.1.1.3-1", requires=(), repository="nvidia")


# -- streams ---------------------------------------------------------------------------------------


def requirement(text: str) -> Requirement:
    """On the interpreter, on ``kind:name``, or on a distribution as PEP 508 writes it."""
    for name in ("interpreter:python", "accelerator:cuda", "toolchain:gcc"):
        if text.startswith(name):
            return requirement_on(component(name), text[len(name) :])
    return parse_requirement(text)


def pinned(name: str, version: str) -> Source:
    return Source(
        f"pkg:pypi/{name}@{version}", f"{name}-{version}.tar.gz", digest(f"{name} {version}")
    )


def stream(
    name: str,
    version: str,
    origin: Origin,
    kind: ReasonKind,
    requires: Iterable[str] = (),
    *,
    package: str = "",
    cost: int = 0,
    build_only: bool = False,
    repository: str = "",
) -> PlannedStream:
    about = component(name)
    return PlannedStream(
        component=about,
        version=Version(version),
        origin=origin,
        package=package or f"python3-{name}",
        source=pinned(name, version) if origin is Origin.PRIVATE else Source(""),
        requirements=tuple(sorted(map(requirement, requires), key=str)),
        required_by=(),
        reason=Reason(kind),
        licence="MIT" if origin is Origin.PRIVATE else "",
        cost=cost,
        build_only=build_only,
        repository=repository,
    )


def private(
    name: str, version: str, cost: int, requires: Iterable[str] = (), **more: bool
) -> PlannedStream:
    needs = ("interpreter:python>=3.10", *requires)
    return stream(name, version, Origin.PRIVATE, ReasonKind.NOT_IN_BASE, needs, cost=cost, **more)


OMITTED = PlannedStream(
    component("tokenspeed"), None, Origin.OMITTED, "", Source(""), (), (),
    Reason(ReasonKind.OMITTED, text="only for a processor that the base does not support"),
)  # fmt: skip


def demanded(streams: Iterable[PlannedStream]) -> tuple[PlannedStream, ...]:
    """The streams with who demands them, sorted."""
    ordered = sorted(streams, key=lambda one: (one.component, str(one.version)))
    return tuple(
        evolve(
            one,
            required_by=tuple(
                Demander(other.component, asked)
                for other in ordered
                for asked in other.requirements
                if asked.component == one.component
                and not (one.build_only and one.origin is Origin.PRIVATE)
                and not (other.build_only and other.origin is Origin.PRIVATE)
            ),
        )
        for one in ordered
    )


# -- the plan --------------------------------------------------------------------------------------


@define
class SmallPlan:
    """The parts of a small plan; ``plan()`` puts them together.

    ``leaves`` are further private streams that the application requires and whose builds share one
    root. ``versions`` are versions of streams other than the usual ones, ``base`` are base packages
    in the place of those of their names, and ``without`` streams that the application does without.
    """

    leaves: int = 2
    versions: Mapping[str, str] = field(factory=dict)
    base: Mapping[str, Package] = field(factory=dict)
    without: tuple[str, ...] = ()
    filler: tuple[Package, ...] = ()
    apart: bool = False

    def version(self, name: str) -> str:
        usual = {
            "app": "1.0",
            "torch": "2.14.0",
            "wheel": "0.46.1",
            "flit-core": "3.12.0",
            "setuptools": "80.1",
        }
        return self.versions.get(name, usual.get(name, "1.2"))

    @property
    def leaf_names(self) -> tuple[str, ...]:
        names = (f"leaf-{number}" for number in range(self.leaves))
        return tuple(name for name in names if name not in self.without)

    def streams(self) -> tuple[PlannedStream, ...]:
        wheel = self.version("wheel")
        found = [
            private(
                "app",
                self.version("app"),
                20,
                (
                    "torch>=2.13,<3",
                    "packaging>=24",
                    "wheel~=0.46.0",
                    "tokenspeed",
                    "accelerator:cuda==13.0",
                    *(f"{leaf}>=1.0" for leaf in self.leaf_names),
                ),
            ),
            private("torch", self.version("torch"), 60, ("packaging", "nvidia-cublas==13.1.1.3")),
            private("wheel", wheel, 2, ("packaging>=24.0",)),
            *(private(leaf, self.version(leaf), 3) for leaf in self.leaf_names),
            private("setuptools", self.version("setuptools"), 5, build_only=True),
            private("flit-core", self.version("flit-core"), 2, build_only=True),
            stream(
                "packaging",
                "25.0",
                Origin.BASE,
                ReasonKind.BASE_FITS,
                ("interpreter:python>=3.8",),
                repository="fedora",
            ),
            stream(
                "interpreter:python",
                "3.14.2",
                Origin.BASE,
                ReasonKind.BASE_FITS,
                package="python3",
                repository="fedora",
            ),
            stream(
                "toolchain:gcc",
                "16.0.1",
                Origin.BASE,
                ReasonKind.BASE_FITS,
                package="gcc",
                build_only=True,
                repository="fedora",
            ),
            stream(
                "accelerator:cuda",
                "13.0",
                Origin.EXTERNAL,
                ReasonKind.EXTERNAL,
                ("toolchain:gcc<17",),
                package="cuda-toolkit-13-0",
                repository="cuda",
            ),
            stream(
                "nvidia-cublas",
                "13.1.1.3",
                Origin.EXTERNAL,
                ReasonKind.EXTERNAL,
                package="libcublas-13-0",
                repository="nvidia",
            ),
            OMITTED,
        ]
        return demanded(found)

    # -- packages and roots

    def own(self, name: str) -> Package:
        requires = {
            "app": (
                "(python3.14dist(torch) >= 2.13 with python3.14dist(torch) < 3~~)",
                "python3.14dist(packaging) >= 24",
                "python3.14dist(wheel)",
                "cuda-toolkit-13-0",
                *(f"python3.14dist({leaf}) >= 1" for leaf in self.leaf_names),
            ),
            "torch": ("libcublas-13-0", "libc.so.6(GLIBC_2.34)(64bit)", "/usr/bin/env"),
            "wheel": ("python3.14dist(packaging) >= 24",),
        }
        return private_package(name, self.version(name), requires.get(name, ()))

    def part(self) -> Package:
        """A sub-package: torch's extra."""
        main = self.own("torch")
        name = f"{main.name}+compile"
        own = f"{name} = {main.evr}"
        return evolve(main, name=name, provides=(own,), requires=(f"{main.name} = {main.evr}",))

    def from_base(self, packages: Iterable[Package]) -> list[Package]:
        return [self.base.get(package.name, package) for package in packages]

    def root(
        self,
        id: str,
        packages: Iterable[Package],
        makers: Mapping[str, str],
        asked: Iterable[str],
        tools: Iterable[str] = (),
    ) -> Root:
        """``makers`` are the private streams with the builds that make them; ``tools`` other
        streams of the plan."""
        of_plan = {one.component.spelled: one for one in self.streams()}
        streams = []
        for name in (*makers, *tools, "interpreter:python"):
            one = of_plan[name]
            assert one.version is not None
            made = makers.get(name, "")
            streams.append(RootStream(one.component, one.version, one.origin, one.package, made))
        held = [*self.from_base(packages), *map(self.own, makers)]
        texts = {*asked, *(f"python3-{name}" for name in makers), "python3"}
        return Root(id, tuple(sorted(held)), tuple(sorted(streams)), tuple(sorted(texts)))

    def id(self, name: str) -> str:
        return f"{name}@{self.version(name)}"

    def plan(self) -> Plan:
        ids = {name: self.id(name) for name in (*self.leaf_names, "app", "torch", "wheel")}
        first, final = f"{self.id('setuptools')}/bootstrap", f"{self.id('setuptools')}/final"
        builds = self._builds(first, final)
        runtime = self.root(
            "runtime",
            [*GROUP[:-1], *PYTHON3, CUDA, CUBLAS],
            ids,
            ("python3-packaging = 25.0-7.fc45", "cuda-toolkit-13-0", "(bash and coreutils)"),
            ("packaging", "accelerator:cuda", "nvidia-cublas"),
        )
        extra = tuple(sorted((*runtime.packages, self.part())))
        runtime = evolve(
            runtime, packages=extra, asked=tuple(sorted((*runtime.asked, self.part().name)))
        )
        streams = self.streams()
        counts = [(one.origin, one.build_only and one.origin is Origin.PRIVATE) for one in streams]
        order = build_order(
            {build.id: build.cost for build, _ in builds},
            {build.id: build.after for build, _ in builds},
        )
        roots = {root.id: root for _, root in builds}
        build_plan = BuildPlan(
            runtime,
            tuple(roots[id] for id in sorted(roots)),
            tuple(sorted((build for build, _ in builds), key=lambda build: build.id)),
            order,
        )
        app = next(one for one in streams if one.component.name == "app")
        return Plan(
            application="app",
            version=Version(self.version("app")),
            variant="cuda",
            base="fedora-45",
            arch="x86_64",
            repositories=(
                RepositoryId("fedora", digest("fedora")),
                RepositoryId("nvidia", digest("nvidia")),
                RepositoryId("source", digest("source")),
            ),
            python="3.14",
            summary=Summary(
                base=counts.count((Origin.BASE, False)),
                private=counts.count((Origin.PRIVATE, False)),
                external=counts.count((Origin.EXTERNAL, False)),
                omitted=1,
                cost=sum(one.cost for one in streams if not one.build_only),
                minimal=True,
                lower_bound=counts.count((Origin.PRIVATE, False)),
                build_only=counts.count((Origin.PRIVATE, True)),
                build_cost=sum(build.cost for build, _ in builds),
            ),
            streams=streams,
            burden=Burden(0, (), ("app 1.0", f"torch {self.version('torch')}")),
            warnings=(Notice("window", "only the newest releases were considered"),),
            held_back=(
                HeldBack(
                    component("torch"),
                    Version(self.version("torch")),
                    Version("3.0"),
                    (Demander(app.component, requirement("torch>=2.13,<3")),),
                ),
            ),
            relaxed=(relaxed("app", "wheel~=0.46.0", "wheel", "it works", "METADATA:3"),),
            host=(
                HostRequirement(parse_requirement("driver>=580"), component("accelerator:cuda")),
            ),
            runtime_packages=tuple(package.nevra for package in runtime.packages),
            isolation=Isolation((), 1 + len(roots), 40, 12),
            builds=build_plan,
            demands=("torch>=2.14",),
        )

    def _builds(self, first: str, final: str) -> list[tuple[Build, Root]]:
        group, python = [*GROUP, *self.filler], [*PYTHON3[:1], DEVEL, MACROS]
        flit, wheel = self.id("flit-core"), self.id("wheel")
        plain = [*group, *python]
        made = [
            self._build("flit-core", Stage.ONLY, plain, {}),
            self._build(
                "setuptools", Stage.BOOTSTRAP, [*plain, WHEEL], {}, tools=(),
                substitutes=(Substitute(component("wheel"), f"the base's wheel, {WHEEL.name}"),),
            ),
            self._build(
                "wheel", Stage.ONLY, [*plain, PYTHON3[1]], {"setuptools": first, "flit-core": flit}
            ),
            self._build(
                "setuptools", Stage.FINAL, [*plain, PYTHON3[1]], {"wheel": wheel},
                tools=("packaging",),
            ),
            self._build(
                "torch",
                Stage.ONLY,
                [*plain, PYTHON3[1], GCC, CUDA, NVCC],
                {"setuptools": final, "wheel": wheel},
                tools=("toolchain:gcc", "accelerator:cuda", "packaging"),
            ),
            self._build("app", Stage.ONLY, plain, {"setuptools": final}),
        ]  # fmt: skip
        shared = made[-1][1]
        for name in self.leaf_names:
            build, root = self._build(name, Stage.ONLY, plain, {"setuptools": final})
            if not self.apart:
                build, root = evolve(build, root=shared.id), shared
            made.append((build, root))
        return made

    def _build(
        self,
        name: str,
        stage: Stage,
        packages: Iterable[Package],
        makers: Mapping[str, str],
        *,
        tools: tuple[str, ...] = (),
        substitutes: tuple[Substitute, ...] = (),
    ) -> tuple[Build, Root]:
        planned = next(one for one in self.streams() if one.component.name == name)
        tail = "" if stage is Stage.ONLY else f"-{stage.value}"
        packages = list(packages)
        if PYTHON3[1] in packages and "packaging" not in tools:
            tools = (*tools, "packaging")
        root = self.root(
            f"build-{name}{tail}", packages, makers, ("rpm-build", "python3-devel"), tools
        )
        needs = [
            BuildNeed("python3-devel", NeedOrigin.BASE_SPEC, place=f"python-{name}.spec"),
            BuildNeed(
                "rpm>=6",
                NeedOrigin.BUILD_SYSTEM,
                place="pyproject.toml",
                applied="rpm-build = 6.0.0-1.fc45",
            ),
            BuildNeed("(bash and coreutils >= 9)", NeedOrigin.METHOD, NeedRole.CHECK),
            *(
                BuildNeed(
                    "setuptools>=77,<81" if maker == "setuptools" else maker,
                    NeedOrigin.BUILD_SYSTEM,
                    place="pyproject.toml",
                    component=maker,
                )
                for maker in makers
            ),
        ]
        assert planned.version is not None
        build = Build(
            id=f"{name}@{planned.version}" + (f"/{stage.value}" if tail else ""),
            component=planned.component,
            version=planned.version,
            stage=stage,
            root=root.id,
            needs=tuple(sorted(needs)),
            after=tuple(sorted(set(makers.values()))),
            cost=planned.cost,
            left_out=(
                BuildNeed("pytest", NeedOrigin.BASE_SPEC, NeedRole.CHECK, f"python-{name}.spec"),
            ),
            substitutes=substitutes,
        )
        return build, root


def small_plan() -> Plan:
    """The usual one."""
    return SmallPlan().plan()


def large_plan(roots: int = 200, each: int = 300, packages: int = 3000) -> Plan:
    """As large as a real one: that many build roots of about that many packages each, over that
    many packages with about as many dependencies as a distribution's."""
    many = [
        base_package(
            f"lib-{number}",
            f"{number % 7}.{number % 13}-1.fc45",
            provides=[f"lib{number}.so.{part}()(64bit)" for part in range(4)],
            requires=[
                "libc.so.6(GLIBC_2.34)(64bit)",
                "rpmlib(CompressedFileNames) <= 3.0.4-1",
                *(f"lib{number - number % each}.so.{part}()(64bit)" for part in range(4)),
                *(f"bash >= 5.{part}~" for part in range(4)),
                *(f"glibc >= 2.{part}" for part in range(6)),
            ],
        )
        for number in range(packages)
    ]
    usual = many[: each // 2]
    plan = SmallPlan(leaves=roots - 6, filler=tuple(usual), apart=True).plan()
    assert plan.builds is not None
    slices = range(each, packages - each // 2, each)
    filled = []
    for number, root in enumerate(plan.builds.roots):
        start = slices[number % len(slices)]
        more = many[start : start + each // 2]
        filled.append(evolve(root, packages=tuple(sorted((*root.packages, *more)))))
    return evolve(plan, builds=evolve(plan.builds, roots=tuple(filled)))


def small_settings() -> LockSettings:
    return LockSettings(
        profile="app",
        profile_sha256=digest("app.toml"),
        python="3.14",
        overlays=("nvidia",),
        relaxed=(("app", "wheel", "~=0.46.0"),),
        demands=("torch>=2.14",),
        specs=(LockSpec("torch", "python-torch.spec", digest("python-torch.spec")),),
        tool="0.1.0",
        base_release="45",
        base_python="3.14",
        build_group=("bash", "rpm-build"),
        repositories=(
            LockRepository("fedora"),
            LockRepository("nvidia", 50),
            LockRepository("source", sources=True),
        ),
    )
