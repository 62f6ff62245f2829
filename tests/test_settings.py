"""Settings: which source wins, and what a fault in one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.settings import (
    SETTINGS_FILE,
    SearchRoots,
    Settings,
    SourceKind,
    find_settings_files,
    load_settings,
    standard_roots,
)


class Machine:
    """A user's home, the system's configuration, and a project, all under one directory."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.work = self.project / "deep" / "down"
        self.work.mkdir(parents=True)
        self.user = root / "home"
        self.system = root / "etc"
        self.roots = SearchRoots(user=(self.user,), system=(self.system,))

    def write(self, folder: Path, text: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / SETTINGS_FILE
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, environ: dict[str, str] | None = None, **options: object) -> Settings:
        return load_settings(options, environ=environ or {}, start=self.work, roots=self.roots)

    def faults(
        self, environ: dict[str, str] | None = None, **options: object
    ) -> tuple[InputError, ...]:
        with pytest.raises(InputErrors) as caught:
            self.load(environ, **options)
        return caught.value.errors


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# ---- precedence ------------------------------------------------------------------------------


def test_without_any_source_the_defaults_hold(machine: Machine) -> None:
    settings = machine.load()
    assert (settings.arch, settings.colour, settings.offline) == ("x86_64", "auto", False)
    assert (settings.base, settings.repos, settings.files) == ("", (), ())
    assert {setting.kind for setting in settings.origins} == {SourceKind.DEFAULT}


def test_each_source_yields_to_the_one_before_it(machine: Machine) -> None:
    files = [
        machine.write(folder, f'variant = "{name}"\n')
        for folder, name in (
            (machine.project, "project"),
            (machine.user, "user"),
            (machine.system, "system"),
        )
    ]
    environ = {"STREAMSOLVE_VARIANT": "environment"}
    assert machine.load(environ, variant="option").variant == "option"
    assert machine.load(environ).variant == "environment"
    assert machine.load(variant=None).variant == "project"
    files[0].unlink()
    assert machine.load().variant == "user"
    files[1].unlink()
    assert machine.load().variant == "system"
    files[2].unlink()
    assert machine.load().variant == ""


def test_sources_fill_in_for_each_other_key_by_key(machine: Machine) -> None:
    machine.write(machine.project, 'variant = "cpu"\n')
    machine.write(machine.user, 'variant = "cuda"\npython = "3.13"\n')
    settings = machine.load({"STREAMSOLVE_ARCH": "aarch64"})
    assert (settings.variant, settings.python, settings.arch) == ("cpu", "3.13", "aarch64")


def test_the_nearest_project_file_on_the_way_up_is_the_only_one(machine: Machine) -> None:
    machine.write(machine.project, 'variant = "far"\narch = "s390x"\n')
    near = machine.write(machine.work.parent, 'variant = "near"\n')
    settings = machine.load()
    assert (settings.variant, settings.arch) == ("near", "x86_64")
    assert settings.files == (str(near),)


def test_a_file_that_is_found_twice_is_read_once(machine: Machine) -> None:
    path = machine.write(machine.work, "")
    roots = SearchRoots(user=(machine.work,), system=(machine.work,))
    assert find_settings_files(machine.work, roots) == (path,)


def test_repositories_of_all_sources_are_joined_nearest_first(machine: Machine) -> None:
    machine.write(machine.project, '[repos]\nb = "https://p/b"\na = "https://p/a"\n')
    machine.write(machine.user, '[repos]\nc = "https://u/c"\na = "https://u/a"\n')
    settings = machine.load({"STREAMSOLVE_REPOS": "d=file:///e/d"}, repos=("b=https://o/b",))
    assert settings.repos == (
        ("b", "https://o/b"),
        ("d", "file:///e/d"),
        ("a", "https://p/a"),
        ("c", "https://u/c"),
    )


# ---- origins ---------------------------------------------------------------------------------


def test_every_value_says_where_it_comes_from(machine: Machine) -> None:
    path = machine.write(machine.project, '# mine\n\nvariant = "cpu"\n[repos]\nx = "https://x"\n')
    settings = machine.load({"STREAMSOLVE_INDEX_URL": "https://i/simple"}, base="fedora-45")
    shown = {setting.key: (setting.value, setting.origin) for setting in settings.origins}
    assert shown["base"] == ("fedora-45", "option --base")
    assert shown["index-url"] == (
        "https://i/simple",
        "environment variable STREAMSOLVE_INDEX_URL",
    )
    assert shown["variant"] == ("cpu", f"{path}:3")
    assert shown["repos.x"] == ("https://x", f"{path}:5")
    assert shown["arch"] == ("x86_64", "default")
    assert settings.origin("nothing") is None


def test_no_offline_as_an_option_is_stronger_than_the_environment(machine: Machine) -> None:
    environ = {"STREAMSOLVE_OFFLINE": "yes"}
    assert machine.load(environ).offline
    assert not machine.load(environ, offline=False).offline
    assert machine.load(environ, offline=None).offline


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("0", False), ("", False)]
)
def test_a_flag_in_the_environment_has_the_usual_words(
    machine: Machine, text: str, value: bool
) -> None:
    assert machine.load({"STREAMSOLVE_OFFLINE": text}).offline is value


