// The same booking with the functions that @hey-api/openapi-ts makes of the operations.
import { createBooking, registerAccount, searchSlots, type Problem } from "./sdk/index.js";
import { client } from "./sdk/client.gen.js";

const address = process.argv[2];
if (address === undefined) throw new Error("usage: node sdk_consumer.js ADDRESS");
client.setConfig({ baseUrl: address });

async function signUp(name: string): Promise<string> {
  const body = {
    email: `${name}@example.com`,
    password: "three quiet otters",
    full_name: "Example Patient",
  };
  const { data } = await registerAccount({ body, throwOnError: true });
  return data.access_token;
}

async function book(slotId: string, token: string): Promise<void> {
  const { data, error, response } = await createBooking({
    body: { time_slot_id: slotId },
    auth: token,
  });
  const told = data === undefined ? advice(error) : data.status;
  console.log(`${response?.status} ${told}`);
}

function advice(problem: Problem): string {
  switch (problem.code) {
    case "slot_already_booked":
      return "Somebody was quicker: choose another slot.";
    default:
      return problem.title;
  }
}

const { data } = await searchSlots({ query: { limit: 1 }, throwOnError: true });
const [slot] = data.items;
if (slot === undefined) throw new Error("nothing is free");
await book(slot.id, await signUp("first"));
await book(slot.id, await signUp("second"));
