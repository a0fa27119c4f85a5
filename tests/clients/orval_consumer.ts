// The same booking with the functions that orval makes of the operations.
import { createBooking, registerAccount, searchSlots } from "./api.js";

const address = process.argv[2];
if (address === undefined) throw new Error("usage: node orval_consumer.js ADDRESS");
// Its functions ask for paths: a page asks the server that it came from.
const plainFetch = globalThis.fetch;
globalThis.fetch = (path, init) => plainFetch(new URL(String(path), address), init);

async function signUp(name: string): Promise<string> {
  const answer = await registerAccount({
    email: `${name}@example.com`,
    password: "three quiet otters",
    full_name: "Example Patient",
  });
  if (answer.status !== 201) throw new Error(answer.data.title);
  return answer.data.access_token;
}

async function book(slotId: string, token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await createBooking({ time_slot_id: slotId }, {}, { headers });
  if (answer.status === 201) {
    console.log(`${answer.status} ${answer.data.status}`);
  } else if (answer.data.code === "slot_already_booked") {
    console.log(`${answer.status} Somebody was quicker: choose another slot.`);
  } else {
    console.log(`${answer.status} ${answer.data.title}`);
  }
}

const found = await searchSlots({ limit: 1 });
if (found.status !== 200) throw new Error("no search");
const [slot] = found.data.items;
if (slot === undefined) throw new Error("nothing is free");
await book(slot.id, await signUp("first"));
await book(slot.id, await signUp("second"));
