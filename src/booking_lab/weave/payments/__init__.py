"""The weave of payments: providers, workers, payers and the desk meet at an appointment's money."""
