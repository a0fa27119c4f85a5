"""How a process of tests is forked, and ends; loads nothing of the program."""

import contextlib
import os
import sys
from collections.abc import Callable


def forked(main: Callable[[], object], *, apart: bool = True) -> int:
    """Run it in a process of its own, which ends with it. Returns the process id.

    Apart, it has a session of its own: a terminal's Ctrl-C is not for it.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()  # Else the new process would write it as well.
    if pid := os.fork():
        return pid
    code = 1
    try:
        if apart:
            os.setsid()
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001  (this process ends here in any case)
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
