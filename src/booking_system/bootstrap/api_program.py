"""The program of one API process: it loads everything before it looks for garbage at all."""

import gc


def main() -> None:
    """Serve as `api_process.main` does."""
    # Else what has been loaded is looked at again and again meanwhile: a fifth of the start.
    gc.disable()
    from booking_system.bootstrap.api_process import main as serve  # noqa: PLC0415

    serve()


if __name__ == "__main__":
    main()
