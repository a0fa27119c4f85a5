"""Documents as people read them: what stands on a sheet, as a page and as PDF."""
