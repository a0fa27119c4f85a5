"""Scheduling's wiring: what it needs from outside, then what it offers."""

from dependency_injector import containers, providers

from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.http import SchedulingRoutes
from booking_system.scheduling.adapters.postgres import PostgresScheduling
from booking_system.scheduling.adapters.slot_pages import SlotPages
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.application.change_slot import CloseSlot, DeleteSlot, ReopenSlot
from booking_system.scheduling.application.find_slots import (
    DigestSlots,
    FindSlots,
    ShowSlot,
    ShowSlots,
)
from booking_system.scheduling.application.offer_slots import OfferSlots
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class SchedulingContainer(containers.DeclarativeContainer):
    """Time slots."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()

    scheduling = providers.Singleton(PostgresScheduling, database)
    transaction = scheduling.provided.transaction
    finder = providers.Singleton(PostgresSlotFinder, database)

    offer_slots = providers.Factory(
        OfferSlots, transaction=transaction, clock=clock, identities=identities
    )
    find_slots = providers.Factory(FindSlots, finder=finder, clock=clock)
    digest_slots = providers.Factory(DigestSlots, finder=finder, clock=clock)
    show_slot = providers.Factory(ShowSlot, finder=finder)
    show_slots = providers.Factory(ShowSlots, finder=finder)
    close_slot = providers.Factory(CloseSlot, transaction=transaction, clock=clock)
    reopen_slot = providers.Factory(ReopenSlot, transaction=transaction)
    delete_slot = providers.Factory(DeleteSlot, transaction=transaction, clock=clock)

    pages = providers.Singleton(
        SlotPages,
        find=providers.Callable(retrying, find_slots),
        digest=providers.Callable(retrying, digest_slots),
        clock=clock,
    )
    routes = providers.Singleton(
        SchedulingRoutes,
        offer=providers.Callable(retrying, offer_slots),
        pages=pages,
        show=providers.Callable(retrying, show_slot),
        show_several=providers.Callable(retrying, show_slots),
        close=providers.Callable(retrying, close_slot),
        reopen=providers.Callable(retrying, reopen_slot),
        delete=providers.Callable(retrying, delete_slot),
        clock=clock,
    )
