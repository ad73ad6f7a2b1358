// What the pages do beyond links and forms. Everything here is an extra: without it they still show all there is.
"use strict";

const player = document.getElementById("gravacao");
const turns = document.getElementById("falas");

// A click on a turn plays it.
document.addEventListener("click", (event) => {
  const seek = event.target.closest(".turn");
  if (player && seek && !window.getSelection().toString()) {
    player.currentTime = Number(seek.querySelector("[data-seek]").dataset.seek);
    player.play();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy && navigator.clipboard) {
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      const before = copy.textContent;
      copy.textContent = "Copiado";
      setTimeout(() => { copy.textContent = before; }, 1500);
    });
  }
});

// A click on the wave plays from there.
const wave = document.getElementById("onda");
if (player && wave) {
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    if (player.duration) player.currentTime = (event.clientX - box.left) / box.width * player.duration;
    player.play();
  });
}

// The turn that is being heard is marked.
if (player && turns) {
  player.addEventListener("timeupdate", () => {
    if (player.duration) document.getElementById("cursor").value = player.currentTime / player.duration;
    let now = null;
    for (const turn of turns.children) {
      turn.classList.remove("now");
      if (Number(turn.querySelector("[data-seek]").dataset.seek) <= player.currentTime + 0.05) now = turn;
    }
    if (now && !player.paused) now.classList.add("now");
  });
}

// The list follows the calls: it is read again, at most once a second, when one begins or ends.
if (document.body.dataset.live) {
  const events = new EventSource(document.body.dataset.live);
  let planned = false;
  const refresh = () => {
    if (planned) return;
    planned = true;
    setTimeout(async () => {
      planned = false;
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.getElementById("vivo").replaceWith(page.getElementById("vivo"));
    }, 1000);
  };
  for (const name of ["started", "agreement", "ended", "reload"]) events.addEventListener(name, refresh);
}

// The transcript of a call that is going on grows turn by turn.
if (document.body.dataset.transcript) {
  const events = new EventSource(document.body.dataset.transcript);
  const partial = document.getElementById("parcial");
  const speakers = { agent: "Agente", debtor: "Cliente", system: "Sistema" };
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  events.addEventListener("turn", (event) => {
    const { turn } = JSON.parse(event.data);
    if (turns.querySelector(`[data-n="${Number(turn.n)}"]`)) return;
    const seconds = Math.floor(turn.t0_ms / 1000);
    const item = element("li", `turn ${turn.who}`);
    item.dataset.n = turn.n;
    const seek = element("button", "seek", `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    seek.type = "button";
    seek.dataset.seek = turn.t0_ms / 1000;
    const said = element("div", "said");
    const text = element("p", "text");
    text.append(element("b", "", speakers[turn.who]), ` ${turn.text}`);
    const meta = element("p", "meta");
    meta.append(element("span", "", turn.state));
    if (turn.meaning) meta.append(element("span", "meaning", turn.meaning));
    if (turn.confidence != null) meta.append(element("span", "", `${Math.round(turn.confidence * 100)} %`));
    if (turn.latency) meta.append(element("span", "", `${turn.latency.total_ms} ms`));
    said.append(text, meta);
    item.append(seek, said);
    turns.append(item);
    partial.textContent = "Chamada em andamento…";
  });
  events.addEventListener("partial", (event) => {
    const { who, text } = JSON.parse(event.data);
    partial.textContent = `${speakers[who]}: ${text}…`;
  });
  // Recording, agreement and tabulation are there now.
  for (const name of ["ended", "reload"]) {
    events.addEventListener(name, () => { events.close(); setTimeout(() => location.reload(), 800); });
  }
}
