"""The core: appointments, and the rules that let them come about."""