def test_paths_in_a_file_count_from_where_it_lies(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(machine.user))
    text = 'base = "data/f45"\ncache = "~/cache"\n[repos]\nx = "repos/x"\ny = "/abs"\n'
    machine.write(machine.project, text)
    settings = machine.load()
    assert settings.base == str(machine.project / "data" / "f45")
    assert settings.cache == str(machine.user / "cache")
    assert settings.repos == (("x", str(machine.project / "repos" / "x")), ("y", "/abs"))


def test_a_base_that_is_a_name_stays_one(machine: Machine) -> None:
    machine.write(machine.project, 'base = "fedora-45"\n')
    assert machine.load().base == "fedora-45"


def test_the_platform_s_directories_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere/config")
    monkeypatch.setenv("XDG_CONFIG_DIRS", "/one:/two")
    assert standard_roots() == SearchRoots(
        user=(Path("/somewhere/config/streamsolve"),),
        system=tuple(Path(f"{top}/streamsolve") for top in ("/etc", "/one", "/two")),
    )


# ---- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('\nvarient = "cpu"\n', 2, "unknown key 'varient'", "did you mean variant?"),
        ('color = "auto"\n', 1, "unknown key 'color'", "did you mean colour?"),
        ('colour = "allways"\n', 1, "unknown value 'allways'", "did you mean always?"),
        ('python = "3"\n', 1, "'3' is no interpreter version", "write X.Y, such as 3.14"),
        ("python = 3.14\n", 1, "expected a string, not a float", ""),
        ('offline = "no"\n', 1, "expected true or false, not a string", ""),
        ('base = ""\n', 1, "must not be empty", ""),
        ('arch = "x86-64"\n', 1, "'x86-64' is no architecture", "such as x86_64 or aarch64"),
        ('index-url = "example.org"\n', 1, "'example.org' is no address", "it begins with"),
        ('[repos]\nx = "ftp://x"\n', 2, "'ftp://x' is no address", "it begins with"),
        ('[repos]\n"a b" = "https://x"\n', 2, "'a b' is no repository name", "letters"),
        ('repos = ["https://x"]\n', 1, "expected a table, not an array", ""),
        ("[repos]\nx = 1\n", 2, "expected a string, not an integer", ""),
        ("base = \n", 1, "not TOML: invalid value", "^"),
    ],
)
def test_a_fault_in_a_file_names_its_line(
    machine: Machine, text: str, line: int, message: str, hint: str
) -> None:
    path = machine.write(machine.project, text)
    [fault] = machine.faults()
    assert fault.code is Code.BROKEN_SETTINGS
    assert (fault.place.file, fault.place.line) == (str(path), line)
    assert fault.message == message
    assert hint in fault.hint


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("STREAMSOLVE_OFFLINE", "perhaps", "'perhaps' is neither yes nor no"),
        ("STREAMSOLVE_PYTHON", "py3", "'py3' is no interpreter version"),
        ("STREAMSOLVE_COLOUR", "blue", "unknown value 'blue'"),
        ("STREAMSOLVE_REPOS", "https://x/y", "'https://x/y' is no repository"),
        ("STREAMSOLVE_REPOS", "a=https://x a=https://y", "is named twice"),
    ],
)
def test_a_fault_in_the_environment_names_its_variable(
    machine: Machine, variable: str, value: str, message: str
) -> None:
    with pytest.raises(InputErrors) as caught:
        machine.load({variable: value})
    assert caught.value.code is Code.BAD_OPTION
    [fault] = caught.value.errors
    assert (fault.code, fault.place.file) == (Code.BAD_OPTION, variable)
    assert message in fault.message


def test_a_fault_in_an_option_names_it(machine: Machine) -> None:
    [fault] = machine.faults(repos=("x/y",))
    assert (fault.code, fault.place.file) == (Code.BAD_OPTION, "--repo")


def test_all_faults_of_all_sources_are_reported_at_once(machine: Machine) -> None:
    machine.write(machine.project, 'varient = "cpu"\nbase = 4\n')
    machine.write(machine.user, "offline = 1\n")
    machine.write(machine.system, "=\n")
    faults = machine.faults({"STREAMSOLVE_PYTHON": "x"}, python="y")
    assert [fault.code for fault in faults].count(Code.BROKEN_SETTINGS) == 4
    assert [fault.code for fault in faults].count(Code.BAD_OPTION) == 2


def test_a_key_that_is_overridden_must_be_right_all_the_same(machine: Machine) -> None:
    machine.write(machine.user, 'python = "x"\n')
    assert len(machine.faults(python="3.14")) == 1


def test_a_file_that_is_no_utf_8_is_a_fault(machine: Machine) -> None:
    machine.write(machine.project, "").write_bytes(b"base = '\xff'\n")
    [fault] = machine.faults()
    assert "UTF-8" in fault.message


def test_an_option_that_is_no_setting_is_a_defect_of_the_caller(machine: Machine) -> None:
    with pytest.raises(TypeError, match="no setting is called 'varient'"):
        machine.load(varient="cpu")
