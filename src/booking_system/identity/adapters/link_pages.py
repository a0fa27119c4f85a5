"""The pages on which the links of mails end, for clinics without a front end.

A page changes nothing by being looked at: programs that try links out press no button.
"""

from booking_system.platform.http.languages import in_each_language

HEAD = """<!doctype html><html lang="[[language]]"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>[[title]]</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin:.6rem 0}input{display:block;font:inherit;width:100%;padding:.4rem;
box-sizing:border-box}button{font:inherit;min-height:2.75rem;padding:.4rem 1rem}
[role=alert]{color:#a00}</style>
<main><h1>[[title]]</h1><p id="said" role="status"></p><p id="wrong" role="alert"></p>
"""
SCRIPT = """
const token = location.hash.slice(1);
const at = (id) => document.getElementById(id);
const faults = {link_over: "[[over]]", not_found: "[[over]]", rate_limited: "[[often]]"};

async function ask(path, body) {
  const headers = {"Content-Type": "application/json"};
  const answer = await fetch(path, {method: "POST", body: JSON.stringify(body), headers});
  if (answer.ok) return;
  const told = await answer.json();
  throw new Error(faults[told.code] || told.detail || told.title);
}
function whenSent(id, path, said) {
  at(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    at("wrong").textContent = "";
    button.disabled = true;
    try {
      await ask(path, {...(token && {token}), ...Object.fromEntries(new FormData(event.target))});
      event.target.hidden = true;
      history.replaceState(null, "", location.pathname);
      at("said").textContent = said;
    } catch (error) {
      at("wrong").textContent = error.message;
    }
    button.disabled = false;
  });
}
// Another link in the same window only changes what follows the `#`.
addEventListener("hashchange", () => location.reload());
"""
# Where nothing is said here, the page says what the answer says, in English.
FAULTS = {
    "en": {
        "over": "This link does not hold any more: ask for a new one.",
        "often": "Too many attempts: wait a little before the next one.",
    },
    "de": {
        "over": "Dieser Link gilt nicht mehr: Fordern Sie einen neuen an.",
        "often": "Zu viele Versuche: Warten Sie ein wenig vor dem nächsten.",
    },
}

RESET = in_each_language(
    HEAD
    + """<form id="ask" hidden><p>[[sends]]</p>
<label>[[email]]<input name="email" type="email" autocomplete="username" required></label>
<button>[[send]]</button></form>
<form id="choose" hidden>
<label>[[password]]<input name="password" type="password" autocomplete="new-password"
 minlength="10" maxlength="200" required></label>
<button>[[change]]</button></form></main>
<script>"""
    + SCRIPT
    + """
faults.password_too_weak = "[[weak]]";
whenSent("ask", "/v1/auth/password-reset", "[[sent]]");
whenSent("choose", "/v1/auth/password-reset/confirm", "[[changed]]");
at(token ? "choose" : "ask").hidden = false;
</script></html>""",
    {
        "en": FAULTS["en"]
        | {
            "title": "A new password",
            "sends": "We send a link to the address of your account.",
            "email": "E-mail",
            "send": "Send me a link",
            "password": "Choose a new password",
            "change": "Change the password",
            "weak": "",
            "sent": "If there is an account with this address, a mail is on its way to it.",
            "changed": "Your password is changed, and you are signed out everywhere."
            " Sign in with the new one.",
        },
        "de": FAULTS["de"]
        | {
            "title": "Ein neues Passwort",
            "sends": "Wir senden einen Link an die Adresse Ihres Kontos.",
            "email": "E-Mail",
            "send": "Link senden",
            "password": "Wählen Sie ein neues Passwort",
            "change": "Passwort ändern",
            "weak": "Dieses Passwort ist zu leicht zu erraten: Nehmen Sie ein längeres aus mehreren"
            " Wörtern, die nichts miteinander zu tun haben.",
            "sent": "Wenn es ein Konto mit dieser Adresse gibt, ist eine E-Mail dorthin unterwegs.",
            "changed": "Ihr Passwort ist geändert, und Sie sind überall abgemeldet."
            " Melden Sie sich mit dem neuen an.",
        },
    },
)
VERIFICATION = in_each_language(
    HEAD
    + """<form id="confirm" hidden><p>[[yours]]</p>
<button>[[mine]]</button></form></main>
<script>"""
    + SCRIPT
    + """
whenSent("confirm", "/v1/auth/verify-email", "[[proved]]");
if (token) at("confirm").hidden = false;
else at("wrong").textContent = "[[incomplete]]";
</script></html>""",
    {
        "en": FAULTS["en"]
        | {
            "title": "Your e-mail address",
            "yours": "Is the address yours that this link was sent to?",
            "mine": "Yes, it is mine",
            "proved": "Thank you: your address is confirmed.",
            "incomplete": "This link is not complete: copy all of it.",
        },
        "de": FAULTS["de"]
        | {
            "title": "Ihre E-Mail-Adresse",
            "yours": "Gehört Ihnen die Adresse, an die dieser Link gesendet wurde?",
            "mine": "Ja, sie gehört mir",
            "proved": "Vielen Dank: Ihre Adresse ist bestätigt.",
            "incomplete": "Dieser Link ist nicht vollständig: Kopieren Sie ihn ganz.",
        },
    },
)
