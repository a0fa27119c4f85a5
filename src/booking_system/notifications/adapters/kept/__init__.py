"""The message outbox: messages are kept to be looked at, where no provider is set."""
