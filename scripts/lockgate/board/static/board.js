// Each page works without this; with it, it follows what happens. Nothing that arrives becomes markup: see textContent,
// and the parts of a page that are read anew come as a document whose scripts cannot run.
import { Live } from "./live.js";

const body = document.body, page = body.dataset.live;
const link = document.getElementById("link"), news = document.getElementById("news");
const NAMES = { on: "Live", late: "Not live", off: "Offline", out: "Signed out" };
let since = null, patience = 0;

function state(name) {
  link.className = `link ${name}`;
  since = name === "on" ? null : since ?? new Date();
  const text = link.querySelector(".text"), at = since?.toTimeString().slice(0, 8);
  clearTimeout(patience);
  if (name === "on") { text.textContent = NAMES.on; return; }
  // A moment without a connection is nothing to worry anybody with.
  text.textContent = name === "late" && new Date() - since < 8000 ? "Reconnecting…" : `${NAMES[name]} since ${at}`;
  if (name === "late") patience = setTimeout(() => state("late"), 8000);
}

function ages() {
  for (const time of document.querySelectorAll("time[title]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(time.dateTime)) / 1000));
    const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
    const at = units.findIndex(([size]) => seconds >= size);
    if (at < 0) { time.textContent = "just now"; continue; }
    const [size, unit] = units[at], [rest, smaller] = units[at + 1] ?? [1, ""];
    const more = smaller ? Math.floor((seconds % size) / rest) : 0;
    time.textContent = `${Math.floor(seconds / size)}${unit}${more ? ` ${more}${smaller}` : ""} ago`;
  }
}

function tell(text) {
  news.querySelector(".text").textContent = text;
  news.querySelector("a").href = location.href;
  news.hidden = false;
}

// Read the page again and exchange the parts that differ, so that neither the focus nor the place on the page is lost.
let reading = null, wanted = false;
function refresh(least = 500, spread = 1000) {
  wanted = true;
  reading ??= setTimeout(() => {
    wanted = false;
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onload = () => {
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = request.response?.querySelector(`[data-part="${part.dataset.part}"]`);
        if (fresh && !fresh.isEqualNode(part) && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(fresh));
      }
      ages();
    };
    request.onloadend = () => { reading = null; if (wanted) refresh(1000, 1000); };
    request.send();
  }, least + Math.random() * spread);
}

// What an environment has that the one after it has not: as the server says it, from what the page shows now.
function drift(service) {
  let before = null;
  for (const one of document.querySelectorAll(".cell")) {
    if (one.dataset.service !== service) continue;
    const of = (cell, name) => cell.querySelector(`[data-field="${name}"]`)?.textContent ?? "";
    const shown = one.querySelector('[data-field="drift"]');
    const differs = before && of(one, "version") && (of(before, "commit") !== of(one, "commit") || of(before, "version") !== of(one, "version"));
    shown.hidden = !differs;
    if (differs) {
      const link = shown.querySelector("a"), from = before.dataset.environment;
      link.textContent = `${from} has ${of(before, "version")}`;
      link.href = `/compare?${new URLSearchParams({ service, from, to: one.dataset.environment })}`;
    }
    if (of(one, "version")) before = one;
  }
}

// What the scan of the release that serves now found: it was told when its rollout began.
function finding(shown, { finding: words, severity, found: at }) {
  shown.hidden = !words;
  if (!words) return;
  shown.className = `finding ${severity}`;
  shown.querySelector(".text").textContent = words;
  shown.querySelector("time").dateTime = at;
}

function cell(event) {
  const found = [...document.querySelectorAll(".cell")].find(
    (one) => one.dataset.service === event.service && one.dataset.environment === event.environment);
  if (!found) { tell(`${event.service} in ${event.environment} is new here.`); return; }
  const field = (name) => found.querySelector(`[data-field="${name}"]`);
  const going = field("going");
  if (event.kind === "rollout.finished") {
    going.hidden = true;
    const serving = event.serving;
    if (serving?.version && field("version")) {
      field("version").textContent = serving.version;
      field("version").href = `/rollouts/${encodeURIComponent(event.rollout)}`;
      field("commit").textContent = serving.commit.slice(0, 9);
      field("at").dateTime = event.at;
      const health = event.outcome === "broken" ? "broken" : !serving.verified ? "unverified" : event.outcome === "rolled_back" ? "restored" : "verified";
      found.className = `cell ${health}`;
      field("health").className = `badge ${health}`;
      field("health").textContent = health;
      if (found.dataset.by) field("by").textContent = found.dataset.by;
      if (event.outcome === "deployed") finding(field("finding"), found.dataset);
      drift(event.service);
    } else tell(`The first rollout of ${event.service} in ${event.environment} has ended.`);
    ages();
  } else {
    going.hidden = false;
    going.querySelector("a").href = `/rollouts/${encodeURIComponent(event.rollout)}`;
    if (event.version) field("going-version").textContent = event.version;
    if (event.by) found.dataset.by = event.by;
    if (event.kind === "rollout.started") {
      const { words, severity, at } = event.found ?? {};
      for (const [name, value] of Object.entries({ finding: words, severity, found: at })) {
        if (value) found.dataset[name] = value; else delete found.dataset[name];
      }
    }
    field("going-text").textContent = event.text;
  }
  found.classList.remove("changed");
  requestAnimationFrame(() => found.classList.add("changed"));
}

let count = 0;
const heard = {
  environments: cell,
  rollout: (event) => { if (event.rollout === body.dataset.rollout) refresh(); },
  history: (event) => { if (["rollout.started", "rollout.finished"].includes(event.kind)) tell(`${++count} change${count > 1 ? "s" : ""} since this page was read.`); },
  approvals: (event) => { if (["rollout.started", "rollout.finished"].includes(event.kind)) refresh(1000, 4000); },
  compare: (event) => { if (event.kind === "rollout.finished") refresh(1000, 4000); },
};

if (page) {
  const { service, environment, rollout } = body.dataset;  // what the page is about: nothing else is told to it
  const room = { service, environment, rollout };
  new Live(body.dataset.head, room, {
    heard: heard[page],
    state,
    resync: () => (page === "environments" ? tell("This page missed something.") : refresh(0, 5000)),
  });
} else link.hidden = true;
// A watch that goes on is no event: while somebody looks, ask how it goes.
if (page === "rollout") setInterval(() => { if (!document.hidden && document.querySelector("header .badge.in_progress")) refresh(0, 500); }, 2000);
setInterval(ages, 30000);

// A page that was made while the ledger was away looks whether it is back, and keeps what it shows until there is better.
function look() {
  const again = () => setTimeout(look, 2000 + Math.random() * 4000);
  if (document.hidden) { again(); return; }
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.onload = () => {
    const fresh = request.response, main = document.getElementById("main"), stale = document.getElementById("stale");
    if (request.status !== 200 || !fresh?.getElementById("main") || fresh.getElementById("stale")) { again(); return; }
    if (!stale) { location.reload(); return; }
    // What somebody is typing is not taken from them: the next look exchanges it.
    if (main.querySelector(":focus")) { again(); return; }
    main.replaceChildren(...document.adoptNode(fresh.getElementById("main")).childNodes);
    stale.remove();
    ages();
  };
  request.onerror = again;
  request.send();
}
if (document.getElementById("stale") || document.querySelector(".code")?.textContent === "503") setTimeout(look, 1000 + Math.random() * 2000);
