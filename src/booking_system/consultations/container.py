"""What consultations need from outside, and what they offer."""

from uuid import uuid4

from dependency_injector import containers, providers
from sqlalchemy import URL

from booking_system import __version__
from booking_system.consultations.adapters.asyncapi import document_of
from booking_system.consultations.adapters.guests_http import GuestRoutes
from booking_system.consultations.adapters.http import ConsultationRoutes
from booking_system.consultations.adapters.live.admission import TicketAdmission
from booking_system.consultations.adapters.live.bus import Waker
from booking_system.consultations.adapters.live.buses import bus_at
from booking_system.consultations.adapters.live.hub import LiveRooms
from booking_system.consultations.adapters.live.postgres_bus import PostgresBus
from booking_system.consultations.adapters.live.talk import RoomSockets
from booking_system.consultations.adapters.page.http import PageRoutes
from booking_system.consultations.adapters.rooms import PostgresRooms, PostgresSittings
from booking_system.consultations.adapters.tickets import PostgresGuests, PostgresTickets
from booking_system.consultations.application import keep_guests as guesting
from booking_system.consultations.application import read_room as reading
from booking_system.consultations.application.act_in_room import (
    AdmitInRoom,
    EndInRoom,
    FollowAppointment,
    SayInRoom,
    TellRoom,
)
from booking_system.consultations.application.enter_room import EnterRoom
from booking_system.consultations.application.open_ticket import ConfirmParty, OpenTicket
from booking_system.consultations.application.ports import (
    OneTimeTokens,
    SeeAppointment,
    SessionHolder,
)
from booking_system.consultations.application.read_transcript import ReadTranscript
from booking_system.consultations.domain.ice import IceSettings
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class ConsultationsContainer(containers.DeclarativeContainer):
    """Rooms, their sockets, and what keeps processes together."""

    database = providers.Dependency(instance_of=Database)
    direct_url = providers.Dependency(instance_of=URL)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    one_time_tokens: providers.Dependency[OneTimeTokens] = providers.Dependency()
    session_holder: providers.Dependency[SessionHolder] = providers.Dependency()
    public_url = providers.Dependency(instance_of=str)
    see_appointment: providers.Dependency[SeeAppointment] = providers.Dependency()
    redis_url: providers.Dependency[str | None] = providers.Dependency()
    page_origins = providers.Dependency(instance_of=list)
    upload_sites = providers.Dependency(instance_of=list)
    ice = providers.Dependency(instance_of=IceSettings)

    instance_id = providers.Singleton(uuid4)
    rooms = providers.Singleton(PostgresRooms, database)
    sittings = providers.Singleton(PostgresSittings, database, instance_id)
    tickets = providers.Singleton(PostgresTickets, database)
    guests = providers.Singleton(PostgresGuests, database)
    postgres_bus = providers.Singleton(PostgresBus, database, direct_url, instance_id)
    bus = providers.Singleton(
        bus_at,
        redis_url,
        instance_id,
        postgres=postgres_bus,
    )

    say = providers.Singleton(retried(SayInRoom), rooms=rooms, clock=clock)
    admit = providers.Singleton(retried(AdmitInRoom), rooms=rooms, clock=clock)
    tell = providers.Singleton(retried(TellRoom), rooms=rooms, clock=clock)
    end = providers.Singleton(retried(EndInRoom), rooms=rooms, clock=clock)
    follow = providers.Singleton(retried(FollowAppointment), rooms=rooms, clock=clock)
    live = providers.Singleton(
        LiveRooms,
        rooms=rooms,
        sittings=sittings,
        follow=follow,
        bus=bus,
        ice=ice,
        clock=clock,
    )
    waker = providers.Singleton(Waker, database=database, bus=bus, here=live.provided.wake_here)
    admission = providers.Singleton(
        TicketAdmission,
        open=providers.Singleton(
            OpenTicket,
            rooms=rooms,
            tickets=tickets,
            guests=guests,
            tokens=one_time_tokens,
            holder=session_holder,
            clock=clock,
        ),
        confirm=providers.Singleton(ConfirmParty, holder=session_holder),
    )
    sockets = providers.Singleton(
        RoomSockets,
        live=live,
        rooms=rooms,
        say=say,
        admit=admit,
        tell=tell,
        end=end,
        clock=clock,
    )
    document = providers.Callable(document_of, public_url=public_url, version=__version__)
    routes = providers.Singleton(
        ConsultationRoutes,
        enter=providers.Singleton(
            retried(EnterRoom),
            rooms=rooms,
            tickets=tickets,
            tokens=one_time_tokens,
            ice=ice,
            clock=clock,
        ),
        show=providers.Singleton(retried(reading.ShowRoom), rooms=rooms, clock=clock),
        chat=providers.Singleton(retried(reading.ReadChat), rooms=rooms),
        transcript=providers.Singleton(
            retried(ReadTranscript), see=see_appointment, rooms=rooms, guests=guests
        ),
        end=end,
        wake=waker,
        sockets=sockets,
        admission=admission,
        public_url=public_url,
        document=document.provider,
    )
    guest_routes = providers.Singleton(
        GuestRoutes,
        invite=providers.Singleton(
            retried(guesting.InviteGuest),
            rooms=rooms,
            guests=guests,
            tokens=one_time_tokens,
            identities=identities,
            clock=clock,
        ),
        list=providers.Singleton(retried(guesting.ListGuests), rooms=rooms, guests=guests),
        show=providers.Singleton(retried(guesting.ShowGuest), rooms=rooms, guests=guests),
        remove=providers.Singleton(
            retried(guesting.RemoveGuest), rooms=rooms, guests=guests, wake=waker, clock=clock
        ),
        enter=providers.Singleton(
            retried(guesting.EnterAsGuest),
            rooms=rooms,
            guests=guests,
            tickets=tickets,
            tokens=one_time_tokens,
            ice=ice,
            clock=clock,
        ),
        public_url=public_url,
    )
    page_routes = providers.Singleton(
        PageRoutes, public_url=public_url, origins=page_origins, upload_sites=upload_sites
    )
