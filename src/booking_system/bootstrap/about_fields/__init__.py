"""What names of fields and parameters mean, wherever they come: one word stands for one thing.

What only one model says stands at its field; it goes before what is said here.
"""

from booking_system.bootstrap.about_fields.events import TOLD
from booking_system.bootstrap.about_fields.words import WORDS

ABOUT_FIELDS = WORDS | TOLD
