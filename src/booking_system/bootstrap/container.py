"""The composition root: the only place that knows every context."""

from dependency_injector import containers, providers

from booking_system.booking.container import BookingContainer
from booking_system.bootstrap import between
from booking_system.bootstrap import wired_settings as wired
from booking_system.bootstrap.chores import chores_of
from booking_system.bootstrap.database_container import DatabaseContainer
from booking_system.bootstrap.mail_links import accept_page, mail_links
from booking_system.bootstrap.settings import Settings
from booking_system.bootstrap.shared_container import SharedContainer
from booking_system.bootstrap.watching import WatchingContainer
from booking_system.consultations.container import ConsultationsContainer
from booking_system.desk.container import DeskContainer
from booking_system.directory.container import DirectoryContainer
from booking_system.directory.records.own_patient import follow_profile
from booking_system.files.container import FilesContainer
from booking_system.identity.container import IdentityContainer
from booking_system.integrations.container import IntegrationsContainer
from booking_system.notifications.container import NotificationsContainer
from booking_system.payments.container import PaymentsContainer
from booking_system.platform.clock import SystemClock
from booking_system.platform.http.idempotency import Idempotency
from booking_system.platform.http.network import Networks
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.tidying import Tidying
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.scheduling.container import SchedulingContainer
from booking_system.webhooks.container import WebhooksContainer


