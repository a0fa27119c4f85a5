"""The page on which the link of an invitation ends, for clinics without a front end."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Invitation</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin:.6rem 0}input{display:block;font:inherit;width:100%;padding:.4rem;
box-sizing:border-box}button{font:inherit;padding:.4rem 1rem}fieldset{margin:1rem 0}
[role=alert]{color:#a00}</style>
<main><h1>Invitation</h1><p id="said" role="status">One moment …</p>
<p id="wrong" role="alert"></p>
<div id="ways" hidden>
<form id="new"><fieldset><legend>I have no account yet</legend>
<p>You will sign in as <b id="email"></b>.</p>
<label>Choose a password<input name="password" type="password" autocomplete="new-password"
 minlength="10" maxlength="200" required></label>
<button>Accept with a new account</button></fieldset></form>
<form id="old"><fieldset><legend>I have an account</legend>
<label>E-mail<input name="username" type="email" autocomplete="username" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password"
 maxlength="200" required></label>
<button>Sign in and accept</button></fieldset></form></div></main>
<script>
const token = location.hash.slice(1);
const at = (id) => document.getElementById(id);
const roles =
  {clinic_admin: "an administrator", receptionist: "a receptionist", doctor: "a doctor"};

async function ask(path, body, headers) {
  const answer = await fetch(path, {method: "POST", body, headers});
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || told.title);
  return told;
}
const asJson = (body, more) =>
  [JSON.stringify(body), {"Content-Type": "application/json", ...more}];

async function trying(work) {
  at("wrong").textContent = "";
  try {
    await work();
  } catch (error) {
    at("wrong").textContent = error.message;
  }
}
function done(offer) {
  at("ways").hidden = true;
  history.replaceState(null, "", location.pathname);
  at("said").textContent =
    `Welcome. You are ${roles[offer.role]} of ${offer.clinic.name} now, and can sign in.`;
}
function whenSent(id, accept) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const sent = Object.fromEntries(new FormData(event.target));
    trying(async () => done(await accept(sent)));
  });
}
// Another link in the same window only changes what follows the `#`.
addEventListener("hashchange", () => location.reload());
whenSent("new", ({password}) =>
  ask("/v1/invitations/accept", ...asJson({token, password})));
whenSent("old", async ({username, password}) => {
  const form = new URLSearchParams({grant_type: "password", username, password});
  const tokens = await ask("/v1/auth/token", form);
  const signedIn = {Authorization: `Bearer ${tokens.access_token}`};
  return ask("/v1/invitations/accept", ...asJson({token}, signedIn));
});
trying(async () => {
  at("said").textContent = "";
  if (!token) throw new Error("This link is not complete: copy all of it.");
  const offer = await ask("/v1/invitations/look-up", ...asJson({token}));
  at("said").textContent = `${offer.full_name}, ${offer.clinic.name} invites you to be ` +
    `${roles[offer.role]} there.`;
  at("email").textContent = offer.email;
  at("ways").hidden = false;
});
</script></html>"""
