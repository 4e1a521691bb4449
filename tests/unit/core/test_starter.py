"""A first config is chosen from what the repository shows, and only where that leaves no doubt."""

import pytest
import yaml

from lockgate.core.starter import Repository, choose
from lockgate.core.starter_files import config, workflow

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def repository(**texts):
    """A repository of these files; `__` stands for a slash and `_dot_` for a dot."""
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in texts.items()}
    return Repository("my.Shop 2", frozenset(named), named)


@pytest.mark.parametrize(
    ("texts", "service"),
    [
        ({}, "my-shop-2"),
        ({"pyproject_dot_toml": '[project]\nname = "Web_Store"'}, "web-store"),
        ({"package_dot_json": '{"name": "@acme/shop"}'}, "acme-shop"),
        ({"pyproject_dot_toml": "not toml ["}, "my-shop-2"),
        ({"pyproject_dot_toml": "project = 1", "package_dot_json": "[1]"}, "my-shop-2"),
        ({"package_dot_json": '{"name": "123"}'}, "my-shop-2"),
        ({"package_dot_json": '{"name": "' + "a" * 40 + '"}'}, "a" * 31),
    ],
)
def test_the_service_is_named_as_the_project_is(texts, service):
    """The manifest's name, else the folder's, made fit for a name."""
    assert choose(repository(**texts)).service == service


def test_a_repository_without_a_usable_name_still_gets_one():
    """There is always a valid name."""
    assert choose(Repository("42", frozenset(), {})).service == "service"


def test_a_locked_project_is_tested_from_its_lock():
    """The command runs pytest by uv from the lock, with both reports."""
    starter = choose(repository(pyproject_dot_toml="pytest pytest-cov", uv_dot_lock="", tests__test_a_dot_py=""))
    assert starter.test.value == (
        "uv run --locked --all-extras --all-groups pytest --junitxml=junit.xml --cov --cov-report=xml"
    )
    assert (starter.junit, starter.coverage) == (True, True)


def test_without_pytest_cov_no_coverage_is_promised():
    """A report that the command cannot write is not asked for, and that is said."""
    starter = choose(repository(requirements_dot_txt="pytest==9\n", test_a_dot_py=""))
    assert starter.test.value == "uv run --no-project --with-requirements requirements.txt pytest --junitxml=junit.xml"
    assert not starter.coverage
    assert any("coverage" in one for one in starter.missing)


def test_tests_of_a_node_project_are_its_script():
    """What package.json says is run."""
    texts = {"package_dot_json": '{"scripts": {"test": "node --test"}}', "package-lock_dot_json": "{}"}
    assert choose(repository(**texts)).test.value == "npm ci && npm test"


@pytest.mark.parametrize("texts", [{}, {"pyproject_dot_toml": "pytest"}, {"tests__test_a_dot_py": ""}])
def test_tests_that_are_not_there_are_not_made_up(texts):
    """Without tests and a runner for them, a person has to say how to test."""
    starter = choose(repository(**texts))
    assert starter.test.value == ""
    assert any("test.command" in one for one in starter.missing)


def test_a_dockerfile_is_built_and_its_port_used():
    """A container is built where there is a Dockerfile, listening where it exposes."""
    starter = choose(repository(Dockerfile="FROM x\nexpose 3000/tcp\n"))
    assert (starter.build.value, starter.port.value) == ("docker", "3000")


@pytest.mark.parametrize("text", ["FROM x\n", "EXPOSE $PORT", "EXPOSE 99999", "# EXPOSE 3000", "EXPOSE 0"])
def test_a_port_that_is_not_said_is_the_default(text):
    """Only a plain, possible port counts."""
    assert choose(repository(Dockerfile=text)).port.value == "8000"


