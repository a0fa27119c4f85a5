"""Ways out to machines that others name: where they may lead, and how they are connected to."""
