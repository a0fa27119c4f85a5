"""The ledger as CSV: what it adds up to, and that no cell of it is a formula."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_system.payments.adapters.ledger_csv import COLUMNS, heading, lines_of
from booking_system.payments.application.read_payments import ShowDayTotals
from booking_system.payments.application.show_documents import ExportLedger
from booking_system.payments.domain.amounts import ISO_EXPONENTS
from booking_system.payments.domain.attempt import DESK
from booking_system.payments.domain.export import Entry, days_between
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.receipts import totals_of
from booking_system.payments.domain.sighting import Account
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.local_time import day_of
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.money import Money
from tests.booking.builders import CLINIC, a_receptionist
from tests.payments.builders import ACCOUNT, FIRST, an_owed
from tests.payments.stored import StoredDesk

AUCKLAND, BERLIN = "Pacific/Auckland", "Europe/Berlin"
SPANS = {
    "25 hours": (AUCKLAND, date(2027, 4, 3), date(2027, 4, 6), 73),
    "23 hours": (AUCKLAND, date(2027, 9, 25), date(2027, 9, 28), 71),
    "25 hours in Berlin": (BERLIN, date(2027, 10, 30), date(2027, 11, 2), 73),
    "no midnight": ("Asia/Beirut", date(2027, 3, 27), date(2027, 3, 30), 71),
}
"""Zone, three days of which clocks change on one, and their hours."""


def an_entry(line: Line, **about: Any) -> Entry:
    usual = {"id": uuid4(), "reference": "K7QM-3F9D", "document": "2027-000001", "corrects": None}
    return Entry(line=line, **usual | about)


def a_line(at: datetime, kind: LineKind, money: Money, account: Account = ACCOUNT) -> Line:
    is_of_desk = account.provider == DESK
    return Line(
        kind=kind,
        appointment_id=an_owed().appointment_id,
        clinic_id=CLINIC,
        payment_id=FIRST,  # type: ignore[arg-type]
        account=account,
        provider_id="ch_1",
        charge_id="ch_1",
        money=money,
        settled_at=at,
        method="cash" if is_of_desk else None,
    )


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


IN = [LineKind.CHARGE, LineKind.REFUND_RETURNED, LineKind.DISPUTE_REINSTATED]
OUT = [LineKind.REFUND, LineKind.DISPUTE_WITHDRAWN, LineKind.DISPUTE_FEE, LineKind.DESK_REFUND]
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
ACCOUNTS = st.sampled_from([ACCOUNT, Account(DESK, "clinic", is_live=True)])


@st.composite
def ledgers(draw: st.DrawFn, first: datetime, hours: int) -> Sequence[Line]:
    """Lines of some hours, and of a day before and behind these."""
    minutes = st.integers(-24 * 60, (hours + 24) * 60 - 1)
    on_the_hour = st.sampled_from([60 * hour for hour in range(hours + 1)])
    found = []
    for minute in draw(st.lists(minutes | on_the_hour, max_size=30)):
        amount = draw(st.integers(-9_999_999, 9_999_999).filter(bool))
        kind = draw(st.sampled_from(IN if amount > 0 else OUT))
        money = Money(amount, draw(CURRENCIES))
        found.append(a_line(first + timedelta(minutes=minute), kind, money, draw(ACCOUNTS)))
    return sorted(found, key=lambda one: one.settled_at)


def adds_up_to_the_days_and_to_the_ledger(
    span: tuple[str, date, date, int], data: st.DataObject
) -> None:
    zone, first, until, hours = span
    period = days_between(first, until, zone)
    assert period.length == timedelta(hours=hours)
    lines = data.draw(ledgers(period.starts_at, hours))

    inside = [one for one in lines if one.settled_at in period]
    rows = rows_of(heading() + lines_of(map(an_entry, inside), zone))

    exported: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        way = (row["currency"], row["provider"], row["method"], row["kind"])
        exported[row["date"], *way] += int(row["amount_minor"])
        exponent = ISO_EXPONENTS[row["currency"]]
        assert Decimal(row["amount"]).scaleb(exponent) == int(row["amount_minor"])
    by_day: Counter[tuple[str, ...]] = Counter()
    for day in (first + timedelta(days=n) for n in range(3)):
        for (currency, provider, method, kind), total in totals_of(day, zone, lines).sums.items():
            by_day[day.isoformat(), currency, provider, method or "", kind] += total
    assert exported == by_day
    assert {key: sum_ for key, sum_ in exported.items() if key not in by_day} == {}
    in_books: Counter[str] = Counter()
    for one in inside:
        in_books[one.money.currency] += one.money.amount
    for currency, total in in_books.items():
        assert sum(sum_ for (_, of, *_), sum_ in exported.items() if of == currency) == total


EACH_SPAN = pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
ANY_LINES = given(data=st.data())
test_the_export_adds_up_to_the_days_and_to_the_ledger = EACH_SPAN(
    settings(max_examples=25)(ANY_LINES(adds_up_to_the_days_and_to_the_ledger))
)
test_the_export_adds_up_to_the_days_and_to_the_ledger_long = pytest.mark.proof(
    EACH_SPAN(settings(max_examples=500)(ANY_LINES(adds_up_to_the_days_and_to_the_ledger)))
)


@pytest.mark.parametrize("first", "=+-@\t\r\n")
def test_no_cell_is_a_formula(first: str) -> None:
    text = f'{first}HYPERLINK("https://example.com","x")'
    line = a_line(datetime.fromisoformat("2027-04-03T10:30Z"), LineKind.REFUND, Money(-5, "EUR"))
    named = Line(**{one: getattr(line, one) for one in line.__slots__} | {"provider_id": text})
    entry = an_entry(named, reference=text, document=text, corrects=text)
    written = lines_of([entry], AUCKLAND)
    (cells,) = csv.reader(StringIO(written, newline=""))
    row = dict(zip(COLUMNS, cells, strict=True))
    for name in ("provider_id", "booking_reference", "receipt_number", "corrects_number"):
        assert row[name] == f"'{text}"
    assert (row["amount_minor"], row["amount"]) == ("-5", "-0.05"), "numbers stay numbers"
    assert written.count("\r\n") == 1 + text.count("\r\n")


def test_cells_are_those_of_rfc_4180() -> None:
    line = a_line(datetime.fromisoformat("2027-04-03T12:30Z"), LineKind.CHARGE, Money(1, "KWD"))
    entry = an_entry(line, reference='a "b", c\nd', id=UUID(int=1))
    told = lines_of([entry], AUCKLAND)
    assert told.startswith(
        '2027-04-04,2027-04-03T12:30:00Z,charge,1,0.001,KWD,2027-000001,,"a ""b"", c\nd",'
    )
    assert told.endswith(",stripe,,ch_1,true\r\n")
    assert heading() == ",".join(COLUMNS) + "\r\n"


def test_a_day_that_the_clock_skipped_has_no_ledger() -> None:
    with pytest.raises(Invalid):
        days_between(date(2011, 12, 30), date(2011, 12, 31), "Pacific/Apia")
    around = days_between(date(2011, 12, 29), date(2012, 1, 1), "Pacific/Apia")
    assert around.length == timedelta(hours=48)


SETTLED = {
    "2027-04-03T10:59:59Z": date(2027, 4, 3),
    "2027-04-03T10:30Z": date(2027, 4, 3),
    "2027-04-03T11:30Z": date(2027, 4, 4),
    "2027-04-04T11:30Z": date(2027, 4, 4),
    "2027-04-04T11:59:59Z": date(2027, 4, 4),
    "2027-04-04T12:00Z": date(2027, 4, 5),
    "2027-04-04T12:30Z": date(2027, 4, 5),
}
MOVED = "UPDATE clinics SET time_zone = $1 WHERE id = $2"


@pytest.fixture
async def auckland(database: Database) -> StoredDesk:
    """A clinic with a payment at each instant of `SETTLED`, the amounts all different."""
    desk = StoredDesk(database)
    everybody = [an_owed(price=Money(10**place, "EUR")) for place in range(len(SETTLED))]
    await desk.opens(*everybody)
    await desk.does(MOVED, AUCKLAND, CLINIC)
    for owed, at in zip(everybody, SETTLED, strict=True):
        desk.clock.moment = datetime.fromisoformat(at)
        await desk.pay_at_desk(owed)
    return desk


async def test_days_of_25_hours_are_whole_on_the_shelf_and_in_the_export(
    auckland: StoredDesk,
) -> None:
    staff = a_receptionist()
    totals = ShowDayTotals(reader=auckland.reader, clock=auckland.clock)
    days = {day: (await totals(CLINIC, day, staff)).total("EUR") for day in SETTLED.values()}
    assert list(days.values()) == [11, 11_100, 1_100_000]
    assert day_of(date(2027, 4, 4), AUCKLAND).length == timedelta(hours=25)
    # Two of one instant: neither is left out at the turn of a page, and none is there twice.
    twin = an_owed(price=Money(7, "EUR"))
    await auckland.appointments.add(twin)
    await auckland.pay_at_desk(twin)

    for size in (1, 2, 3, 500):
        export = ExportLedger(reader=auckland.reader, clock=auckland.clock, page=size)
        found = await export(CLINIC, date(2027, 4, 3), date(2027, 4, 6), staff)
        pages = [page async for page in found.pages]
        assert all(len(page) <= size for page in pages)
        rows = rows_of(heading() + "".join(lines_of(page, found.time_zone) for page in pages))
        sums: Counter[date] = Counter()
        for row in rows:
            sums[date.fromisoformat(row["date"])] += int(row["amount_minor"])
        assert sums == {**days, date(2027, 4, 5): 1_100_007}
        numbers = sorted(row["receipt_number"] for row in rows)
        assert numbers == [f"2027-{n:06d}" for n in range(1, 9)]
    one_day = await export(CLINIC, date(2027, 4, 4), None, staff)
    assert [len(page) async for page in one_day.pages] == [3]
    today = await export(CLINIC, None, None, staff)
    assert [len(page) async for page in today.pages] == [3], "by the clinic's clock"


async def test_an_export_of_too_much_is_refused(auckland: StoredDesk) -> None:
    export = ExportLedger(reader=auckland.reader, clock=auckland.clock, page=2, most=6)
    found = await export(CLINIC, date(2027, 4, 3), date(2027, 4, 6), a_receptionist())
    with pytest.raises(Invalid):
        assert not [page async for page in found.pages]
    fewer = await export(CLINIC, date(2027, 4, 4), None, a_receptionist())
    assert [len(page) async for page in fewer.pages] == [2, 1]
