"""The page on which the link of an invitation ends, for clinics without a front end."""

from booking_system.platform.http.languages import in_each_language

PAGE = r"""<!doctype html><html lang="[[language]]"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>[[title]]</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin:.6rem 0}input{display:block;font:inherit;width:100%;padding:.4rem;
box-sizing:border-box}button{font:inherit;min-height:2.75rem;padding:.4rem 1rem}
fieldset{margin:1rem 0}[role=alert]{color:#a00}</style>
<main><h1>[[title]]</h1><p id="said" role="status">[[moment]]</p>
<p id="wrong" role="alert"></p>
<div id="ways" hidden>
<form id="new"><fieldset><legend>[[no_account]]</legend>
<p>[[as]] <b id="email"></b></p>
<label>[[choose]]<input name="password" type="password" autocomplete="new-password"
 minlength="10" maxlength="200" required></label>
<button>[[accept_new]]</button></fieldset></form>
<form id="old"><fieldset><legend>[[account]]</legend>
<label>[[address]]<input name="username" type="email" autocomplete="username" required></label>
<label>[[password]]<input name="password" type="password" autocomplete="current-password"
 maxlength="200" required></label>
<button>[[accept_old]]</button></fieldset></form></div></main>
<script>
const token = location.hash.slice(1);
const at = (id) => document.getElementById(id);
const roles = {clinic_admin: "[[admin]]", receptionist: "[[receptionist]]", doctor: "[[doctor]]"};
const faults = {invitation_over: "[[over]]", not_found: "[[over]]", password_too_weak: "[[weak]]",
  invalid_credentials: "[[credentials]]", email_taken: "[[taken]]",
  rate_limited: "[[often]]"};
const filled = (sentence, offer) => sentence.replace(/%(\w+)/g, (_, name) => (
  {role: roles[offer.role], clinic: offer.clinic.name, name: offer.full_name})[name]);

async function ask(path, body, headers) {
  const answer = await fetch(path, {method: "POST", body, headers});
  const told = await answer.json();
  if (!answer.ok) throw new Error(faults[told.code] || told.detail || told.title);
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
  at("said").textContent = filled("[[welcome]]", offer);
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
  if (!token) throw new Error("[[incomplete]]");
  const offer = await ask("/v1/invitations/look-up", ...asJson({token}));
  at("said").textContent = filled("[[invites]]", offer);
  at("email").textContent = offer.email;
  at("ways").hidden = false;
});
</script></html>"""
WORDS = {
    "en": {
        "title": "Invitation",
        "moment": "One moment …",
        "no_account": "I have no account yet",
        "as": "You will sign in with this address:",
        "choose": "Choose a password",
        "accept_new": "Accept with a new account",
        "account": "I have an account",
        "address": "E-mail",
        "password": "Password",
        "accept_old": "Sign in and accept",
        "admin": "an administrator",
        "receptionist": "a receptionist",
        "doctor": "a doctor",
        "invites": "%name, %clinic invites you to be %role there.",
        "welcome": "Welcome. You are %role of %clinic now, and can sign in.",
        "incomplete": "This link is not complete: copy all of it.",
        "over": "This link does not hold any more: ask the clinic for a new one.",
        "weak": "",
        "taken": "There is an account with this address already: sign in with its password.",
        "credentials": "The e-mail address or the password is wrong.",
        "often": "Too many attempts: wait a little before the next one.",
    },
    "de": {
        "title": "Einladung",
        "moment": "Einen Moment …",
        "no_account": "Ich habe noch kein Konto",
        "as": "Sie melden sich mit dieser Adresse an:",
        "choose": "Wählen Sie ein Passwort",
        "accept_new": "Mit neuem Konto annehmen",
        "account": "Ich habe ein Konto",
        "address": "E-Mail",
        "password": "Passwort",
        "accept_old": "Anmelden und annehmen",
        "admin": "Verwaltung",
        "receptionist": "Empfang",
        "doctor": "Ärztin oder Arzt",
        "invites": "%name, %clinic lädt Sie zur Mitarbeit ein. Ihre Rolle: %role.",
        "welcome": "Willkommen bei %clinic. Ihre Rolle: %role. Sie können sich jetzt anmelden.",
        "incomplete": "Dieser Link ist nicht vollständig: Kopieren Sie ihn ganz.",
        "over": "Dieser Link gilt nicht mehr: Bitten Sie die Praxis um einen neuen.",
        "weak": "Dieses Passwort ist zu leicht zu erraten: Nehmen Sie ein längeres aus mehreren"
        " Wörtern, die nichts miteinander zu tun haben.",
        "taken": "Es gibt schon ein Konto mit dieser Adresse: Melden Sie sich damit an.",
        "credentials": "Die E-Mail-Adresse oder das Passwort ist falsch.",
        "often": "Zu viele Versuche: Warten Sie ein wenig vor dem nächsten.",
    },
}
PAGES = in_each_language(PAGE, WORDS)
