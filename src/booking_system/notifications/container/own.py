"""What a clinic sets of its messages itself: accounts to send through, and words."""

from dependency_injector import containers, providers

from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.carriers.waits import Waits
from booking_system.notifications.adapters.own_channels import carriers as carrying
from booking_system.notifications.adapters.own_channels.checking import AccountCheck
from booking_system.notifications.adapters.own_channels.http import ChannelRoutes
from booking_system.notifications.adapters.own_channels.making import OwnCarrierMaker
from booking_system.notifications.adapters.own_channels.resealing import (
    channel_resealing as resealing_of,
)
from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.adapters.own_words.http import TemplateRoutes
from booking_system.notifications.adapters.own_words.previews import PreviewsWhenNeeded
from booking_system.notifications.adapters.own_words.store import PostgresTemplates
from booking_system.notifications.adapters.reports import own_http as owned
from booking_system.notifications.application import own_channels as owning
from booking_system.notifications.application import own_templates as wording
from booking_system.notifications.application.try_channel import TryChannel
from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import CheckedAddresses
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities

FOR_A_PERSON = Waits(opening=1.8, answer=1.8)
"""Seconds for somebody who waits for what a provider says: a request has five."""


class OwnMessagesContainer(containers.DeclarativeContainer):
    """A clinic's own channels and templates."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    http = providers.Dependency(instance_of=HttpWhenNeeded)
    bases = providers.Dependency(instance_of=ApiBases)
    public_url = providers.Dependency(instance_of=str)
    addresses = providers.Dependency(instance_of=CheckedAddresses)

    vault = providers.Singleton(ChannelVault, keys)
    channels = providers.Singleton(PostgresChannels, database, vault)
    channel_resealing = providers.Singleton(resealing_of, database=database, vault=vault)
    own_maker = providers.Factory(
        OwnCarrierMaker,
        http=http,
        bases=bases,
        addresses=addresses,
        callback=providers.Singleton(owned.OwnCallback, public_url=public_url),
    )
    quick_maker = providers.Factory(own_maker, waits=FOR_A_PERSON)
    own_carriers = providers.Singleton(
        carrying.CachedOwnCarriers, store=channels, maker=own_maker, clock=clock
    )
    channel_routes = providers.Singleton(
        ChannelRoutes,
        show=providers.Factory(retried(owning.ShowChannel), store=channels),
        set=providers.Factory(
            retried(owning.SetChannel),
            store=channels,
            check=providers.Singleton(AccountCheck, addresses=addresses),
            vault=vault,
            clock=clock,
        ),
        drop=providers.Factory(retried(owning.DropChannel), store=channels),
        trial=providers.Factory(
            TryChannel,
            store=channels,
            carriers=providers.Factory(
                carrying.FreshCarriers,
                store=channels,
                maker=quick_maker,
            ),
            clock=clock,
            elsewhere=providers.Object(waiting_elsewhere),
        ),
        public_url=public_url,
    )
    templates = providers.Singleton(PostgresTemplates, database)
    previews = providers.Singleton(PreviewsWhenNeeded)
    template_routes = providers.Singleton(
        TemplateRoutes,
        list=providers.Factory(retried(wording.ListTemplates), store=templates),
        show=providers.Factory(retried(wording.ShowTemplates), store=templates),
        set=providers.Factory(
            retried(wording.SetTemplates),
            store=templates,
            preview=previews,
            clock=clock,
            identities=identities,
        ),
        drop=providers.Factory(retried(wording.DropTemplates), store=templates),
        preview=providers.Factory(
            retried(wording.PreviewTemplates), store=templates, preview=previews
        ),
    )
