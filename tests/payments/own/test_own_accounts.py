"""Money of a clinic goes through its own account, and nobody else's does."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from booking_system.bootstrap.secret_key import _new_key
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.payments.adapters.own_accounts import checking
from booking_system.payments.adapters.own_accounts.models import StripeAccountIn
from booking_system.payments.adapters.own_accounts.sealing import PaymentVault, account_resealing
from booking_system.payments.adapters.own_accounts.store import PostgresOwnAccounts
from booking_system.payments.application.own_accounts import SetOwnAccount
from booking_system.payments.domain.own_account import KEPT_FOR, OwnProvider
from booking_system.payments.domain.sighting import Account
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.tidying import Tidying
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId
from tests.api import code_of
from tests.booking.builders import an_actor
from tests.lines import SEEN
from tests.payments.emulators.loopback import Deaf, Delivery, Slow
from tests.payments.own.house import HOOK, House, as_body, events_since
from tests.waits import until_waiting

ROWS = "SELECT * FROM clinic_payment_accounts ORDER BY created_at"


async def test_each_clinic_is_paid_at_its_own_account_and_gives_back_there(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    clinics = [await house.clinic(one), await house.clinic(other), await house.clinic()]
    hooks = [await clinics[0].hook(), await clinics[1].hook(), f"{HOOK}/stripe"]
    accounts = [one, other, house.platform]
    begun = [await clinic.begins() for clinic in clinics]
    for account, (_, payment) in zip(accounts, begun, strict=True):
        # Ids of the three accounts are the same, and are not taken for one another.
        (session,) = account.sessions.values()
        assert session["client_reference_id"] == payment["id"]
        assert session["id"] == "cs_test_00000001"
        account.pay(session["id"])
        if account is one:
            for delivery in account.events():
                assert (await house.told(hooks[0], delivery)).status_code == 200
            await clinics[0].counter.work()
            for clinic, (booking, _) in zip(clinics[1:], begun[1:], strict=True):
                assert await clinic.status(booking) == ("pending_payment", "unpaid")
    for account, hook in zip(accounts, hooks, strict=True):
        for delivery in account.events():
            assert (await house.told(hook, delivery)).status_code == 200
    await clinics[0].counter.work()
    for clinic, (booking, _) in zip(clinics, begun, strict=True):
        assert await clinic.status(booking) == ("confirmed", "paid")

    await clinics[1].cancels(begun[1][0])

    assert [len(account.refunds) for account in accounts] == [0, 1, 0]
    assert await clinics[1].status(begun[1][0]) == ("cancelled", "refunded")
    assert await clinics[0].status(begun[0][0]) == ("confirmed", "paid")
    assert await house.matters() == []


async def test_an_address_believes_the_secret_of_its_account_only(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    mine, theirs = await house.clinic(one), await house.clinic(other)
    hook, its = await mine.hook(), await theirs.hook()
    booking, _ = await mine.begins()
    one.pay(next(iter(one.sessions)))
    genuine = one.events()[-1]
    event = json.loads(genuine.body)
    for path, by in (
        (hook, other),
        (hook, house.platform),
        (its, one),
        (f"{HOOK}/stripe", one),
    ):
        answer = await house.told(path, by.signed(event))
        assert code_of(answer) == (400, "invalid_signature"), path
    for path in (
        f"{HOOK}/stripe/{uuid4()}",
        hook.replace("/stripe/", "/paypal/"),
        hook.upper(),
        f"{hook}x",
    ):
        assert (await house.told(path, genuine)).status_code == 404, path
    assert await house.sql("SELECT 1 FROM payment_events") == []
    assert (await house.told(f"{hook}?x=1", genuine)).status_code == 200
    await mine.counter.work()
    assert await mine.status(booking) == ("confirmed", "paid")


async def test_an_event_about_another_clinics_payment_changes_nothing_and_people_look(
    house: House,
) -> None:
    one, other = house.account("One"), house.account("Other")
    mine, theirs, shared = [await house.clinic(each) for each in (one, other, other)]
    booking, payment = await theirs.begins()
    (session,) = other.sessions
    other.pay(session)
    event = json.loads(other.events()[-1].body)
    hook = await mine.hook()
    asked = len(other.calls)
    # It says that it speaks for others, in each way that there is.
    for number, more in enumerate(({}, {"account": "platform"}, {"context": "acct_1Other"})):
        forged = one.signed({**event, "id": f"evt_forged_{number}", **more})
        assert (await house.told(hook, forged)).status_code == 200

    await mine.counter.work()

    assert await theirs.status(booking) == ("pending_payment", "unpaid")
    assert len(other.calls) == asked, "nobody looks because of it"
    own_id = hook.rpartition("/")[2]
    assert await house.matters() == [("account", UUID(payment["id"]), own_id)]
    desk = await house.api.receptionist(theirs.id)
    listed = await house.api.get(f"/v1/clinics/{theirs.id}/payment-matters", desk)
    assert [(matter["kind"], matter["about"]) for matter in listed.json()["items"]] == [
        ("account", own_id)
    ]
    stored = await house.sql("SELECT account_key, payment_id FROM payment_events")
    assert [tuple(row) for row in stored] == [(own_id, None)] * 3

    # Of one account of two clinics each endpoint hears all, and that is no matter for anybody.
    for delivery in other.events():
        assert (await house.told(await shared.hook(), delivery)).status_code == 200
    await mine.counter.work()
    assert len(await house.matters()) == 1
    assert await theirs.status(booking) == ("pending_payment", "unpaid")
    # What was told elsewhere takes nothing away from what the account itself tells.
    for delivery in other.events():
        assert (await house.told(await theirs.hook(), delivery)).status_code == 200
    await mine.counter.work()
    assert await theirs.status(booking) == ("confirmed", "paid")


async def test_what_began_at_an_account_ends_there(house: House) -> None:
    first, second = house.account("First"), house.account("Second")
    clinic = await house.clinic(first)
    hook = await clinic.hook()
    booking, payment = await clinic.begins()
    (session,) = first.sessions

    changed = await clinic.sets(second)
    assert changed["webhook_url"] != f"http://test{hook}"
    path = f"/v1/bookings/{booking['id']}/payments"
    again = await house.api.post(path, {"provider": "stripe"}, booking["by"])
    assert again.json()["id"] == payment["id"], "one live payment, where it began"
    newer, _ = await clinic.begins()
    assert (len(first.sessions), len(second.sessions)) == (1, 1)
    assert (await clinic.removes()).status_code == 204
    latest, _ = await clinic.begins()
    assert (len(second.sessions), len(house.platform.sessions)) == (1, 1)

    known = first.events()
    first.pay(session)
    for delivery in events_since(first, known):
        assert (await house.told(hook, delivery)).status_code == 200
    # The clinic's newer account tells of it as well: no matter for anybody, and no reason to look.
    (paid,) = [one for one in first.events() if one.kind == "payment_intent.succeeded"]
    stranger = json.loads(paid.body) | {"id": "evt_elsewhere"}
    newer_hook = changed["webhook_url"].removeprefix("http://test")
    assert (await house.told(newer_hook, second.signed(stranger))).status_code == 200
    await clinic.counter.work()
    assert await house.matters() == []
    assert await clinic.status(booking) == ("confirmed", "paid")
    await clinic.cancels(booking)
    assert [len(one.refunds) for one in (first, second, house.platform)] == [1, 0, 0]
    for other in (newer, latest):
        assert await clinic.status(other) == ("pending_payment", "unpaid")
    reconciled = await house.api.container.payments.reconcile()(since=timedelta(days=1))
    assert (reconciled.looked_at, reconciled.unanswered, reconciled.drifting) == (3, [], [])

    # Back at the first account it has the address that Stripe knows.
    back = await clinic.sets(first)
    assert back["webhook_url"] == f"http://test{hook}"


async def test_keys_go_when_no_money_can_come_back_and_what_is_left_is_for_people(
    house: House,
) -> None:
    used, unused = house.account("Used"), house.account("Unused")
    clinic = await house.clinic(used)
    hook = await clinic.hook()
    booking, payment = await clinic.begins()
    (session,) = used.sessions
    used.pay(session)
    for delivery in used.events():
        await house.told(hook, delivery)
    await clinic.counter.work()
    await clinic.sets(unused)
    assert (await clinic.removes()).status_code == 204

    async def keys_after(age: timedelta) -> list[bool]:
        await house.sql("UPDATE clinic_payment_accounts SET removed_at = now() - $1::interval", age)
        chores = house.api.container.tidying().chores
        (chore,) = [one for one in chores if one.name == "payment_keys"]
        await Tidying(database=house.api.container.database(), chores=[chore]).once()
        return [row["sealed"] is not None for row in await house.sql(ROWS)]

    hours, day = timedelta(hours=1), timedelta(days=1)
    assert await keys_after(day - hours) == [True, True]
    assert await keys_after(day + hours) == [True, False]
    assert await keys_after(KEPT_FOR - hours) == [True, False]
    assert (await house.told(hook, used.events()[0])).status_code == 200
    assert await keys_after(KEPT_FOR + hours) == [False, False]
    assert (await house.told(hook, used.events()[0])).status_code == 404

    await clinic.cancels(booking)
    await house.sql(
        "UPDATE payment_work SET problem_since = problem_since - interval '1 day', due_at = now()"
    )
    await clinic.counter.work()
    shown = await clinic.counter.paid(payment, booking["by"])
    assert [one["state"] for one in shown["refunds"]] == ["failed"]
    (refund,) = await house.sql("SELECT id FROM payment_refunds")
    assert await house.matters() == [("refund_failed", UUID(payment["id"]), str(refund["id"]))]
    assert await house.sql("SELECT 1 FROM payment_work") == []
    assert used.refunds == {}


async def test_keys_are_shown_to_nobody(house: House) -> None:
    one = house.account("One")
    clinic = await house.clinic()
    assert (await clinic.shows())["is_own"] is False
    put = await clinic.puts(as_body(one) | {"publishable_key": "pk_test_1", "methods": []})
    shown = put.json()
    assert shown == await clinic.shows()
    assert (shown["secret_ends_with"], shown["webhook_secrets_end_with"]) == ("inic", ["_One"])
    assert (shown["account_id"], shown["is_live"], shown["methods"]) == ("acct_1One", False, [])
    assert "refund.failed" in shown["event_types"]
    assert shown["verified_at"] == shown["changed_at"]
    await clinic.begins()
    (row,) = await house.sql(ROWS)
    told = await house.sql("SELECT * FROM outbox UNION ALL SELECT * FROM outbox")
    everything = [put.text, repr(row), repr(told), *map(repr, SEEN)]
    for text in everything:
        assert one.key not in text
        assert one.secrets[0] not in text
    again = await house.sql("SELECT sealed FROM clinic_payment_accounts")
    await clinic.sets(one)
    assert again != await house.sql("SELECT sealed FROM clinic_payment_accounts")


async def test_keys_open_beside_their_own_row_only(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    mine, theirs = await house.clinic(one), await house.clinic(other)
    its, id_ = await theirs.hook(), UUID((await mine.hook()).rpartition("/")[2])
    moved = """UPDATE clinic_payment_accounts a SET sealed = b.sealed, key_id = b.key_id
     FROM clinic_payment_accounts b WHERE b.id = $1 AND a.id <> $1"""
    await house.sql(moved, id_)
    patient = await house.api.patient()
    booking = await theirs.counter.book(patient)
    path = f"/v1/bookings/{booking['id']}/payments"
    answer = await house.api.post(path, {"provider": "stripe"}, patient)
    assert code_of(answer) == (503, "dependency_unavailable")
    # Neither another clinic's account nor the platform's gets the money instead.
    assert not one.sessions
    assert not house.platform.sessions
    thin = other.thin("x", None)
    assert (await house.told(its, thin)).status_code == 503
    of = house.api.container.payments.accounts().of
    account = Account("stripe", its.rpartition("/")[2], is_live=False)
    assert await of(account) is None
    needs = await theirs.puts({"account_id": other.name})
    assert code_of(needs) == (422, "validation_error")
    await theirs.sets(other)
    begun = await house.api.post(path, {"provider": "stripe"}, patient)
    assert begun.status_code == 201
    assert len(other.sessions) == 1


async def test_an_account_is_only_itself(house: House) -> None:
    """The mode and the provider are parts of an account's name, too."""
    await (await house.clinic(house.account("One"))).hook()
    (row,) = await house.sql(ROWS)
    of = house.api.container.payments.accounts().of
    key = str(row["id"])
    assert await of(Account("stripe", key, is_live=False)) is not None
    for other in (
        Account("stripe", key, is_live=True),
        Account("paypal", key, is_live=False),
        Account("stripe", str(uuid4()), is_live=False),
    ):
        assert await of(other) is None


