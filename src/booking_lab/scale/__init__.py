"""Demo data at size: many clinics, a year of calendars, a share of them booked."""
