// The page works without this. Here, its values are refreshed, its lists follow what is typed, and
// PromQL is copied at a click; all of it by asking for the page again, and taking over what differs.

"use strict";

const AT_LEAST = 5000; // milliseconds between two refreshes
const PATIENCE = 20; // times as long as the last answer took
const TYPING = 150; // milliseconds without a key after which somebody has typed enough

const main = document.getElementById("main");
const live = document.getElementById("live");
let asked = 0; // which question is the last one
let timer = 0;

/** Make one element what another is, and leave alone what is alike: focus, selection, open folds. */
function assume(old, fresh) {
  if (old.isEqualNode(fresh)) {
    return;
  }
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") {
      old.removeAttribute(name);
    }
  }
  if (old.childNodes.length === fresh.childNodes.length) {
    const children = [...fresh.childNodes];
    [...old.childNodes].forEach((child, place) => assume(child, children[place]));
    return;
  }
  // Something came or went: what has a name is found again by it.
  const named = new Map([...old.children].filter((each) => each.id).map((each) => [each.id, each]));
  const children = [...fresh.childNodes].map((child) => {
    const known = child.id && named.get(child.id);
    if (known) {
      assume(known, child);
    }
    return known || child;
  });
  old.replaceChildren(...children);
}

function say(text, tone) {
  if (live.textContent !== text) {
    live.textContent = text;
  }
  live.className = tone;
}

/** A time as the reader's own clock shows it, with the date where that is not today's. */
function clock(seconds) {
  const time = new Date(seconds * 1000);
  const isToday = time.toDateString() === new Date().toDateString();
  return time.toLocaleString([], { dateStyle: isToday ? undefined : "medium", timeStyle: "short" });
}

/** Say how live it is what is shown: the page knows. */
function sayHowLive() {
  const known = main.querySelector("[data-live]");
  if (known) {
    const { live: text, tone, from } = known.dataset;
    say(from ? `${text}, from ${clock(from)}` : text, tone);
  } else {
    say("", "");
  }
}

/** Ask for an address of the page, and show what it says. */
async function show(address) {
  const number = ++asked;
  const started = performance.now();
  clearTimeout(timer);
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (number !== asked) {
      return;
    }
    if (!answer.ok && answer.status !== 404) {
      throw new Error(`status ${answer.status}`);
    }
    const fresh = new DOMParser().parseFromString(text, "text/html");
    document.title = fresh.title;
    assume(main, fresh.getElementById("main"));
    const search = document.getElementById("q");
    if (search && search !== document.activeElement) {
      search.value = search.defaultValue;
    }
    sayHowLive();
  } catch {
    if (number !== asked) {
      return;
    }
    say("The exporter does not answer", "bad");
  }
  const pause = Math.max(AT_LEAST, PATIENCE * (performance.now() - started));
  timer = setTimeout(refresh, pause);
}

function refresh() {
  if (document.visibilityState === "visible") {
    show(location.href);
  }
}

/** Go to an address of the page without leaving it. */
function go(address, remember) {
  history[remember ? "pushState" : "replaceState"](null, "", address);
  return show(address);
}

let typing = 0;

document.addEventListener("input", (event) => {
  if (event.target.id === "q") {
    clearTimeout(typing);
    typing = setTimeout(() => {
      const fields = new URLSearchParams(new FormData(event.target.form));
      if (!fields.get("q")) {
        fields.delete("q");
      }
      const query = fields.toString();
      go(query ? `./?${query}` : "./", false);
    }, TYPING);
  }
});

document.addEventListener("submit", (event) => {
  event.preventDefault(); // what is typed is sought already
});

async function copy(text, code) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have no clipboard for what comes without TLS; the old way works there.
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
  return true;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("dd button");
  if (button) {
    const code = button.parentElement.querySelector("code");
    const done = await copy(code.textContent, code);
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
    return;
  }
  const link = event.target.closest("main .rooms a");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    go(link.getAttribute("href"), true);
  }
});

addEventListener("popstate", () => show(location.href));
document.addEventListener("visibilitychange", refresh);

document.documentElement.classList.add("scripted");
sayHowLive();
timer = setTimeout(refresh, AT_LEAST);
