"""Identity's wiring: what it needs from outside, then what it offers."""

from functools import partial

from dependency_injector import containers, providers
from limits.aio.storage import MemoryStorage, Storage

from booking_system.identity.adapters.access import PostgresAccess
from booking_system.identity.adapters.access_feed import AccessFeed
from booking_system.identity.adapters.accounts import (
    FollowProfile,
    PostgresAccounts,
    nobody_follows,
)
from booking_system.identity.adapters.http import IdentityRoutes
from booking_system.identity.adapters.http_links import LinkRoutes
from booking_system.identity.adapters.new_sessions import NewSessions
from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.adapters.postgres import PostgresIdentity
from booking_system.identity.adapters.throttle import throttle_for
from booking_system.identity.adapters.tokens import (
    DerivedRefreshTokens,
    RandomOneTimeTokens,
    SignedAccessTokens,
)
from booking_system.identity.adapters.turns import PacedTurns
from booking_system.identity.application.authenticate import Authenticator
from booking_system.identity.application.change_password import ChangePassword
from booking_system.identity.application.end_session import EndSession, ListSessions, SignOut
from booking_system.identity.application.ensure_admin import EnsureAdmin
from booking_system.identity.application.follow_changes import FollowChanges
from booking_system.identity.application.hold_session import SessionHolder
from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.application.make_link import MakeLink
from booking_system.identity.application.own_profile import ChangeProfile, ReadProfile
from booking_system.identity.application.refresh_session import RefreshSession
from booking_system.identity.application.reset_password import RequestReset, ResetPassword
from booking_system.identity.application.sign_in import SignIn
from booking_system.identity.application.verify_email import RequestVerification, VerifyEmail
from booking_system.identity.domain.links import LinkPurpose
from booking_system.identity.domain.session import Lifetimes
from booking_system.platform.http.network import Networks
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class IdentityContainer(containers.DeclarativeContainer):
    """Accounts, sessions and roles."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    issuer = providers.Dependency(instance_of=str)
    rate_limit = providers.Dependency(instance_of=bool)
    counts: providers.Dependency[Storage] = providers.Dependency(
        default=providers.Singleton(MemoryStorage)
    )
    networks = providers.Dependency(instance_of=Networks)
    follow_profile: providers.Dependency[FollowProfile] = providers.Dependency(
        default=providers.Object(nobody_follows)
    )
    lifetimes = providers.Dependency(instance_of=Lifetimes)

    passwords = providers.Singleton(Argon2Passwords)
    throttle = providers.Singleton(throttle_for, counts, rate_limit=rate_limit)
    turns = providers.Singleton(PacedTurns)
    access_tokens = providers.Singleton(SignedAccessTokens, keys, issuer=issuer)
    one_time_tokens = providers.Singleton(RandomOneTimeTokens)
    refresh_tokens = providers.Singleton(DerivedRefreshTokens, keys)

    known_actors = providers.Singleton(KnownActors)
    access = providers.Singleton(PostgresAccess, database)
    feed = providers.Singleton(AccessFeed, known=known_actors)
    new_sessions = providers.Singleton(
        NewSessions,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        identities=identities,
        lifetimes=lifetimes,
    )
    accounts_of = providers.Singleton(
        partial,
        PostgresAccounts,
        feed=feed,
        new_sessions=new_sessions,
        follow_profile=follow_profile,
    )
    identity = providers.Singleton(PostgresIdentity, database, accounts_of=accounts_of, feed=feed)
    transaction = identity.provided.transaction

    authenticate = providers.Singleton(
        retried(Authenticator),
        known=known_actors,
        access_tokens=access_tokens,
        access=access,
        clock=clock,
    )
    session_holder = providers.Singleton(
        retried(SessionHolder), known=known_actors, access=access, clock=clock
    )
    follow_changes = providers.Singleton(FollowChanges, known=known_actors, changes=access)
    ensure_admin = providers.Factory(
        retried(EnsureAdmin),
        transaction=transaction,
        passwords=passwords,
        clock=clock,
        identities=identities,
    )

    sign_in = providers.Factory(
        retried(SignIn),
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        turns=turns,
        clock=clock,
    )
    refresh_session = providers.Factory(
        retried(RefreshSession),
        transaction=transaction,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        lifetimes=lifetimes,
        clock=clock,
    )
    sign_out = providers.Factory(retried(SignOut), transaction=transaction, clock=clock)
    read_profile = providers.Factory(retried(ReadProfile), transaction=transaction)
    change_profile = providers.Factory(retried(ChangeProfile), transaction=transaction, clock=clock)
    change_password = providers.Factory(
        retried(ChangePassword),
        looking=identity.provided.looking,
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
    )
    list_sessions = providers.Factory(
        retried(ListSessions), transaction=transaction, lifetimes=lifetimes, clock=clock
    )
    end_session = providers.Factory(retried(EndSession), transaction=transaction, clock=clock)

    reset_link = providers.Factory(
        retried(MakeLink),
        purpose=providers.Object(LinkPurpose.PASSWORD_RESET),
        transaction=transaction,
        tokens=one_time_tokens,
        clock=clock,
    )
    verification_link = providers.Factory(
        retried(MakeLink),
        purpose=providers.Object(LinkPurpose.EMAIL_VERIFICATION),
        transaction=transaction,
        tokens=one_time_tokens,
        clock=clock,
    )
    link_routes = providers.Singleton(
        LinkRoutes,
        request_reset=providers.Factory(
            retried(RequestReset), transaction=transaction, throttle=throttle, clock=clock
        ),
        reset=providers.Factory(
            retried(ResetPassword),
            looking=identity.provided.looking,
            transaction=transaction,
            tokens=one_time_tokens,
            passwords=passwords,
            throttle=throttle,
            clock=clock,
        ),
        verify=providers.Factory(
            retried(VerifyEmail),
            transaction=transaction,
            tokens=one_time_tokens,
            throttle=throttle,
            clock=clock,
        ),
        request_verification=providers.Factory(
            retried(RequestVerification), transaction=transaction, throttle=throttle, clock=clock
        ),
        networks=networks,
    )

    routes = providers.Singleton(
        IdentityRoutes,
        sign_in=sign_in,
        refresh=refresh_session,
        sign_out=sign_out,
        profile=read_profile,
        change=change_profile,
        password=change_password,
        sessions=list_sessions,
        end=end_session,
        key_set=access_tokens.provided.key_set.call(),
        networks=networks,
    )
