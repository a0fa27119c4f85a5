"""The tables of this context, and what contexts above ask of them and show: each once."""