async def test_the_provider_is_asked_whether_it_takes_the_keys(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = house.account("One"), house.account("Other")
    clinic = await house.clinic()
    refused = await clinic.puts(as_body(one) | {"secret_key": "sk_test_51NobodysKey"})
    assert code_of(refused) == (422, "payment_keys_refused")
    mixed = await clinic.puts(as_body(one) | {"secret_key": other.key})
    assert mixed.json()["errors"][0]["code"] == "other_account"
    both = await clinic.puts(as_body(one) | {"publishable_key": "pk_live_1"})
    assert both.json()["errors"][0]["code"] == "other_mode"
    assert await house.sql(ROWS) == []
    # A restricted key may not say whose it is, and is a good one all the same.
    one.forbidden.add("GET /v1/account")
    assert (await clinic.sets(one))["verified_at"] is not None
    one.forbidden.add("GET /v1/checkout/sessions")
    assert code_of(await clinic.puts(as_body(one))) == (422, "payment_keys_refused")
    # Nobody's fault: it is stored, and shown as what nobody has looked at.
    for line in house._at.values():
        line.misbehave(Deaf(), times=3)
    assert (await clinic.sets(other))["verified_at"] is None
    house._at["stripe"]._told.clear()
    again = await clinic.puts({"account_id": other.name})
    assert again.json()["verified_at"] is not None
    house._at["paypal"]._told.clear()
    never = asyncio.Event()
    house._at["stripe"].misbehave(Slow(until=never), times=9)
    monkeypatch.setattr(checking, "SECONDS", 0.05)
    one.forbidden.clear()
    assert (await clinic.sets(one))["verified_at"] is None, "a request does not wait for long"
    house._at["stripe"]._told.clear()
    never.set()


async def test_what_is_not_given_anew_stays_with_its_account(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    clinic = await house.clinic(one)
    stays = await clinic.puts({"account_id": one.name, "methods": ["card", "sepa_debit"]})
    assert stays.json()["secret_ends_with"] == "inic"
    assert stays.json()["webhook_secrets_end_with"] == ["_One"]
    begun = await clinic.begins()
    assert begun[1]["checkout_url"]
    (session,) = one.sessions.values()
    assert session["allowed_payment_method_types"] == ["card", "sepa_debit"]
    mixed = await clinic.puts({"account_id": one.name, "publishable_key": "pk_live_1"})
    assert mixed.json()["errors"][0]["code"] == "other_mode"
    missing = await clinic.puts({"account_id": other.name})
    assert missing.json()["errors"][0]["pointer"] == "/secret_key"
    assert (await clinic.shows())["account_id"] == one.name
    await clinic.sets(other)
    missing = await clinic.puts({"account_id": one.name})
    assert missing.json()["errors"][0]["code"] == "missing", "it is not the present one any more"
    await clinic.sets(one)
    emptied = await clinic.puts({"account_id": one.name, "webhook_secrets": []})
    assert emptied.json()["webhook_secrets_end_with"] == []
    hook = await clinic.hook()
    assert code_of(await house.told(hook, one.thin("x", None))) == (400, "invalid_signature")


async def test_versions_count_all_changes_of_a_clinics_account(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    clinic = await house.clinic()
    nothing = await clinic.removes()
    assert code_of(nothing) == (404, "not_found")
    tags = []
    for account in (one, other, one):
        shown = await house.api.get(clinic.at(), clinic.admin)
        tag = {"If-Match": shown.headers["ETag"]}
        answer = await clinic.puts(as_body(account), headers=tag)
        assert answer.status_code == 200
        tags.append(answer.headers["ETag"])
        stale = await clinic.puts(as_body(account), headers=tag)
        assert code_of(stale) == (412, "precondition_failed")
    gone = await clinic.removes(headers={"If-Match": tags[0]})
    assert code_of(gone) == (412, "precondition_failed")
    assert gone.headers["ETag"] == tags[-1]
    assert (await clinic.removes(headers={"If-Match": tags[-1]})).status_code == 204
    assert (await clinic.shows())["version"] == 0
    tags.append((await clinic.puts(as_body(one))).headers["ETag"])
    assert len({*tags}) == 4, "no tag comes twice"
    rows = await house.sql(ROWS)
    assert [(row["name"], row["removed_at"] is None) for row in rows] == [
        (one.name, True),
        (other.name, False),
    ]


async def test_of_two_who_set_it_at_once_one_changes_nothing(house: House) -> None:
    one, other = house.account("One"), house.account("Other")
    clinic = await house.clinic(one)
    store = house.api.container.payments.own_accounts()
    vault = house.api.container.payments.vault()
    present = await store.present(ClinicId(UUID(clinic.id)), OwnProvider.STRIPE)
    assert present is not None
    keys = await store.keys_of(present)
    assert keys is not None
    sealed = vault.sealed(keys, present)
    changed = await store.put(present, sealed, seen=present.version)
    assert changed is not None
    assert await store.put(present, sealed, seen=present.version) is None
    clinic_id, at_stripe = present.clinic_id, present.named.provider
    seen = present.version
    assert await store.remove(clinic_id, at_stripe, version=seen) == changed.version != seen
    await clinic.sets(other)
    # The first writer had another row, so the slower writer makes no second one beside it.
    assert await store.put(changed, sealed, seen=0) is None
    new = replace(changed, id=vault.new_id(), named=replace(changed.named, name="acct_1Third"))
    assert await store.put(new, sealed, seen=changed.version) is None
    rows = await house.sql(ROWS)
    assert [(row["name"], row["removed_at"] is None) for row in rows] == [
        (one.name, False),
        (other.name, True),
    ]


async def test_of_two_who_remove_it_at_once_the_slower_one_removes_what_is_there_then(
    house: House,
) -> None:
    one, other = house.account("One"), house.account("Other")
    clinic = await house.clinic(other)
    await clinic.sets(one)
    change = "UPDATE clinic_payment_accounts SET removed_at = {} WHERE name = $1"
    async with house.api.container.database().driver_transaction() as first:
        await first.execute(change.format("now()"), one.name)
        second = asyncio.ensure_future(clinic.removes())
        await until_waiting(house.api.container.database())
        await first.execute(change.format("NULL"), other.name)
    assert (await second).status_code == 204
    assert [row["removed_at"] is None for row in await house.sql(ROWS)] == [False, False]
    assert code_of(await clinic.removes()) == (404, "not_found")


async def test_keys_pass_over_to_a_new_key_of_the_installation(house: House) -> None:
    one, gone = house.account("One"), house.account("Gone")
    clinic = await house.clinic(gone)
    await clinic.sets(one)
    database, container = house.api.container.database(), house.api.container
    new = _new_key().decode()
    turned = PaymentVault(Keyring.of([new, *container.keys().keys]))
    before = await house.sql(ROWS)
    for _ in range(2):
        assert await account_resealing(database=database, vault=turned).once()
    after = await house.sql(ROWS)
    assert {row["key_id"] for row in after} == {turned.sealing.key_id}
    assert [row["version"] for row in after] == [row["version"] for row in before]
    alone = PostgresOwnAccounts(database, PaymentVault(Keyring.of([new])), container.clock())
    found = [await alone.by_id(row["id"], "stripe") for row in after]
    assert [each and each[1].key for each in found] == [gone.key, one.key]
    assert container.payments.account_resealing() in container.jobs()


async def test_where_the_installation_does_not_allow_it_nothing_is_set(house: House) -> None:
    clinic, one = await house.clinic(), house.account("One")
    setting = house.api.container.payments.own_account_routes().set
    mine = {name: getattr(setting, name) for name in ("store", "check", "vault", "clock")}
    forbidding = SetOwnAccount(**mine, allowed=["sandbox", "paypal"])
    wish = StripeAccountIn.model_validate(as_body(one)).wish()
    clinic_id = ClinicId(UUID(clinic.id))
    actor = an_actor(RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic_id))
    with pytest.raises(Invalid) as refused:
        await forbidding(wish, clinic_id=clinic_id, version=None, actor=actor)
    assert refused.value.extras["errors"][0]["code"] == "not_offered"
    assert one.calls == []


@pytest.mark.parametrize("body", [{}, {"account_id": "acct_1", "secret_key": "pk_test_1"}])
async def test_keys_of_another_form_are_refused_and_not_quoted(
    house: House, body: dict[str, str]
) -> None:
    clinic = await house.clinic()
    answer = await clinic.puts(body)
    assert code_of(answer) == (422, "validation_error")
    assert "pk_test_1" not in answer.text


async def test_paypal_is_paid_at_the_clinics_account_and_heard_by_its_webhook(
    house: House,
) -> None:
    own = house.paypal_account("one")
    mine, other = await house.clinic(), await house.clinic()
    body = {"client_id": own.client_id, "mode": "sandbox", "webhook_ids": [own.webhook_id]}
    wrong = await mine.puts(body | {"client_secret": "another"}, "paypal")
    assert code_of(wrong) == (422, "payment_keys_refused")
    answer = await mine.puts(body | {"client_secret": own.client_secret}, "paypal")
    assert answer.status_code == 200, answer.text
    assert own.client_secret not in answer.text
    assert answer.json()["webhook_ids"] == [own.webhook_id]
    hook = await mine.hook("paypal")
    booking, _ = await mine.begins("paypal")
    theirs, _ = await other.begins("paypal")
    (order,), (its,) = own.orders, house.paypal.orders
    own.approve(order)
    house.paypal.approve(its)

    async def tells(path: str, deliveries: list[Delivery], status: int) -> None:
        for delivery in deliveries:
            assert (await house.told(path, delivery)).status_code == status

    await tells(hook, house.paypal.events(), 400)
    await tells(f"{HOOK}/paypal", own.events(), 400)
    await tells(hook, own.events(), 200)
    for _ in range(2):
        await mine.counter.work()
    assert await mine.status(booking) == ("confirmed", "paid")
    assert await other.status(theirs) == ("pending_payment", "unpaid")
    await mine.cancels(booking)
    assert (len(own.refunds), len(house.paypal.refunds)) == (1, 0)
