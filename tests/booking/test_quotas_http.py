"""Quotas are counted against who acts: nobody uses up another's, in no clinic."""

from tests.api import Api, code_of
from tests.booking.two_clinics import TwoClinics

TOO_MANY = (409, "too_many_holds")


async def test_a_patient_holds_what_they_may_whatever_a_desk_holds_for_them(api: Api) -> None:
    at = await TwoClinics.of(api)
    for slot in (at.here.slots[0], at.here.slots[1], at.here.slots[4]):
        await at.here.held(slot, at.here.desk, **at.named)

    for place in (3, 5, 6):
        await at.elsewhere.held(at.elsewhere.slots[place], at.here.patient)

    refused = await at.elsewhere.hold(at.elsewhere.slots[0], at.here.patient)
    assert code_of(refused) == TOO_MANY


async def test_a_desk_holds_for_a_patient_whatever_the_patient_holds(api: Api) -> None:
    at = await TwoClinics.of(api)
    for place in (3, 5, 6):
        await at.elsewhere.held(at.elsewhere.slots[place], at.here.patient)

    for place in (0, 1, 4, 5):
        await at.here.held(at.here.slots[place], at.here.desk, **at.named)


async def test_all_that_one_of_the_desk_holds_is_counted_together(api: Api) -> None:
    """For one patient, for another and for nobody yet; a colleague has a quota of their own."""
    at = await TwoClinics.of(api)
    more = await api.slots(await api.doctor(at.here.clinic), 12)
    other = {"patient_id": str(at.here.other.patient_id)}
    # No two at one time for one patient, who has an appointment at the third or the fourth.
    for place, about in enumerate([at.named, at.named, other, at.named, other, {}, {}, {}, {}, {}]):
        await at.here.held(more[place], at.here.desk, **about)

    for about in (at.named, other, {}):
        assert code_of(await at.here.hold(more[10], at.here.desk, **about)) == TOO_MANY
    colleague = await api.receptionist(at.here.clinic["id"])
    assert code_of(await at.here.hold(more[10], colleague)) == (201, None)


async def test_bookings_in_one_clinic_use_up_nothing_in_another(api: Api) -> None:
    at = await TwoClinics.of(api, max_open_bookings_per_patient=1)
    await at.book_elsewhere(0, 1)

    refused = await at.try_here(4)
    assert code_of(refused) == (422, "too_many_open_bookings")
    assert code_of(await at.elsewhere.book(at.elsewhere.slots[3], at.here.patient)) == (201, None)
