"""What webhooks need from outside, and what they offer."""

import random

from dependency_injector import containers, providers

from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import CheckedAddresses, CheckedNetwork
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities
from booking_system.webhooks.adapters.deliveries import PostgresDeliveries
from booking_system.webhooks.adapters.deliveries_http import DeliveryRoutes
from booking_system.webhooks.adapters.endpoints import PostgresEndpoints
from booking_system.webhooks.adapters.endpoints_http import EndpointRoutes
from booking_system.webhooks.adapters.fanout import FanOut
from booking_system.webhooks.adapters.metrics import WebhookMetrics, WebhookWatch
from booking_system.webhooks.adapters.posting import HttpPost
from booking_system.webhooks.adapters.queue import PostgresQueue
from booking_system.webhooks.adapters.resealing import Resealing
from booking_system.webhooks.adapters.sealing import SealedSecrets
from booking_system.webhooks.adapters.sending_job import WebhookSendingJob
from booking_system.webhooks.adapters.url_check import UrlCheck
from booking_system.webhooks.adapters.writing import WebhookWriter
from booking_system.webhooks.application import deliveries as logged
from booking_system.webhooks.application import keep_endpoints as keeping
from booking_system.webhooks.application.send_webhooks import SendWebhook

CONSUMER = "webhooks"
"""Its place in the feed, in `feed_consumers`."""


class WebhooksContainer(containers.DeclarativeContainer):
    """Endpoints, deliveries made from events, and what sends them when they are due."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    allow_private = providers.Dependency(instance_of=bool)
    addresses = providers.Dependency(instance_of=CheckedAddresses)
    registry: providers.Dependency[object] = providers.Dependency()

    secrets = providers.Singleton(SealedSecrets, keys)
    check = providers.Singleton(UrlCheck, addresses=addresses)

    fan_out = providers.Singleton(FanOut, clock=clock)
    consumer = providers.Singleton(
        Consumer, database=database, name=CONSUMER, effect=fan_out.provided.take
    )
    queue = providers.Singleton(PostgresQueue, database=database)
    send = providers.Singleton(
        SendWebhook,
        queue=queue,
        write=providers.Singleton(WebhookWriter, secrets=secrets, allow_private=allow_private),
        post=providers.Singleton(
            HttpPost,
            network=providers.Singleton(CheckedNetwork, addresses=addresses),
            clock=clock,
        ),
        clock=clock,
        chance=providers.Object(random.random),
    )
    sending = providers.Singleton(WebhookSendingJob, queue=queue, send=send, clock=clock)

    resealing = providers.Singleton(Resealing, database=database, secrets=secrets)

    endpoints = providers.Singleton(PostgresEndpoints, database)
    show_endpoint = providers.Factory(retried(keeping.ShowEndpoint), store=endpoints)
    endpoint_routes = providers.Singleton(
        EndpointRoutes,
        create=providers.Factory(
            retried(keeping.CreateEndpoint),
            store=endpoints,
            check=check,
            secrets=secrets,
            clock=clock,
            identities=identities,
        ),
        list=providers.Factory(retried(keeping.ListEndpoints), store=endpoints),
        show=show_endpoint,
        change=providers.Factory(
            retried(keeping.ChangeEndpoint), store=endpoints, check=check, clock=clock
        ),
        rotate=providers.Factory(
            retried(keeping.RotateSecret), store=endpoints, secrets=secrets, clock=clock
        ),
        delete=providers.Factory(retried(keeping.DeleteEndpoint), store=endpoints, clock=clock),
    )
    deliveries = providers.Singleton(PostgresDeliveries, database)
    show_delivery = providers.Factory(
        retried(logged.ShowDelivery), show=show_endpoint, store=deliveries
    )
    delivery_routes = providers.Singleton(
        DeliveryRoutes,
        see=show_endpoint,
        list=providers.Factory(
            retried(logged.ListDeliveries), show=show_endpoint, store=deliveries
        ),
        show=show_delivery,
        replay=providers.Factory(
            retried(logged.ReplayDelivery), see=show_delivery, store=deliveries, clock=clock
        ),
        replay_all=providers.Factory(
            retried(logged.ReplayDeliveries), show=show_endpoint, store=deliveries, clock=clock
        ),
        ping=providers.Factory(
            retried(logged.PingEndpoint),
            show=show_endpoint,
            see=show_delivery,
            store=deliveries,
            clock=clock,
            identities=identities,
        ),
    )
    metrics = providers.Singleton(WebhookMetrics, registry)
    watch = providers.Singleton(WebhookWatch, database=database, tell=metrics.provided.tell)
