"""Docker and podman through their command line: find one that works, build, name by digest, hand over.

What the digest of an image is, precisely:

* with a registry: the digest of the manifest as the registry stored it, which is what everyone pulls by;
* without one: the image's ID, as the engine gives it. That is the SHA-256 of the image's configuration, which holds the
  digests of all its layers; where docker keeps its images in containerd it is that of the manifest. `docker save` and
  `docker load` keep it between two engines of the same kind, and `load` below refuses an archive that gives another.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lockgate.adapters.process import Completed, run
from lockgate.core import image_build
from lockgate.core.config import BuilderKind
from lockgate.core.redaction import shorten
from lockgate.core.release import Artifact
from lockgate.errors import (
    ArtifactMismatchError,
    ArtifactMissingError,
    BuilderMissingError,
    BuildFailedError,
    BuildOverBudgetError,
)

ASK_SECONDS = 30.0
LOAD_SECONDS = 300.0
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_TEXT_LIMIT = 2000
_FOR_LISTS = "docs/building.md says which docker builds for several platforms."


@dataclass(frozen=True, slots=True)
class Engine:
    """One container engine that answers."""

    kind: BuilderKind
    program: str
    env: Mapping[str, str]
    tells: bool = False
    """Whether its builds write down what they made; all of buildx do."""

    def ask(
        self, *arguments: str, timeout: float = ASK_SECONDS, extra_env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run the engine's client; `tail` is what it answered, or where it failed what it complained of."""
        with tempfile.TemporaryFile() as answer:
            env = {**self.env, **(extra_env or {})}
            done = run([self.program, *arguments], cwd=Path("/"), env=env, timeout=timeout, stdout=answer)
            answer.seek(0)
            return replace(done, tail=answer.read().decode(errors="replace")) if done.code == 0 else done

    def build(
        self,
        context: Path,
        dockerfile: Path,
        labels: Mapping[str, str],
        *,
        timeout: float,
        on_line: Callable[[str], None],
        extra_env: Mapping[str, str] | None = None,
        more: Sequence[str] = (),
    ) -> str:
        """Build an image and return its ID; raise BuildFailedError, BuildOverBudgetError. `more` are words of its own.

        The ID is what the engine knows the image by. Docker with the containerd image store knows it by its manifest,
        but buildx writes the digest of the configuration into `--iidfile`; then what it tells in full is read.

        Where SSL_CERT_FILE names a CA bundle, the build may mount it as the secret `ca_bundle`: behind a private CA a
        package index cannot be reached otherwise, and a secret leaves nothing in the image.
        """
        with tempfile.TemporaryDirectory(prefix="lockgate-") as temporary:
            id_file, told = Path(temporary) / "image-id", Path(temporary) / "metadata.json"
            argv = [self.program, "build", "--file", str(dockerfile), "--iidfile", str(id_file), *more]
            argv += [*(["--metadata-file", str(told)] if self.tells else []), *self._words(labels)]
            env = {**self.env, **(extra_env or {}), "DOCKER_BUILDKIT": "1"}
            done = run([*argv, str(context)], cwd=context, env=env, timeout=timeout, on_line=on_line)
            _check(done, f"{self.kind} build")
            image_id = self._image_id(id_file.read_text(encoding="utf-8").strip())
            if not self.tells or self._has(image_id):
                return image_id
            return self._image_id(image_build.told_digest(told.read_bytes() if told.is_file() else b""))

    def build_list(
        self,
        context: Path,
        dockerfile: Path,
        labels: Mapping[str, str],
        *,
        timeout: float,
        on_line: Callable[[str], None],
        extra_env: Mapping[str, str],
        more: Callable[[str], Sequence[str]],
    ) -> str:
        """Build for several platforms, push, and give the digest of the list; `more` gives the words, for a file."""
        with tempfile.TemporaryDirectory(prefix="lockgate-") as temporary:
            said = Path(temporary) / "metadata.json"
            argv = [self.program, "buildx", "build", "--file", str(dockerfile), *more(str(said)), *self._words(labels)]
            env = {**self.env, **extra_env}
            done = run([*argv, str(context)], cwd=context, env=env, timeout=timeout, on_line=on_line)
            _check(done, "docker buildx build", fix=_FOR_LISTS)
            return self._image_id(image_build.told_digest(said.read_bytes() if said.is_file() else b""))

    def exports_cache(self) -> bool:
        """Whether the builder can write a cache of its own: docker with the containerd image store."""
        return "io.containerd.snapshotter" in self.ask("info", "--format", "{{json .DriverStatus}}").tail

    def _words(self, labels: Mapping[str, str]) -> Sequence[str]:
        words = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
        bundle = self.env.get("SSL_CERT_FILE", "")
        if Path(bundle).is_file():
            words += ["--secret", f"id=ca_bundle,src={bundle}"]
        # podman's own image format has no HEALTHCHECK; docker's plain progress is the one made for logs
        return [*words, *(["--format", "docker"] if self.kind is BuilderKind.PODMAN else ["--progress", "plain"])]

    def tag(self, image_id: str, name: str, tag: str) -> None:
        """Give an image a name here, so that pruning nameless images does not take it; raise BuildFailedError."""
        self._must(self.ask("tag", image_id, f"{name}:{tag}"), f"{self.kind} tag")

    def push(self, image_id: str, name: str, tag: str, *, timeout: float, on_line: Callable[[str], None]) -> str:
        """Push an image under a tag and return the digest that the registry gave it; raise BuildFailedError."""
        self.tag(image_id, name, tag)
        done = run(
            [self.program, "push", f"{name}:{tag}"], cwd=Path("/"), env=self.env, timeout=timeout, on_line=on_line
        )
        _check(done, f"{self.kind} push", fix=f"Sign in to the registry of {name} first, and check its name.")
        if pushed := _PUSHED.search(done.tail):
            return pushed[1]
        # podman says the digest nowhere in its output; both keep it with the image
        said = self._must(self.ask("image", "inspect", "--format", "{{json .RepoDigests}}", image_id), "inspect")
        digests = re.findall(rf'"{re.escape(name)}@(sha256:[0-9a-f]{{64}})"', said)
        if len(set(digests)) != 1:
            raise BuildFailedError(f"{self.kind} pushed {name}:{tag} and does not say under which digest.")
        return str(digests[0])

    def save(self, image_id: str, archive: Path, *, timeout: float) -> None:
        """Write an image into an archive; raise BuildFailedError, BuildOverBudgetError."""
        archive.unlink(missing_ok=True)  # podman does not overwrite
        _check(self.ask("save", "--output", str(archive), image_id, timeout=timeout), f"{self.kind} save")

    def load(self, archive: Path, artifact: Artifact) -> None:
        """Load an archive, and be sure that it held the artifact; raise ArtifactMissing/MismatchError."""
        if not archive.is_file():
            raise ArtifactMissingError(
                f"{archive} is not there.", fix="Hand over the directory that `lockgate build --output` wrote."
            )
        done = self.ask("load", "--input", str(archive), timeout=LOAD_SECONDS)
        if done.code or not self._has(artifact.digest):
            raise ArtifactMismatchError(
                f"{archive} does not hold {artifact}.",
                why=f"{self.kind} load said: {_text(done)}",
                fix="Hand over what `lockgate build --output` wrote, to the kind of engine that built it; between "
                "different engines go through a registry (build.registry).",
            )
        self.tag(artifact.digest, artifact.name, artifact.short)

    def resolve(self, artifact: Artifact) -> str:
        """Return the reference to run an image by, pulling it by digest where it has to; raise ArtifactMissingError."""
        for reference in (artifact.digest, artifact.reference):
            if self._has(reference):
                return reference
        # A name without a registry would be looked for at Docker Hub, where it is somebody else's.
        host, slash, _ = artifact.name.partition("/")
        somewhere = slash and ("." in host or ":" in host or host == "localhost")
        pulled = self.ask("pull", artifact.reference, timeout=LOAD_SECONDS) if somewhere else None
        if pulled is not None and pulled.code == 0:
            return artifact.reference
        raise ArtifactMissingError(
            f"The image {artifact} is not on this machine.",
            why=f"{self.kind} pull said: {_text(pulled)}" if pulled else "It was built without a registry.",
            fix="Build here, or hand over what `lockgate build --output` wrote, or set build.registry.",
        )

    def measure(self, image_id: str) -> image_build.ImageSize:
        """Weigh an image; raise BuildFailedError."""
        size = self._must(self.ask("image", "inspect", "--format", "{{.Size}}", image_id), "inspect")
        history = self._must(
            self.ask("history", "--human=false", "--no-trunc", "--format", "{{.Size}}\t{{.CreatedBy}}", image_id),
            "history",
        )
        return image_build.weigh(size, history)

    def _has(self, reference: str) -> bool:
        return self.ask("image", "inspect", "--format", "{{.Id}}", reference).code == 0

    def _image_id(self, said: str) -> str:
        if not _IMAGE_ID.fullmatch(said):
            raise BuildFailedError(f'{self.kind} build ended well and gave "{shorten(said, 80)}" as the image\'s ID.')
        return said

    def _must(self, done: Completed, what: str) -> str:
        _check(done, what)
        return done.tail.strip()


