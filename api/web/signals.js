// Live lamps: takes the stream of changes, and counts down to the absolute times in it by the server's clock.
"use strict";
(() => {
  const status = document.getElementById("live");
  if (!status || !window.EventSource) return;

  const LAMP = {
    "unavailable": "off", "dark": "off", "stop-Then-Proceed": "red", "stop-And-Remain": "red",
    "pre-Movement": "redamber", "permissive-Movement-Allowed": "green", "protected-Movement-Allowed": "green",
    "permissive-clearance": "amber", "protected-clearance": "amber", "caution-Conflicting-Traffic": "flash",
  };
  const ASPECT = {
    "unavailable": "not known", "dark": "dark", "stop-Then-Proceed": "flashing red", "stop-And-Remain": "red",
    "pre-Movement": "red and amber", "permissive-Movement-Allowed": "green, give way",
    "protected-Movement-Allowed": "green", "permissive-clearance": "amber", "protected-clearance": "amber",
    "caution-Conflicting-Traffic": "flashing amber",
  };
  const METHOD = {
    "plan": "published plan", "clearance": "known lag after the other green", "analogues": "past cycles alike",
    "actuation": "past greens and the controller's own log", "survival": "past durations",
  };
  const SILENT_MS = 6000; // the stream says every two seconds that it is there
  const RAIL_S = 90;

  const groups = new Map(); // what each group shows, by "junction group"
  const lamps = new Map();
  for (const use of document.querySelectorAll("[data-lamp]")) {
    if (!lamps.has(use.dataset.lamp)) lamps.set(use.dataset.lamp, []);
    lamps.get(use.dataset.lamp).push(use);
  }
  let junction = null;
  for (const key of lamps.keys()) junction = key.slice(0, key.lastIndexOf(" "));
  const rows = [...document.querySelectorAll("[data-group-row]")];

  // The server's clock less ours, by the answer that took the least time; half of that is how wrong it can be.
  let offset = 0, least = Infinity;
  const now = () => Date.now() + offset;
  async function setClock() {
    for (let k = 0; k < 4; k++) {
      try {
        const sent = Date.now();
        const said = await (await fetch("/web/clock", { cache: "no-store" })).json();
        const took = Date.now() - sent;
        if (took <= least) { least = took; offset = Date.parse(said.now) - (sent + took / 2); }
      } catch { /* the next time */ }
    }
    least *= 1.5; // clocks drift: a later answer that is nearly as quick replaces this one
    setTimeout(setClock, 60000);
  }

  let heard = 0, lost = false;
  function take(message) {
    heard = Date.now();
    for (const one of JSON.parse(message.data).intersections || []) {
      for (const group of one.groups) show(one.id, group);
      for (const row of document.querySelectorAll("[data-row]")) if (row.dataset.row === one.id) mark(row, one.id);
    }
    tick();
  }

  function show(id, group) {
    const key = id + " " + group.group;
    groups.set(key, group);
    const lamp = group.stale ? "stale" : LAMP[group.aspect] || "off";
    for (const use of lamps.get(key) || []) use.setAttribute("href", "#lamp-" + lamp);
    if (rows.length) for (const part of document.querySelectorAll(`[data-group="${group.group}"]`)) {
      part.setAttribute("class", "g-" + lamp);
    }
  }

  function mark(row, id) {
    const own = [...groups].filter(([key]) => key.slice(0, key.lastIndexOf(" ")) === id).map(([, group]) => group);
    const silent = own.length > 0 && own.every((group) => group.stale);
    if (row.classList.contains("silence")) row.hidden = !silent;
    else row.classList.toggle("silent", silent);
  }

  const left = (text) => (text ? (Date.parse(text) - now()) / 1000 : null);

  function interval(early, late) {
    if (late === null) return early === null ? "not known" : `not before ${early} s`;
    if (!early) return `within ${late} s`;
    return early === late ? `in ${late} s` : `between ${early} and ${late} s`;
  }

  function saying(group) {
    const said = group && !group.stale && !lost ? group.forecast : null;
    if (!said) return { count: null, interval: "not known", method: "", from: 0, to: 0 };
    const low = left(said.p10), high = left(said.p90), latest = left(said.max_end), likely = left(said.likely_end);
    const end = high !== null && high >= 0 ? high : latest;
    if (end === null || end < 0) return { count: null, interval: "longer than foreseen", method: "", from: 0, to: 0 };
    const begin = low !== null && low > 0 ? low : 0;
    return {
      count: said.countdown_allowed && likely !== null && likely > -1 ? Math.max(Math.ceil(likely), 0) : null,
      interval: interval(Math.floor(begin), Math.ceil(end)),
      method: METHOD[said.method] || "", from: begin, to: end, likely,
    };
  }

  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

  function tick() {
    lost = heard > 0 && Date.now() - heard > SILENT_MS;
    document.body.classList.toggle("cut", lost);
    if (heard) write(status, lost ? "The connection is lost: what is shown is old. Trying again." : status.dataset.live);
    for (const row of rows) {
      const group = groups.get(junction + " " + row.dataset.groupRow);
      if (!group) continue;
      const said = saying(group);
      write(row.querySelector("[data-aspect]"), group.stale ? "silent, last " + ASPECT[group.aspect] : ASPECT[group.aspect] || "not known");
      write(row.querySelector("[data-method]"), said.method ? "; by " + said.method : "");
      write(row.querySelector("[data-count]"), said.count === null ? "" : String(said.count));
      write(row.querySelector("[data-interval]"), said.interval);
      const x = (seconds) => Math.min(Math.max(seconds, 0), RAIL_S) * 10;
      const band = row.querySelector("[data-band]"), mark = row.querySelector("[data-tick]");
      band.setAttribute("x", x(said.from));
      band.setAttribute("width", said.to ? Math.max(x(said.to) - x(said.from), 4) : 0);
      mark.setAttribute("x", said.count === null ? -9 : x(said.likely) - 2);
    }
  }

  function listen() {
    const source = new EventSource(status.dataset.stream);
    for (const name of ["snapshot", "delta"]) source.addEventListener(name, take);
    for (const name of ["hello", "heartbeat"]) source.addEventListener(name, () => { heard = Date.now(); });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(listen, 3000); } // refused: ask again
    });
  }

  setClock();
  listen();
  setInterval(tick, 200);
})();
