"""Scheduling's wiring: what it needs from outside, then what it offers."""

from dependency_injector import containers, providers

from booking_system.platform.http.kept_pages import KeptPages, SharedPages
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.searches import Reads
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.availability import PostgresAvailability
from booking_system.scheduling.adapters.availability_http import AvailabilityRoutes
from booking_system.scheduling.adapters.calendar_upkeep import CalendarUpkeep
from booking_system.scheduling.adapters.calendar_worker import CalendarWorker
from booking_system.scheduling.adapters.exception_http import ExceptionRoutes
from booking_system.scheduling.adapters.http import SchedulingRoutes
from booking_system.scheduling.adapters.overview import PostgresOverview
from booking_system.scheduling.adapters.overview_http import OverviewRoutes
from booking_system.scheduling.adapters.postgres import PostgresScheduling
from booking_system.scheduling.adapters.slot_filters import FilterReading
from booking_system.scheduling.adapters.slot_pages import SlotPages
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.application.change_slot import CloseSlot, DeleteSlot, ReopenSlot
from booking_system.scheduling.application.extend_horizon import ExtendDoctor, ExtendHorizon
from booking_system.scheduling.application.find_slots import (
    DigestSlots,
    FindSlots,
    ShowSlot,
    ShowSlots,
)
from booking_system.scheduling.application.keep_availability import (
    ChangeAvailability,
    CreateAvailability,
    DeleteAvailability,
)
from booking_system.scheduling.application.keep_exceptions import (
    CreateException,
    DeleteException,
    ListExceptions,
    ShowException,
)
from booking_system.scheduling.application.offer_slots import OfferSlots
from booking_system.scheduling.application.overview_slots import FindDay, FindNext, ShowCalendar
from booking_system.scheduling.application.ports import AgreedNeeds
from booking_system.scheduling.application.read_availability import (
    ListAvailability,
    ShowAvailability,
)
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class SchedulingContainer(containers.DeclarativeContainer):
    """Time slots, and the weekly hours that make them."""

    database = providers.Dependency(instance_of=Database)
    searches: providers.Dependency[Reads] = providers.Dependency()
    shared_pages: providers.Dependency[SharedPages] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    agreed: providers.Dependency[AgreedNeeds] = providers.Dependency()

    scheduling = providers.Singleton(PostgresScheduling, database)
    transaction = scheduling.provided.transaction
    # Beside a booking, alternatives are found where it was decided; searches may ask a replica.
    finder = providers.Singleton(PostgresSlotFinder, database)
    searcher = providers.Singleton(PostgresSlotFinder, searches)

    offer_slots = providers.Factory(
        retried(OfferSlots), transaction=transaction, clock=clock, identities=identities
    )
    find_slots = providers.Factory(retried(FindSlots), finder=searcher, clock=clock)
    digest_slots = providers.Factory(retried(DigestSlots), finder=searcher, clock=clock)
    show_slot = providers.Factory(retried(ShowSlot), finder=searcher)
    show_slots = providers.Factory(retried(ShowSlots), finder=searcher)
    close_slot = providers.Factory(retried(CloseSlot), transaction=transaction, clock=clock)
    reopen_slot = providers.Factory(retried(ReopenSlot), transaction=transaction, clock=clock)
    delete_slot = providers.Factory(retried(DeleteSlot), transaction=transaction, clock=clock)

    overview = providers.Singleton(PostgresOverview, searches)
    find_day = providers.Factory(retried(FindDay), overview=overview, finder=searcher)
    filters = providers.Singleton(FilterReading, agreed=agreed)
    pages = providers.Singleton(
        SlotPages,
        find=find_slots,
        digest=digest_slots,
        clock=clock,
        kept=providers.Factory(KeptPages, "slots", shared_pages, tags=True),
    )
    find_next = providers.Factory(
        retried(FindNext), overview=overview, finder=searcher, clock=clock
    )
    show_calendar = providers.Factory(
        retried(ShowCalendar), overview=overview, finder=searcher, clock=clock
    )
    overview_routes = providers.Singleton(
        OverviewRoutes,
        filters=filters,
        next=find_next,
        calendar=show_calendar,
        clock=clock,
    )
    routes = providers.Singleton(
        SchedulingRoutes,
        filters=filters,
        offer=offer_slots,
        pages=pages,
        find_day=find_day,
        show=show_slot,
        show_several=show_slots,
        close=close_slot,
        reopen=reopen_slot,
        delete=delete_slot,
        clock=clock,
    )

    availability = providers.Singleton(PostgresAvailability, database)
    hours = availability.provided.transaction
    look = availability.provided.look
    create_availability = providers.Factory(
        retried(CreateAvailability),
        transaction=hours,
        look=look,
        clock=clock,
        identities=identities,
    )
    show_availability = providers.Factory(retried(ShowAvailability), transaction=hours)
    list_availability = providers.Factory(retried(ListAvailability), transaction=hours)
    change_availability = providers.Factory(
        retried(ChangeAvailability), transaction=hours, look=look, clock=clock
    )
    delete_availability = providers.Factory(
        retried(DeleteAvailability), transaction=hours, look=look, clock=clock
    )
    extend_doctor = providers.Factory(retried(ExtendDoctor), transaction=hours, clock=clock)
    extend_horizon = providers.Factory(
        ExtendHorizon,
        doctors=availability.provided.doctors,
        extend=extend_doctor,
    )
    calendar_upkeep = providers.Singleton(
        CalendarUpkeep,
        database=database,
        doctors=availability.provided.doctors,
        extend=extend_doctor,
    )
    calendar_worker = providers.Singleton(
        CalendarWorker, database=database, extend=extend_doctor, clock=clock
    )
    create_exception = providers.Factory(
        retried(CreateException), transaction=hours, look=look, clock=clock, identities=identities
    )
    show_exception = providers.Factory(retried(ShowException), transaction=hours)
    list_exceptions = providers.Factory(retried(ListExceptions), transaction=hours)
    delete_exception = providers.Factory(
        retried(DeleteException), transaction=hours, look=look, clock=clock
    )
    exception_routes = providers.Singleton(
        ExceptionRoutes,
        create=create_exception,
        show=show_exception,
        as_made=show_exception.provided.as_made,
        list=list_exceptions,
        delete=delete_exception,
    )
    availability_routes = providers.Singleton(
        AvailabilityRoutes,
        create=create_availability,
        show=show_availability,
        # Whoever gives an answer again tries again itself.
        as_made=show_availability.provided.as_made,
        list=list_availability,
        change=change_availability,
        delete=delete_availability,
    )
