// A front end's first booking with types made by openapi-typescript: search, book, be told "taken".
import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Appointment = components["schemas"]["Appointment"];
type BookingIn = components["schemas"]["BookingIn"];
type Problem = components["schemas"]["Problem"];
type Slot = components["schemas"]["SlotPage"]["items"][number];

const address = process.argv[2];
if (address === undefined) throw new Error("usage: node consumer.js ADDRESS");
const api = createClient<paths>({ baseUrl: address });

async function signUp(name: string): Promise<string> {
  const { data, error } = await api.POST("/v1/auth/register", {
    body: {
      email: `${name}@example.com`,
      password: "three quiet otters",
      full_name: "Example Patient",
    },
  });
  if (error !== undefined) throw new Error(advice(error));
  return data.access_token;
}

async function firstOpenSlot(): Promise<Slot> {
  const { data, error } = await api.GET("/v1/slots", { params: { query: { limit: 1 } } });
  if (error !== undefined) throw new Error(advice(error));
  const [slot] = data.items;
  if (slot === undefined) throw new Error("nothing is free");
  return slot;
}

async function book(slot: Slot, token: string): Promise<Appointment | Problem> {
  const body: BookingIn = { time_slot_id: slot.id, reason: "First visit" };
  const headers = { Authorization: `Bearer ${token}` };
  const { data, error, response } = await api.POST("/v1/bookings", { body, headers });
  const told = error === undefined ? data.status : advice(error);
  console.log(`${response.status} ${told}`);
  return error ?? data;
}

function advice(problem: Problem): string {
  switch (problem.code) {
    case "slot_already_booked":
    case "slot_unavailable":
      return "Somebody was quicker: choose another slot.";
    case "unauthenticated":
    case "token_expired":
      return "Sign in again.";
    case "validation_error":
      return (problem.errors ?? []).map((one) => `${one.pointer} ${one.detail}`).join(", ");
    default:
      return problem.title;
  }
}

const slot = await firstOpenSlot();
const mine = await book(slot, await signUp("first"));
if (!("reference" in mine) || mine.time_slot_id !== slot.id) throw new Error("not what I wanted");
await book(slot, await signUp("second"));
