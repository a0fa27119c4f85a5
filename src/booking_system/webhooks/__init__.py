"""Other programs are told what happens: webhooks that are signed, tried again and kept."""
