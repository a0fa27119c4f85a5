"""What messages say: templates, dates in the reader's language, calendar parts."""
