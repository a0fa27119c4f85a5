"""Booking's wiring: what it needs from outside, then what it offers."""

from dependency_injector import containers, providers

from booking_system.booking.adapters.http import BookingRoutes
from booking_system.booking.adapters.postgres import PostgresBooking, RandomReferences
from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.cancel_appointment import CancelAppointment
from booking_system.booking.application.ports import Alternatives
from booking_system.booking.application.read_appointments import ListAppointments, ShowAppointment
from booking_system.booking.domain.booking_rules import BOOKING_RULES, GLANCE_RULES
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class BookingContainer(containers.DeclarativeContainer):
    """Appointments."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    alternatives: providers.Dependency[Alternatives] = providers.Dependency()

    booking = providers.Singleton(PostgresBooking, database)
    reader = providers.Singleton(PostgresBookingReader, database)
    references = providers.Singleton(RandomReferences)
    rules = providers.Object(BOOKING_RULES)
    glance_rules = providers.Object(GLANCE_RULES)

    book_appointment = providers.Factory(
        BookAppointment,
        transaction=booking.provided.transaction,
        glance=booking.provided.glance,
        alternatives=alternatives,
        rules=rules,
        glance_rules=glance_rules,
        clock=clock,
        identities=identities,
        references=references,
    )
    cancel_appointment = providers.Factory(
        CancelAppointment, transaction=booking.provided.transaction, clock=clock
    )
    show_appointment = providers.Factory(ShowAppointment, reader=reader)
    list_appointments = providers.Factory(ListAppointments, reader=reader)

    routes = providers.Singleton(
        BookingRoutes,
        book=providers.Callable(retrying, book_appointment),
        cancel=providers.Callable(retrying, cancel_appointment),
        show=show_appointment,
        list=list_appointments,
        clock=clock,
    )
