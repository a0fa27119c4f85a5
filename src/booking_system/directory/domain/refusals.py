"""How the directory says no."""

from booking_system.shared_kernel.errors import Invalid


class SlugTaken(Invalid):
    """Another clinic has this slug."""

    def __init__(self) -> None:
        super().__init__(
            errors=[{"pointer": "/slug", "detail": "another clinic has it", "code": "taken"}]
        )
