"""Files: pictures for everybody, and papers of an appointment for its parties."""
