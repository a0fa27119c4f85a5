"""The page that shows kept messages as the people would see them that they are meant for."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Message outbox</title>
<style>
:root{color-scheme:light dark;--paper:#fff;--desk:#eef1f4;--line:#d5dce3;--ink:#182028;
--quiet:#55636f;--link:#0b5c8e;--mark:#e3effa;--sms:#d9f2e1;--smsink:#10301c}
@media (prefers-color-scheme:dark){:root{--paper:#1f252b;--desk:#14181c;--line:#3a434c;
--ink:#e8edf1;--quiet:#a9b4be;--link:#7cc4f2;--mark:#22384a;--sms:#1f4a30;--smsink:#e6f6ec}}
*{box-sizing:border-box}[hidden]{display:none!important}
body{margin:0;font:15px/1.45 system-ui,sans-serif;background:var(--desk);color:var(--ink)}
header{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;padding:.7rem 1rem;
background:var(--paper);border-bottom:1px solid var(--line)}
h1{font-size:1.15rem;margin:0 auto 0 0}h2{font-size:1.15rem;margin:0 0 .6rem}
input,button{min-height:44px;font:inherit;color:inherit;padding:.35rem .7rem;
border:1px solid var(--line);border-radius:6px;background:var(--paper)}button{cursor:pointer}
button[aria-pressed=true],button[aria-current=true]{background:var(--mark);border-color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}a{color:var(--link)}
main{display:grid;grid-template-columns:minmax(16rem,22rem) 1fr;gap:1rem;padding:1rem;
align-items:start}
#list{list-style:none;margin:0;padding:0;display:grid;gap:.4rem;max-height:88vh;overflow:auto}
#list button{width:100%;text-align:left;display:grid;gap:.1rem;padding:.55rem .7rem}
.one{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.quiet{color:var(--quiet);font-size:.85rem}.kind{float:right;font-size:.75rem;padding:0 .4rem;
border:1px solid var(--line);border-radius:1rem;color:var(--quiet);margin-left:.5rem}
#message{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:1rem;
min-width:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .8rem;margin:0 0 .9rem}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.bar{display:flex;flex-wrap:wrap;gap:.4rem;margin:0 0 .8rem}
iframe{display:block;width:100%;height:74vh;min-height:560px;border:1px solid var(--line);
border-radius:6px;background:#fff;margin:0 auto}iframe.phone{width:377px;max-width:100%}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.5 ui-monospace,monospace;margin:0;
padding:1rem;border:1px solid var(--line);border-radius:6px;background:var(--desk)}
.event{border:1px solid var(--line);border-left:5px solid #1b7f4b;border-radius:6px;
padding:.8rem 1rem;margin:0 0 .8rem}.event.off{border-left-color:#b3261e}
.event.off .what{text-decoration:line-through}.what{font-weight:600;font-size:1.05rem}
.phone-screen{max-width:377px;margin:0 auto;padding:1.2rem .9rem 1.6rem;border-radius:22px;
border:1px solid var(--line);background:var(--desk)}
.bubble{background:var(--sms);color:var(--smsink);border-radius:16px 16px 16px 4px;
padding:.6rem .8rem;margin:.5rem 2rem .2rem 0;overflow-wrap:anywhere;white-space:pre-wrap}
[role=alert]{color:#b3261e;font-weight:600}form{display:flex;flex-wrap:wrap;gap:.5rem}
@media (max-width:760px){main{grid-template-columns:minmax(0,1fr)}#list{max-height:38vh}}
</style>
<header><h1>Message outbox</h1>
<label>To <input id="to" type="search" placeholder="anybody" autocomplete="off"></label>
<button id="again">Look again</button><span id="count" class="quiet" role="status"></span></header>
<p id="wrong" role="alert" style="margin:0 1rem"></p>
<form id="sign" hidden style="margin:1rem">
<p style="width:100%;margin:0">Sign in as an administrator of the platform.</p>
<input name="username" type="email" aria-label="E-mail" placeholder="E-mail"
 autocomplete="username" required>
<input name="password" type="password" aria-label="Password" placeholder="Password"
 autocomplete="current-password" required><button>Sign in</button></form>
<main hidden id="main"><nav aria-label="Messages"><ul id="list"></ul></nav>
<article id="message" aria-live="polite"></article></main>
<script>
const at = (id) => document.getElementById(id);
let token = "", items = [], chosen = "", view = "seen", width = "wide";

function made(name, about = {}, ...inside) {
  const {text, ...more} = about;
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(more)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  one.append(...inside);
  return one;
}
const time = (text) => new Date(text).toLocaleString([], {year: "numeric", month: "short",
  day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short"});
const person = (name, address) => name ? `${name} <${address}>` : address;

async function look() {
  at("wrong").textContent = "";
  const to = at("to").value.trim();
  const query = to ? `?limit=200&to=${encodeURIComponent(to)}` : "?limit=200";
  const headers = token ? {Authorization: `Bearer ${token}`} : {};
  try {
    const answer = await fetch(`/v1/dev/outbox${query}`, {headers});
    const told = await answer.json();
    if (answer.status === 401 || answer.status === 403) {
      at("sign").hidden = false;
      at("main").hidden = true;
      if (token) throw new Error(told.detail || told.title);
      return;
    }
    if (!answer.ok) throw new Error(told.detail || told.title);
    items = told.items;
    at("sign").hidden = true;
    at("main").hidden = false;
    at("count").textContent = items.length === 1 ? "1 message" : `${items.length} messages`;
    if (!items.some((one) => one.id === chosen)) chosen = items.length ? items[0].id : "";
    list();
    show();
  } catch (error) {
    at("wrong").textContent = error.message;
  }
}

function list() {
  at("list").replaceChildren(...items.map((one) => {
    const button = made("button", {"aria-current": String(one.id === chosen)},
      made("span", {class: "one", text: one.subject || one.text}),
      made("span", {class: "one quiet", text: person(one.to_name, one.to)}),
      made("span", {class: "quiet", text: time(one.sent_at)},
        made("span", {class: "kind", text: one.channel === "sms" ? "SMS" : "E-mail"}))
    );
    button.addEventListener("click", () => {
      chosen = one.id;
      for (const other of at("list").querySelectorAll("button"))
        other.setAttribute("aria-current", String(other === button));
      show();
    });
    return made("li", {}, button);
  }));
}

function pressed(name, is, then) {
  const button = made("button", {"aria-pressed": String(is), text: name});
  button.addEventListener("click", () => {
    then();
    show();
    for (const one of at("message").querySelectorAll(".bar button"))
      if (one.textContent === name) one.focus();
  });
  return button;
}

function facts(rows) {
  const found = rows.filter((row) => row[1]);
  return made("dl", {}, ...found.flatMap(([name, value]) =>
    [made("dt", {text: name}), made("dd", {}, value)]));
}

function links(one) {
  const found = [...new Set(one.text.match(/https?:\\/\\/[^\\s<>"]+/g) || [])];
  return found.length && made("span", {}, ...found.flatMap((link) =>
    [made("a", {href: link, target: "_blank", rel: "noopener noreferrer", text: link}), " "]));
}

function event(part) {
  const told = part.event;
  if (!told) return made("p", {role: "alert", text: "A calendar could not read this part."});
  const off = told.method === "CANCEL";
  return made("div", {class: off ? "event off" : "event"},
    made("div", {class: "what", text: told.summary}),
    made("div", {text: `${time(told.starts_at)} – ${time(told.ends_at)} (your own clock)`}),
    made("div", {text: told.location || ""}),
    made("p", {class: "quiet", text: `${off ? "Takes the event away" : "Puts in or changes"}: ` +
      `${told.method}, revision ${told.sequence}, ${told.status}`}),
    facts([["Organizer", told.organizer], ["Attendee", told.attendee], ["UID", told.uid],
      ["Says", told.description]]));
}

const isCalendar = (part) => part.content_type.startsWith("text/calendar");

function files(one) {
  const found = one.attachments.filter((part) => !isCalendar(part));
  return found.length ? made("span", {}, ...found.flatMap((part) => {
    const size = `${Math.ceil(part.content.length * 3 / 4096)} KiB`;
    return [made("a", {href: `data:application/pdf;base64,${part.content}`,
      download: part.filename, text: part.filename}), ` (${size}) `];
  })) : null;
}

function mail(one) {
  const heads = facts([["From", one.sender && person(one.sender.name, one.sender.address)],
    ["To", person(one.to_name, one.to)],
    ["Answers to", one.reply_to && person(one.reply_to.name, one.reply_to.address)],
    ["Sent", time(one.sent_at)], ["Unsubscribe", one.unsubscribe_url], ["Links", links(one)],
    ["Files", files(one)]]);
  const calendars = one.attachments.filter(isCalendar);
  const bar = made("div", {class: "bar"},
    pressed("As seen", view === "seen", () => { view = "seen"; }),
    pressed("Text", view === "text", () => { view = "text"; }));
  if (calendars.length)
    bar.append(pressed("Calendar", view === "calendar", () => { view = "calendar"; }));
  const parts = [made("h2", {text: one.subject}), heads, bar];
  if (view === "text") parts.push(made("pre", {text: one.text}));
  else if (view === "calendar" && calendars.length)
    for (const part of calendars) parts.push(event(part), made("pre", {text: part.content}));
  else {
    bar.append(pressed("Telephone", width === "phone",
      () => { width = width === "phone" ? "wide" : "phone"; }));
    const frame = made("iframe", {sandbox: "", title: "The mail", class: width});
    frame.srcdoc = one.html;
    parts.push(frame);
  }
  return parts;
}

function sms(one) {
  const size = one.segments, word = size.segments === 1 ? "segment" : "segments";
  const alphabet = size.alphabet === "gsm_7" ? "GSM-7" : "UCS-2";
  return [facts([["To", one.to], ["Sent", time(one.sent_at)], ["Links", links(one)]]),
    made("div", {class: "phone-screen"}, made("div", {class: "bubble", text: one.text}),
      made("div", {class: "quiet",
        text: `${size.segments} ${word}, ${size.units} units of ${alphabet}`}))];
}

function show() {
  const one = items.find((it) => it.id === chosen);
  at("message").replaceChildren(...(one ? (one.channel === "sms" ? sms(one) : mail(one)) :
    [made("p", {text: "Nothing was kept in the last week."})]));
}

at("again").addEventListener("click", look);
at("to").addEventListener("change", look);
at("sign").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const body = new URLSearchParams({grant_type: "password",
    ...Object.fromEntries(new FormData(submitted.target))});
  const answer = await fetch("/v1/auth/token", {method: "POST", body});
  const told = await answer.json();
  if (answer.ok) { token = told.access_token; look(); }
  else at("wrong").textContent = told.detail || told.title;
});
look();
</script></html>"""
