"""The tables of files, and what others may ask of them."""
