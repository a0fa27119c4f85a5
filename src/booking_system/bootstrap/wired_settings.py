"""Settings as contexts need them: by the names of their containers' dependencies."""

from typing import Any

from dependency_injector import providers

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
OF_CONSULTATIONS = {"public_url": "public_url", "ice": "ice"}


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


def _taken(settings: providers.Dependency[Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: getattr(settings.provided, setting) for name, setting in names.items()}
