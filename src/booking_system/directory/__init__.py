"""The clinics, their doctors and services, and the patients: kept shallow."""
