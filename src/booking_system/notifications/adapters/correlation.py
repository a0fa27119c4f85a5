"""The name under which providers keep the ledger's id of a message and tell it again."""

MESSAGE_ID = "booking_message_id"
