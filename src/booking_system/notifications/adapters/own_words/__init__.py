"""Templates of clinics: kept, and at hand when a message is written."""