def detect(kind: BuilderKind, env: Mapping[str, str], *, to_build: bool) -> Engine:
    """Find a client on the path behind which an engine works; raise BuilderMissingError saying what each one lacks.

    A machine can have several: the first docker on the path may be a client without BuildKit, the next one not.
    """
    problems = []
    for program in _programs(str(kind), env.get("PATH", "")):
        engine = Engine(kind, program, env)
        try:
            answered = engine.ask("ps", "--quiet")
            if answered.code:
                problems.append(f"{program} has no engine behind it: {_text(answered)}")
            elif not to_build:
                return engine
            elif "--secret" in (words := engine.ask("build", "--help", extra_env={"DOCKER_BUILDKIT": "1"}).tail):
                return replace(engine, tells=kind is BuilderKind.DOCKER and "--metadata-file" in words)
            else:
                problems.append(f"{program} cannot build with BuildKit (its buildx plugin is missing)")
        except OSError as error:
            problems.append(f"{program}: {error.strerror}")
    raise BuilderMissingError(
        f"{kind} does not work here: {'; '.join(problems) or f'there is no {kind} on the PATH'}.",
        fix=f"Start {kind} (docker: with its buildx plugin), or set build.kind to auto, which takes what works.",
    )


def _programs(name: str, path: str) -> Sequence[str]:
    found = (shutil.which(name, path=folder) for folder in path.split(os.pathsep) if folder)
    # /bin is often a link to /usr/bin: one program is asked once.
    return list({os.path.realpath(program): program for program in found if program}.values())


def _check(done: Completed, what: str, *, fix: str = "") -> None:
    if done.timed_out:
        raise BuildOverBudgetError(
            f"{what} was stopped after {done.seconds:.0f} s: the build's budget is spent.",
            fix="Make the build faster (cache the dependencies in an early layer), or raise budgets.build.",
        )
    if done.code:
        raise BuildFailedError(
            f"{what} ended with code {done.code}.", why=_text(done), fix=fix or "What it printed says more."
        )


def _text(done: Completed) -> str:
    return shorten(" ".join(done.tail.split())[-_TEXT_LIMIT:], _TEXT_LIMIT) or f"nothing (code {done.code})"
