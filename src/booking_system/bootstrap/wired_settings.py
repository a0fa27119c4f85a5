"""Settings as contexts need them: by the names of their containers' dependencies."""

from typing import Any

from dependency_injector import providers

from booking_system.identity.domain.session import Lifetimes
from booking_system.platform.http.budgets import CallerBudgets, budgets_for
from booking_system.platform.outward.connecting import CheckedAddresses

OF_MESSAGES = {
    "in_production": "in_production",
    "email_url": "email_url",
    "sms_url": "sms_url",
    "bases": "api_bases",
    "sender_address": "mail_sender",
    "sms_sender": "sms_sender",
    "can_reply": "sms_can_be_answered",
    "manage_url": "manage_url",
    "twilio_tokens": "twilio_tokens",
    "sendgrid_keys": "sendgrid_keys",
    "trusted_topics": "trusted_topics",
}
"""By the dependency, the setting."""
OF_PAYMENTS = {
    "in_production": "in_production",
    "public_url": "public_url",
    "offered": "offered_providers",
    "allowed": "own_providers",
    "stripe": "stripe_platform",
    "paypal": "paypal_platform",
    "bases": "payment_api_bases",
}
OF_FILES = {
    "public_url": "public_url",
    "storage": "storage",
    "folder": "files_folder",
    "bench_folder": "bench_folder",
    "endpoint": "aws_endpoint_url",
    "clamd": "clamd",
    "most_bytes": "quota_bytes",
}
OF_IDENTITY = {"issuer": "public_url", "rate_limit": "rate_limit"}
OF_CONSULTATIONS = {
    "public_url": "public_url",
    "page_origins": "allowed_origins",
    "upload_sites": "upload_sites",
    "ice": "ice",
    "redis_url": "redis",
}


def of_identity(settings: providers.Dependency[Any]) -> dict[str, Any]:
    """Return what identity takes of the settings."""
    return _taken(settings, OF_IDENTITY)


def of_files(settings: providers.Dependency[Any]) -> dict[str, Any]:
    """Return what files take of the settings."""
    return _taken(settings, OF_FILES)


def of_consultations(settings: providers.Dependency[Any]) -> dict[str, Any]:
    """Return what consultations take of the settings."""
    return _taken(settings, OF_CONSULTATIONS)


def of_payments(settings: providers.Dependency[Any]) -> dict[str, Any]:
    """Return what payments take of the settings."""
    return _taken(settings, OF_PAYMENTS)


def of_messages(settings: providers.Dependency[Any]) -> dict[str, Any]:
    """Return what notifications take of the settings."""
    return _taken(settings, OF_MESSAGES)


def lifetimes(settings: providers.Dependency[Any]) -> providers.Singleton[Lifetimes]:
    """Return how long sessions live."""
    days = settings.provided
    return providers.Singleton(
        Lifetimes.of_days, absolute=days.session_days, idle=days.session_idle_days
    )


def budgets(settings: providers.Dependency[Any]) -> providers.Singleton[CallerBudgets]:
    """Return how many requests an address may send."""
    return providers.Singleton(
        budgets_for,
        rate_limit=settings.provided.rate_limit,
        reads=settings.provided.reads_per_minute,
        writes=settings.provided.writes_per_minute,
    )


def checked_addresses(
    settings: providers.Dependency[Any],
) -> providers.Singleton[CheckedAddresses]:
    """Return what judges addresses of others before anything is sent there."""
    return providers.Singleton(
        CheckedAddresses, allow_private=settings.provided.webhook_allow_private
    )


def _taken(settings: providers.Dependency[Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: getattr(settings.provided, setting) for name, setting in names.items()}
