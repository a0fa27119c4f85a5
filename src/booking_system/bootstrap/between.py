"""What a context lends to another that is put together before it: made of the database alone."""

from typing import Any

from dependency_injector import providers

from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.application.ask_to_move import AskToMove
from booking_system.payments.adapters.around_bookings import MoneyOfBookings
from booking_system.payments.adapters.payable import Payables
from booking_system.payments.adapters.reading import PostgresPaymentsReader
from booking_system.platform.postgres.retry import retried


def agreed(
    database: providers.Provider[Any], clock: providers.Provider[Any]
) -> providers.Factory[AskToMove]:
    """Return what tells scheduling what a booking that moves was agreed for."""
    reader = providers.Singleton(PostgresBookingReader, database)
    return providers.Factory(retried(AskToMove), reader=reader, clock=clock)


def money(
    database: providers.Provider[Any], clock: providers.Provider[Any]
) -> providers.Factory[MoneyOfBookings]:
    """Return what tells booking how the money of a booking stands."""
    return providers.Factory(
        MoneyOfBookings,
        payables=providers.Singleton(Payables, database=database),
        reader=providers.Singleton(PostgresPaymentsReader, database=database),
        clock=clock,
    )
