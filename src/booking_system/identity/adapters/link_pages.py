"""The pages on which the links of mails end, for clinics without a front end.

A page changes nothing by being looked at: programs that try links out press no button.
"""

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>TITLE</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin:.6rem 0}input{display:block;font:inherit;width:100%;padding:.4rem;
box-sizing:border-box}button{font:inherit;padding:.4rem 1rem}[role=alert]{color:#a00}</style>
<main><h1>TITLE</h1><p id="said" role="status"></p><p id="wrong" role="alert"></p>
"""
SCRIPT = """
const token = location.hash.slice(1);
const at = (id) => document.getElementById(id);

async function ask(path, body) {
  const headers = {"Content-Type": "application/json"};
  const answer = await fetch(path, {method: "POST", body: JSON.stringify(body), headers});
  if (answer.ok) return;
  const told = await answer.json();
  throw new Error(told.detail || told.title);
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

RESET = (
    HEAD.replace("TITLE", "A new password")
    + """<form id="ask" hidden><p>We send a link to the address of your account.</p>
<label>E-mail<input name="email" type="email" autocomplete="username" required></label>
<button>Send me a link</button></form>
<form id="choose" hidden>
<label>Choose a new password<input name="password" type="password" autocomplete="new-password"
 minlength="10" maxlength="200" required></label>
<button>Change the password</button></form></main>
<script>"""
    + SCRIPT
    + """
whenSent("ask", "/v1/auth/password-reset",
  "If there is an account with this address, a mail is on its way to it.");
whenSent("choose", "/v1/auth/password-reset/confirm",
  "Your password is changed, and you are signed out everywhere. Sign in with the new one.");
at(token ? "choose" : "ask").hidden = false;
</script></html>"""
)
VERIFICATION = (
    HEAD.replace("TITLE", "Your e-mail address")
    + """<form id="confirm" hidden><p>Is the address yours that this link was sent to?</p>
<button>Yes, it is mine</button></form></main>
<script>"""
    + SCRIPT
    + """
whenSent("confirm", "/v1/auth/verify-email", "Thank you: your address is confirmed.");
if (token) at("confirm").hidden = false;
else at("wrong").textContent = "This link is not complete: copy all of it.";
</script></html>"""
)
