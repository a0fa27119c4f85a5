"""Segments are counted as networks count them."""

import pytest

from booking_system.notifications.domain.segments import (
    BASIC,
    EXTENSION,
    Alphabet,
    counted,
    outside_gsm_7,
)

GSM_7, UCS_2 = Alphabet


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "segments"),
    [
        ("", GSM_7, 0, 0),
        ("a", GSM_7, 1, 1),
        ("a" * 160, GSM_7, 160, 1),
        ("a" * 161, GSM_7, 161, 2),
        ("a" * 306, GSM_7, 306, 2),
        ("a" * 307, GSM_7, 307, 3),
        ("äöüßÄÖÜ§", GSM_7, 8, 1),
        ("àèéìòù", GSM_7, 6, 1),
        ("a\r\nb", GSM_7, 4, 1),
        # Of Latin letters with signs the alphabet has some: neither these nor a small ç.
        ("á", UCS_2, 1, 1),
        ("ç", UCS_2, 1, 1),
        ("ş", UCS_2, 1, 1),
        ("a\tb", UCS_2, 3, 1),
        ("`", UCS_2, 1, 1),
        # Two septets each.
        ("€", GSM_7, 2, 1),
        ("[", GSM_7, 2, 1),
        ("^{}\\[~]|€\f", GSM_7, 20, 1),
        ("€" * 80, GSM_7, 160, 1),
        ("a" * 159 + "€", GSM_7, 161, 2),
        # 153 is odd: the second half of a sign does not begin the next part.
        ("€" * 153, GSM_7, 306, 3),
        ("a" * 152 + "€" + "a" * 151, GSM_7, 305, 2),
        ("a" * 152 + "€" + "a" * 152, GSM_7, 306, 3),
        # A bracket is one unit where all are sent in UCS-2.
        ("[ş]", UCS_2, 3, 1),
        ("€ş", UCS_2, 2, 1),
        ("’", UCS_2, 1, 1),
        ("–", UCS_2, 1, 1),
        ("\N{NO-BREAK SPACE}", UCS_2, 1, 1),
        ("\N{NARROW NO-BREAK SPACE}", UCS_2, 1, 1),
        ("’" + "a" * 69, UCS_2, 70, 1),
        ("’" + "a" * 70, UCS_2, 71, 2),
        ("’" + "a" * 133, UCS_2, 134, 2),
        ("’" + "a" * 134, UCS_2, 135, 3),
        ("தமிழ்", UCS_2, 5, 1),
        ("😀", UCS_2, 2, 1),
        ("😀" * 35, UCS_2, 70, 1),
        ("😀" * 36, UCS_2, 72, 2),
        # 67 is odd, too.
        ("😀" * 67, UCS_2, 134, 3),
    ],
)
def test_segments(text: str, alphabet: Alphabet, units: int, segments: int) -> None:
    told = counted(text)
    assert (told.alphabet, told.units, told.segments) == (alphabet, units, segments)


def test_the_alphabet_has_all_its_places() -> None:
    # 128 septets, of which one is the escape.
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


def test_it_says_what_makes_an_sms_dear() -> None:
    assert outside_gsm_7("Grüße, Ayşe’s €") == "ş’"
