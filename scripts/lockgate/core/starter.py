"""What a first lockgate.yml should say about a repository: decided from its files, and each choice with its reason."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_EXPOSE = re.compile(r"^\s*EXPOSE\s+(\d{1,5})(?:/tcp)?\b", re.IGNORECASE | re.MULTILINE)
_APPS = {
    "fastapi": re.compile(r"^(app|application)(?:\s*:\s*\w+)?\s*=\s*FastAPI\(", re.MULTILINE),
    "starlette": re.compile(r"^(app|application)(?:\s*:\s*\w+)?\s*=\s*Starlette\(", re.MULTILINE),
    "flask": re.compile(r"^(app|application)(?:\s*:\s*\w+)?\s*=\s*Flask\(", re.MULTILINE),
    "django": re.compile(r"^(application)\s*=\s*get_wsgi_application\(", re.MULTILINE),
}
_SERVERS = {
    "uvicorn": ({"fastapi", "starlette"}, "-m uvicorn {app} --host 127.0.0.1 --port $PORT"),
    "gunicorn": ({"flask", "django"}, "-m gunicorn --bind 127.0.0.1:$PORT {app}"),
}
_HEALTH = re.compile(r"""["'](/health|/healthz|/api/health)["']""")
_REQUIREMENTS = ("requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt", "requirements.txt")
_HIGHEST_PORT = 65535
_DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Repository:
    """What was looked at: the files, and the text of those that tell something. Paths are relative, with slashes."""

    name: str
    files: frozenset[str]
    texts: Mapping[str, str]

    def depends_on(self, package: str) -> bool:
        """Whether a manifest names this Python package."""
        name = re.compile(rf"(?<![\w-]){re.escape(package)}(?![\w-])", re.IGNORECASE)
        manifests = [text for path, text in self.texts.items() if path == "pyproject.toml" or path in _REQUIREMENTS]
        return any(name.search(text) for text in manifests)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing chosen, and why."""

    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything a first config says that is not a default."""

    service: str
    test: Choice
    junit: bool
    coverage: bool
    """Whether the test command writes a report of that kind."""
    build: Choice
    port: Choice
    prepare: str
    """The command that prepares a bundle."""
    start: Choice
    """The command that starts a bundle; empty where none is certain."""
    probe: Choice
    missing: tuple[str, ...] = ()
    """What a person has to add."""


def choose(repository: Repository) -> Starter:
    """Decide what the first config says."""
    test, junit, coverage = _test(repository)
    prepare, start = _start(repository)
    docker = "Dockerfile" in repository.files
    if docker and start.value:
        build = Choice("auto", "There is a Dockerfile; without docker and podman the service ships as a bundle.")
    elif docker:
        build = Choice("docker", "There is a Dockerfile.")
    elif start.value:
        build = Choice("bundle", f"There is no Dockerfile. {start.why}")
    else:
        build = Choice("docker", "Nothing here says how the service starts: write a Dockerfile, or build a bundle.")
    missing = []
    if not test.value:
        missing.append("test.command: nothing is shipped untested")
    elif not coverage:
        missing.append("a coverage report: without one, budgets.coverage is not enforced")
    if not docker and not start.value:
        missing.append("a Dockerfile, or build.kind: bundle with build.bundle.start")
    return Starter(
        service=_service(repository),
        test=test,
        junit=junit,
        coverage=coverage,
        build=build,
        port=_port(repository),
        prepare=prepare if start.value else "",
        start=start,
        probe=_probe(repository),
        missing=tuple(missing),
    )


def _service(repository: Repository) -> str:
    names = (_project(repository).get("name"), _package(repository).get("name"), repository.name)
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", str(name or "").lower()).lstrip("-0123456789")[:31].strip("-")
        if slug:
            return slug
    return "service"


def _project(repository: Repository) -> Mapping[str, Any]:
    try:
        project = tomllib.loads(repository.texts.get("pyproject.toml", "")).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}
    return project if isinstance(project, dict) else {}


