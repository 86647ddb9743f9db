"""What a developer, and CI, can do with a checkout: `nox -s NAME`."""

from __future__ import annotations

import pathlib
import shutil

import nox


PYPROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "typing", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True

# By default nox kills the exporter half a second after Ctrl-C, in the middle of its farewells.
PATIENCE = 10.0

# Two at a time: more would get in the way of tests that look at the clock.
PARALLEL = ("--numprocesses=2",)

# Those that are slow, too, which a run on the way leaves out.
ALL_TESTS = ("-m", "")

TEST_OF_THE_START = "tests/integration/test_process.py::test_the_demo_is_there_within_two_seconds"

FULLY_COVERED = "*/loxone_exporter/loxone/*,*/loxone_exporter/config/*"

# What the wheels in the image are for; those of pure Python are for all.
PYTHON_OF_THE_IMAGE = "3.13"
ARCHITECTURES = ("x86_64", "aarch64")
C_LIBRARIES = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")

# What interop/loxwebsocket.py was written for; the releases from npm are in interop/package.json.
CLIENTS_FROM_PYPI = ["loxwebsocket==0.6.0"]


def install(session: nox.Session, *groups: str, project: str = ".") -> None:
    session.install("--quiet", project, *nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session
def run(session: nox.Session) -> None:
    """Run the exporter: the demo, or `nox -s run -- run --config my.toml`."""
    install(session)
    session.run(
        "loxone-exporter",
        *(session.posargs or ["demo"]),
        interrupt_timeout=PATIENCE,
        terminate_timeout=PATIENCE,
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; all of them with `nox -s tests -- -m ""`."""
    install(session, "tests")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, and fail where too little of the code took part."""
    install(session, "tests")
    session.run("coverage", "erase")
    # Everything takes twice as long here, which the test of the start is not about.
    deselected = f"--deselect={TEST_OF_THE_START}"
    options = ["--quiet", *PARALLEL, *ALL_TESTS, deselected, *session.posargs]
    session.run("coverage", "run", "-m", "pytest", *options)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--fail-under=90")
    session.run("coverage", "report", f"--include={FULLY_COVERED}", "--fail-under=100")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and the rules of structured concurrency."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("hadolint", "deploy/docker/Dockerfile")
    for folder in ("src", "benchmarks", "container", "dashboards", "interop", "stack", "tools"):
        check_async(session, folder)
    check_async(session, "fuzz", "--disable=ASYNC9,ASYNC110")
    # What the soak polls for belongs to the exporter and to simulated Miniservers.
    check_async(session, "soak", "--disable=ASYNC9,ASYNC110")
    # What tests poll for belongs to the code under test; a test may be async for trio's clock only;
    # and the optional rules that are off by default have to be named again.
    check_async(session, "tests", "--disable=ASYNC9,ASYNC110,ASYNC114,ASYNC124")


def check_async(session: nox.Session, folder: str, *options: str) -> None:
    sources = sorted(map(str, pathlib.Path(folder).rglob("*.py")))
    session.log(f"flake8-async: {len(sources)} files in {folder}")
    # Functions that take a task_status and are awaited as they are, too.
    session.run(
        "flake8-async", "--startable-in-context-manager=run,serve", *options, *sources, log=False
    )


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types."""
    install(session, "typing")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/metrics.md anew: what the catalog says is written down there."""
    install(session)
    session.run("python", "-m", "tools.metrics_page", *session.posargs)


@nox.session
def dashboards(session: nox.Session) -> None:
    """Write deploy/grafana anew from the code: `nox -s dashboards -- --check` only compares."""
    session.install("--quiet", *nox.project.dependency_groups(PYPROJECT, "dashboards"))
    session.run("python", "-m", "dashboards", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation into build/site; a link that leads nowhere fails."""
    session.install("--quiet", *nox.project.dependency_groups(PYPROJECT, "docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))
    session.log("the documentation is in build/site/index.html")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and source archive into dist/, and try the wheel."""
    install(session, "build")
    for old in pathlib.Path("dist").glob("loxone_exporter-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", "dist")
    built = sorted(map(str, pathlib.Path("dist").glob("loxone_exporter-*")))
    session.run("twine", "check", "--strict", *built)
    wheel = next(name for name in built if name.endswith(".whl"))
    session.install("--quiet", "--force-reinstall", "--no-deps", wheel)
    session.run("python", "-Ic", "import loxone_exporter")
    session.run("loxone-exporter", "--version")


@nox.session
def lock(session: nox.Session) -> None:
    """Write the image's lock files anew: `nox -s lock -- --upgrade` takes newer releases."""
    install(session, "lock")
    session.run("python", "-m", "tools.lock", *session.posargs)


@nox.session
def manifests(session: nox.Session) -> None:
    """Write what of deploy/kubernetes is made of other files, and render the rest."""
    session.install("--quiet", *nox.project.dependency_groups(PYPROJECT, "kubernetes"))
    session.run("python", "-m", "tools.manifests", *session.posargs)


@nox.session
def deployment(session: nox.Session) -> None:
    """Check what the image, Compose and Kubernetes get, and write dist/loxone-exporter.cdx.json."""
    install(session, "compose", "kubernetes", "lock", "sbom")
    session.run("python", "-m", "tools.lock", "--check")
    for architecture in ARCHITECTURES:
        session.run(
            *("pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", f"--python-version={PYTHON_OF_THE_IMAGE}"),
            *(f"--platform={library}_{architecture}" for library in C_LIBRARIES),
            f"--dest={session.create_tmp()}",
            *("-r", "deploy/docker/requirements.txt", "-r", "deploy/docker/build-requirements.txt"),
        )
    session.log(f"all wheels are there for {' and '.join(ARCHITECTURES)}")
    session.run("python", "-m", "tools.sbom", "dist/loxone-exporter.cdx.json")
    session.run(
        *("docker-compose", "--file=deploy/compose/compose.yaml"),
        *("--env-file=deploy/compose/.env.example", "config", "--quiet"),
    )
    session.run("python", "-m", "tools.manifests", "--check")


@nox.session
def container(session: nox.Session) -> None:
    """Build the image, and try it under podman: `nox -s container -- --runs 5`."""
    install(session, "compose", "container")
    session.run(
        "python",
        "-m",
        "container",
        *session.posargs,
        interrupt_timeout=PATIENCE,
        terminate_timeout=PATIENCE,
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure memory, CPU and latency against the budgets."""
    install(session)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Throw mutated bytes at the exporter for a minute: `nox -s fuzz -- --seconds 600 frames`."""
    install(session, project=".[simulator]")
    session.run("python", "-m", "fuzz", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Try the exporter for long, with everything going wrong: `nox -s soak -- [--minutes M]`."""
    install(session, project=".[simulator]")
    session.run(
        "python",
        "-m",
        "soak",
        *session.posargs,
        interrupt_timeout=PATIENCE,
        terminate_timeout=PATIENCE,
    )


@nox.session
def stack(session: nox.Session) -> None:
    """Kill a simulated Miniserver, and see Prometheus and Alertmanager tell its owner."""
    install(session)
    session.run(
        "python",
        "-m",
        "stack",
        interrupt_timeout=PATIENCE,
        terminate_timeout=PATIENCE,
    )


@nox.session
def interop(session: nox.Session) -> None:
    """Let clients that others wrote connect to the simulator: `nox -s interop -- [CLIENT...]`."""
    if not (shutil.which("node") and shutil.which("npm")):
        session.error("two of the clients need Node.js 18.11 or newer, and npm")
    install(session, project=".[simulator]")
    session.install("--quiet", *CLIENTS_FROM_PYPI)
    session.run(
        "npm",
        "install",
        "--prefix=interop",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
        external=True,
    )
    session.run("python", "-m", "interop", *session.posargs)
