"""Technical plumbing: no clinic words here."""