def _package(repository: Repository) -> Mapping[str, Any]:
    try:
        package = json.loads(repository.texts.get("package.json", "{}"))
    except (ValueError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def _scripts(repository: Repository) -> Mapping[str, Any]:
    scripts = _package(repository).get("scripts")
    return scripts if isinstance(scripts, dict) else {}


def _test(repository: Repository) -> tuple[Choice, bool, bool]:
    """Choose the test command, and say whether it writes a JUnit report and a coverage report."""
    has_tests = any(re.fullmatch(r"(?:tests?/.*|.*/)?(?:test_\w+|\w+_test)\.py", path) for path in repository.files)
    if has_tests and repository.depends_on("pytest"):
        coverage = repository.depends_on("pytest-cov")
        runner, manifest = _python_runner(repository)
        command = f"{runner} pytest --junitxml=junit.xml" + (" --cov --cov-report=xml" if coverage else "")
        without = "" if coverage else "; pytest-cov is not, so coverage is not measured"
        return Choice(command, f"pytest is in {manifest}{without}."), True, coverage
    if "package.json" in repository.files and _scripts(repository).get("test"):
        install = "npm ci" if "package-lock.json" in repository.files else "npm install"
        return Choice(f"{install} && npm test", "package.json has a test script, which writes no report."), False, False
    return Choice("", "No tests were found. Say how they are run, and where their reports are."), True, True


def _python_runner(repository: Repository) -> tuple[str, str]:
    for name in _REQUIREMENTS:
        if re.search(r"^pytest\b", repository.texts.get(name, ""), re.MULTILINE):
            return f"uv run --no-project --with-requirements {name}", name
    locked = "--locked " if "uv.lock" in repository.files else ""
    return f"uv run {locked}--all-extras --all-groups", "pyproject.toml"


def _start(repository: Repository) -> tuple[str, Choice]:
    """Give the commands that prepare and start a bundle, where the files leave no doubt about them."""
    apps = list(_apps(repository))
    for server, (frameworks, arguments) in _SERVERS.items():
        fitting = [(path, app) for framework, path, app in apps if framework in frameworks]
        if len(fitting) == 1 and repository.depends_on(server):
            path, app = fitting[0]
            prepare = _python_vendor(repository)
            command = f"{'PYTHONPATH=vendor ' if prepare else ''}exec python3 {arguments.format(app=app)}"
            return prepare, Choice(command, f"{path} holds the application and {server} serves it.")
    listens = any(
        "process.env.PORT" in text for path, text in repository.texts.items() if path.endswith((".js", ".ts"))
    )
    if _scripts(repository).get("start") and listens and "package-lock.json" in repository.files:
        return "npm ci --omit=dev", Choice(
            "exec npm start", "package.json has a start script, and it listens on $PORT."
        )
    return "", Choice("", "")


def _apps(repository: Repository) -> Iterator[tuple[str, str, str]]:
    for path, text in repository.texts.items():
        if path.endswith(".py") and not re.match(r"tests?/", path):
            module = ".".join(PurePosixPath(path).with_suffix("").parts)
            for framework, form in _APPS.items():
                if match := form.search(text):
                    yield framework, path, f"{module}:{match[1]}"


def _python_vendor(repository: Repository) -> str:
    install = "uv pip install --quiet --python python3 --target vendor"
    if "uv.lock" in repository.files:
        export = "uv export --locked --no-dev --no-emit-project --quiet --output-file vendor.txt"
        return f"{export} && {install} --require-hashes --requirement vendor.txt"
    if "requirements.txt" in repository.files:
        return f"{install} --requirement requirements.txt"
    return f"{install} --requirement pyproject.toml"


def _port(repository: Repository) -> Choice:
    match = _EXPOSE.search(repository.texts.get("Dockerfile", ""))
    if match and 0 < int(match[1]) <= _HIGHEST_PORT:
        return Choice(match[1], f"The Dockerfile exposes {match[1]}.")
    return Choice(str(_DEFAULT_PORT), "No port is exposed by a Dockerfile: this is the default.")


def _probe(repository: Repository) -> Choice:
    for path, text in sorted(repository.texts.items()):
        match = (
            _HEALTH.search(text) if path.endswith((".py", ".js", ".ts")) and not re.match(r"tests?/", path) else None
        )
        if match:
            return Choice(match[1], f"{path} answers {match[1]}.")
    return Choice("/", "No health page was found: name the page that shows best whether the service works.")