class Container(containers.DeclarativeContainer):
    """Everything that the program is made of."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(SystemClock)
    identities = providers.Singleton(RandomIdentities)
    databases = providers.Container(DatabaseContainer, settings=settings)
    leases = databases.leases
    database, searches = databases.database, databases.searches
    keys = providers.Singleton(Settings.keyring, settings)
    networks = providers.Singleton(Networks, keys)
    lifetimes = wired.lifetimes(settings)
    shared = providers.Container(SharedContainer, settings=settings, keys=keys)
    tidying = providers.Singleton(
        Tidying, database=database, chores=providers.Callable(chores_of, lifetimes)
    )
    idempotency = providers.Singleton(
        Idempotency, database, keys=keys, networks=networks, clock=clock
    )
    addresses = wired.checked_addresses(settings)

    identity = providers.Container(
        IdentityContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        counts=shared.counts,
        networks=networks,
        lifetimes=lifetimes,
        follow_profile=providers.Object(follow_profile),
        **wired.of_identity(settings),
    )
    directory = providers.Container(
        DirectoryContainer,
        database=database,
        searches=searches,
        shared_pages=shared.pages,
        clock=clock,
        identities=identities,
        accounts_of=identity.accounts_of,
        passwords=identity.passwords,
        throttle=identity.throttle,
        one_time_tokens=identity.one_time_tokens,
        accept_page=providers.Callable(accept_page, settings.provided.public_url),
        hands_links_over=settings.provided.keeps_mails,
        networks=networks,
    )
    scheduling = providers.Container(
        SchedulingContainer,
        database=database,
        searches=searches,
        shared_pages=shared.pages,
        clock=clock,
        identities=identities,
        agreed=between.agreed(database, clock),
    )
    booking = providers.Container(
        BookingContainer,
        database=database,
        clock=clock,
        identities=identities,
        alternatives=scheduling.finder.provided.nearest,
        networks=networks,
        keys=keys,
        throttle=identity.throttle,
        money=between.money(database, clock),
    )
    desk = providers.Container(
        DeskContainer,
        database=database,
        clock=clock,
        identities=identities,
        alternatives=scheduling.finder.provided.nearest,
        overlaps=booking.overlaps,
        tell_staff=identity.feed.provided.tell_staff,
        show_doctor=directory.doctor_routes.provided.read_doctor,
        show_doctor_again=directory.doctor_routes.provided.show_doctor_again,
        show_clinic=directory.clinic_routes.provided.read_clinic,
        show_clinic_again=directory.clinic_routes.provided.show_clinic_again,
        show_patient=directory.patient_routes.provided.read_patient,
        store_clinic=directory.change_clinic,
        plan_doctor=scheduling.extend_doctor,
    )
    files = providers.Container(
        FilesContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        see_appointment=booking.show_appointment,
        grants_in_force=identity.access.provided.grants_in_force,
        **wired.of_files(settings),
    )
    payments = providers.Container(
        PaymentsContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        see_appointment=booking.show_appointment,
        booking=booking,
        **wired.of_payments(settings),
    )
    notifications = providers.Container(
        NotificationsContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        public_url=settings.provided.public_url,
        see_appointment=booking.show_appointment,
        patients_word=booking.patients_word,
        pay_url=payments.pay_links.provided.link,
        show_document=payments.show_document,
        printer=payments.printer,
        see_patient=directory.show_patient,
        account_links=providers.Singleton(
            mail_links,
            settings.provided.public_url,
            identity.reset_link,
            identity.verification_link,
            directory.invitation_link,
        ),
        addresses=addresses,
        **wired.of_messages(settings),
    )
    watching = providers.Container(
        WatchingContainer,
        settings=settings,
        database=database,
        leases=leases,
        reads=databases.reads,
        looks=shared.looks,
        redis=shared.redis,
    )
    metrics, entrance, lives = watching.metrics, watching.entrance, watching.lives
    webhooks = providers.Container(
        WebhooksContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        allow_private=settings.provided.webhook_allow_private,
        addresses=addresses,
        registry=metrics.provided.registry,
    )
    jobs = providers.List(
        providers.Singleton(Relay, database=database),
        notifications.consumer,
        notifications.sending,
        notifications.asking,
        notifications.opt_outs,
        webhooks.consumer,
        webhooks.sending,
        webhooks.resealing,
        notifications.channel_resealing,
        payments.consumer,
        payments.job,
        payments.account_resealing,
        files.job,
        tidying,
        booking.unpaid,
        scheduling.calendar_upkeep,
        scheduling.calendar_worker,
    )
    """What a worker does again and again."""

    integrations = providers.Container(
        IntegrationsContainer,
        database=database,
        clock=clock,
        identities=identities,
        grants_of=identity.access.provided.grants_held,
        throttle=identity.throttle,
        one_time_tokens=identity.one_time_tokens,
        public_url=settings.provided.public_url,
        find_slots=scheduling.finder.provided.find,
        unknown_ids=scheduling.finder.provided.unknown,
    )
    consultations = providers.Container(
        ConsultationsContainer,
        database=database,
        direct_url=databases.direct_url,
        clock=clock,
        identities=identities,
        one_time_tokens=identity.one_time_tokens,
        session_holder=identity.session_holder,
        see_appointment=booking.show_appointment,
        **wired.of_consultations(settings),
    )
    # The hot ones first: a request is compared with one route after the other.
    routes = providers.List(
        booking.routes,
        booking.hold_routes,
        booking.lifecycle_routes,
        booking.reference_routes,
        scheduling.overview_routes,
        scheduling.routes,
        scheduling.availability_routes,
        scheduling.exception_routes,
        identity.routes,
        identity.link_routes,
        directory.clinic_routes,
        directory.staff_routes,
        directory.invitation_routes,
        directory.staff_session_routes,
        directory.doctor_routes,
        directory.service_routes,
        directory.patient_routes,
        directory.reference_routes,
        desk.removal_routes,
        desk.merge_routes,
        desk.clinic_change_routes,
        desk.time_off_routes,
        desk.closure_routes,
        desk.day_routes,
        notifications.message_routes,
        notifications.preference_routes,
        notifications.unreached_routes,
        notifications.channel_routes,
        notifications.template_routes,
        payments.routes,
        payments.clinic_routes,
        payments.document_routes,
        payments.own_account_routes,
        files.routes,
        files.byte_routes,
        consultations.routes,
        consultations.guest_routes,
        consultations.page_routes,
        integrations.feed_routes,
        integrations.stream_routes,
        integrations.live_slot_routes,
        integrations.calendar_feed_routes,
        integrations.dead_event_routes,
        notifications.dead_message_routes,
        notifications.outbox_routes,
        notifications.report_routes,
        notifications.own_report_routes,
        payments.hooks,
        payments.own_hooks,
        payments.pages,
        payments.pay_pages,
        webhooks.endpoint_routes,
        webhooks.delivery_routes,
        watching.health,
        watching.metrics_routes,
    )


def build(settings: Settings) -> Container:
    """Put the program together. Nothing connects to anything yet."""
    return Container(settings=settings)


async def close(container: Container) -> None:
    """Give all connections back."""
    await container.notifications.http().close()
    await container.payments.known_providers().close()
    await container.database().close()
    await container.searches().close()
    await container.shared.close()
