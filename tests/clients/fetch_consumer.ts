// The same booking with the classes that openapi-generator (typescript-fetch) makes of the tags.
import { BookingsApi, Configuration, IdentityApi, ResponseError, SlotsApi } from "./sdk/index.js";
import { type Problem, ProblemCode } from "./sdk/index.js";

const basePath = process.argv[2];
if (basePath === undefined) throw new Error("usage: node fetch_consumer.js ADDRESS");

async function signUp(name: string): Promise<string> {
  const registrationIn = {
    email: `${name}@example.com`,
    password: "three quiet otters",
    fullName: "Example Patient",
  };
  const identity = new IdentityApi(new Configuration({ basePath }));
  return (await identity.registerAccount({ registrationIn })).accessToken;
}

async function book(timeSlotId: string, accessToken: string): Promise<void> {
  const bookings = new BookingsApi(new Configuration({ basePath, accessToken }));
  try {
    const booked = await bookings.createBookingRaw({ bookingIn: { timeSlotId } });
    console.log(`${booked.raw.status} ${(await booked.value()).status}`);
  } catch (failure) {
    if (!(failure instanceof ResponseError)) throw failure;
    const problem = (await failure.response.json()) as Problem;
    const isTaken = problem.code === ProblemCode.SlotAlreadyBooked;
    const told = isTaken ? "Somebody was quicker: choose another slot." : problem.title;
    console.log(`${failure.response.status} ${told}`);
  }
}

const slots = new SlotsApi(new Configuration({ basePath }));
const [slot] = (await slots.searchSlots({ limit: 1 })).items;
if (slot === undefined) throw new Error("nothing is free");
await book(slot.id, await signUp("first"));
await book(slot.id, await signUp("second"));
