"""The desk: days, absences, removals and merges, with the appointments that they touch."""