@pytest.mark.parametrize(
    ("texts", "command"),
    [
        (
            {"pyproject_dot_toml": "uvicorn", "shop__main_dot_py": FASTAPI},
            "-m uvicorn shop.main:app --host 127.0.0.1 --port $PORT",
        ),
        ({"requirements_dot_txt": "uvicorn", "app_dot_py": "app: Starlette = Starlette("}, "-m uvicorn app:app --host"),
        (
            {"requirements_dot_txt": "gunicorn", "app_dot_py": "app = Flask(__name__)"},
            "-m gunicorn --bind 127.0.0.1:$PORT app:app",
        ),
        (
            {
                "pyproject_dot_toml": "gunicorn",
                "uv_dot_lock": "",
                "site__wsgi_dot_py": "application = get_wsgi_application()",
            },
            "-m gunicorn --bind 127.0.0.1:$PORT site.wsgi:application",
        ),
    ],
)
def test_a_known_application_with_its_server_starts_as_a_bundle(texts, command):
    """One application and one server that fits it leave no doubt about the start command."""
    starter = choose(repository(**texts))
    assert starter.build.value == "bundle"
    assert starter.start.value.startswith("PYTHONPATH=vendor exec python3 -m")
    assert command in starter.start.value
    assert "--target vendor" in starter.prepare


@pytest.mark.parametrize(
    "texts",
    [
        {"pyproject_dot_toml": "fastapi", "main_dot_py": FASTAPI},
        {"pyproject_dot_toml": "uvicorn", "a_dot_py": FASTAPI, "b_dot_py": FASTAPI},
        {"pyproject_dot_toml": "gunicorn", "main_dot_py": FASTAPI},
        {"pyproject_dot_toml": "uvicorn", "tests__app_dot_py": FASTAPI},
        {"pyproject_dot_toml": "uvicorn-worker", "main_dot_py": FASTAPI},
        {"package_dot_json": '{"scripts": {"start": "node x.js"}}', "package-lock_dot_json": ""},
        {"package_dot_json": '{"scripts": 3}'},
    ],
)
def test_a_start_command_in_doubt_is_left_out(texts):
    """No server, two applications, a server that does not fit: a person has to say how it starts."""
    starter = choose(repository(**texts))
    assert (starter.start.value, starter.prepare, starter.build.value) == ("", "", "docker")
    assert any("Dockerfile" in one for one in starter.missing)


def test_a_node_service_that_reads_its_port_starts_as_a_bundle():
    """A start script, a lock and process.env.PORT together are certain."""
    texts = {
        "package_dot_json": '{"scripts": {"start": "node x.js"}}',
        "package-lock_dot_json": "",
        "x_dot_js": "process.env.PORT",
    }
    starter = choose(repository(**texts))
    assert (starter.prepare, starter.start.value) == ("npm ci --omit=dev", "exec npm start")


def test_a_dockerfile_and_a_start_command_give_both_ways():
    """Where both are certain, the machine decides."""
    assert choose(repository(Dockerfile="", pyproject_dot_toml="uvicorn", main_dot_py=FASTAPI)).build.value == "auto"


@pytest.mark.parametrize(("text", "path"), [('@app.get("/healthz")', "/healthz"), ("'/health'", "/health"), ("x", "/")])
def test_the_health_page_is_probed_where_there_is_one(text, path):
    """A page made to say whether the service works is the best probe."""
    assert choose(repository(main_dot_py=text)).probe.value == path


def test_text_that_yaml_would_misread_is_quoted():
    """Whatever a file is called, the config says what was chosen."""
    hostile = Repository("x", frozenset({"Dockerfile", "a: b #.py"}), {"Dockerfile": "", "a: b #.py": '"/health"\n'})
    text = config("service: $service\nprobe: $probe_path # $probe_why\n", choose(hostile), repository="o/l", ref="v1")
    assert yaml.safe_load(text) == {"service": "x", "probe": "/health"}
    yes = choose(Repository("yes", frozenset(), {}))
    assert yaml.safe_load(config("service: $service\n", yes, repository="o/l", ref="v1")) == {"service": "yes"}


def test_a_config_elsewhere_is_named_in_the_workflow():
    """In a repository of several services the workflow says which config it means."""
    template = "jobs:\n  x:\n    uses: $repository@$ref\n    with:\n      config: $path"
    filled = workflow(
        template, name="Deploy", repository="o/l", ref="v1", branch="main", config_path="services/a: b/lockgate.yml"
    )
    assert yaml.safe_load(filled)["jobs"]["x"]["with"] == {"config": "services/a: b/lockgate.yml"}
    plain = workflow(template, name="Deploy", repository="o/l", ref="v1", branch="main", config_path="lockgate.yml")
    assert plain.endswith("      config: lockgate.yml")
