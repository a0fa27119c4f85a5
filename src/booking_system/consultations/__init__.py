"""Online consultations: one room for each online appointment, its chat, and who may enter."""
