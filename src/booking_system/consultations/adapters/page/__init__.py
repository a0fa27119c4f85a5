"""The page of consultations: one document, and the files that it loads from here alone."""
