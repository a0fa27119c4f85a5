"""What every command has in common: where it writes, how it ends, what it says of trouble."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import Progress

from booking_system.bootstrap import logs
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.postgres_binaries import LocalStackError
from booking_system.bootstrap.process import Interrupted, interruptible
from booking_system.bootstrap.serve import AddressUnavailable, ApiFailed
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.shared_kernel.errors import Refusal, Transient, Unavailable

FAILED, USAGE, DATABASE, ADDRESS, STOPPED = 1, 2, 3, 4, 130
EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 trouble with the database, "
    "4 the port is taken, 5 a provider did not answer. Settings are environment variables; "
    ".env.example lists them."
)

# Paths and addresses are printed as they are: nothing in them is markup.
out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)

Step = Callable[[int, int], None]
"""How many of how many are done."""


def settings_and_logs() -> Settings:
    """Read the settings, and write logs as they say. Raises `SettingsProblem`."""
    settings = Settings()
    logs.configure(settings)
    return settings


@contextmanager
def progress(title: str) -> Iterator[Step]:
    """A bar that appears with the first step and goes with the last."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None, visible=False)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield step


@contextmanager
def told_plainly(code_when_stopped: int = STOPPED) -> Iterator[None]:
    """Say foreseeable trouble in a sentence and end with its exit code."""
    try:
        with interruptible():
            yield
    except Interrupted:
        out.print("Stopped.")
        raise typer.Exit(code_when_stopped) from None
    except SettingsProblem as problem:
        raise ended("\n".join(problem.sentences), USAGE) from None
    except (DatabaseProblemError, LocalStackError) as problem:
        raise ended(str(problem), DATABASE) from None
    except (Transient, Unavailable):
        raise ended("The database does not answer: try again in a moment.", DATABASE) from None
    except Refusal as refusal:
        raise ended(refusal.detail, FAILED) from None
    except AddressUnavailable as problem:
        raise ended(str(problem), ADDRESS) from None
    except ApiFailed as problem:
        code = problem.exit_code if problem.exit_code in {USAGE, DATABASE} else FAILED
        raise ended(str(problem), code) from None
    except OSError as error:
        raise ended(f"{error.filename or 'The system'}: {error.strerror}.", FAILED) from None


def ended(sentences: str, code: int) -> typer.Exit:
    """Print the sentences, and return the exception that ends the command with this code."""
    err.print(sentences)
    return typer.Exit(code)
