"""How every command ends: an exit status, and one line where something is wrong."""

import errno
import sys
from collections.abc import Callable

from slugkit.errors import InputError

STATUS_BAD_INPUT = 2
STATUS_INTERRUPTED = 130
OURS = ("slugkit", "companion")
REMEDIES = {
    errno.ENOSPC: "make room, then run the same command again",
    errno.EROFS: "work in a folder that can be written",
    errno.EACCES: "work in a folder that you may read and write",
}


def report_errors(
    run: Callable[[], None], *, extra: str, heard: Callable[[str], None] = lambda message: None
) -> int:
    """Run a command and return its exit status; bad input ends in one line, not a traceback.

    Parameters
    ----------
    run
        The command.
    extra
        The extra of the package that installs what the command needs.
    heard
        Called with the message, too.
    """
    if sys.stdout is not None and sys.stdout.errors == "strict":
        # A path may have letters that the encoding of the terminal has not.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        run()
    except InputError as error:
        return _say(str(error), heard)
    except BrokenPipeError:
        # Whoever read the output has read enough: the rest goes nowhere, also at the exit.
        sys.stdout = None  # type: ignore[assignment]
        return 0
    except OSError as error:
        # A full disk or a folder without permission: the operating system's words are clear.
        where = f"{error.filename}: " if error.filename else ""
        remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        return _say(f"{where}{error.strerror or error}{remedy}", heard)
    except ModuleNotFoundError as error:
        if (error.name or OURS[0]).partition(".")[0] in OURS:
            raise  # a mistake of ours
        return _say(
            f"{error.name} is not installed, which this command needs: in a clone, `make setup` "
            f"installs everything, and so does `pip install '.[{extra}]'`",
            heard,
        )
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here", heard)
        return STATUS_INTERRUPTED
    return 0


def _say(message: str, heard: Callable[[str], None]) -> int:
    # In one write, so that two jobs of the graph do not speak into each other's line.
    sys.stderr.write(f"slugkit: {message}\n")
    heard(message)
    return STATUS_BAD_INPUT
