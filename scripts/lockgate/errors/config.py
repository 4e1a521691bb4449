"""What can be wrong with lockgate.yml."""

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.core.reasons import Reason
from lockgate.errors.base import LockgateError


class ConfigError(LockgateError):
    """Something about lockgate.yml."""


class ConfigMissingError(ConfigError):
    """There is no config where one was expected."""

    reason = Reason.CONFIG_MISSING


class ConfigUnreadableError(ConfigError):
    """The config cannot be parsed at all."""

    reason = Reason.CONFIG_UNREADABLE


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One line of a ConfigInvalidError."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"


class ConfigInvalidError(ConfigError):
    """The config parses but says something it may not; the message lists every problem."""

    reason = Reason.CONFIG_INVALID

    def __init__(self, what: str, *, why: str = "", fix: str = "", problems: Sequence[ConfigProblem] = ()) -> None:
        super().__init__(what, why=why, fix=fix)
        self.problems = tuple(problems)


class UnknownEnvironmentError(ConfigError):
    """The environment asked for is not in the config."""

    reason = Reason.UNKNOWN_ENVIRONMENT


class FileExistsAlreadyError(ConfigError):
    """`init` would overwrite a file."""

    reason = Reason.FILE_EXISTS


class SamplesUnreadableError(LockgateError):
    """Recorded samples cannot be read, or a line of them is none."""

    reason = Reason.SAMPLES_UNREADABLE
