"""The sandbox beside its provider: where it keeps checkouts, and the page to play with them."""
