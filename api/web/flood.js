// The slider through the forecast: recolours the map and the list; asks whether there is news; lets officers act.
"use strict";
(() => {
  const $ = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  };

  // The map at a time.
  const slider = $("#slider"), held = $("#flood-data");
  if (slider && held) {
    const data = JSON.parse(held.textContent);
    const cells = all("[data-cell]"), closed = all("[data-closed]"), rows = all("[data-site]");
    const range = $("#time"), instant = $("#instant");
    const depth = (cm) => (cm < 0 ? "not known" : cm === 0 ? "dry" : cm + " cm");
    const ahead = (minutes) => (minutes < 88 ? minutes + " min" : Math.round(minutes / 30) / 2 + " h");
    const show = () => {
      const at = Number(range.value), kind = Number(new FormData(slider).get("kind"));
      const told = at === 0 ? "Now" : data.labels[at] + ", in " + ahead(data.ahead_min[at]);
      write(instant, told);
      range.setAttribute("aria-valuetext", told);
      cells.forEach((path, n) => path.setAttribute("class", "d" + data.cells[n][kind][at]));
      closed.forEach((group, n) => group.classList.toggle("past", at > data.closed[n]));
      for (const row of rows) {
        const own = data.sites[row.dataset.site], then = $("[data-then]", row);
        then.hidden = at === 0;
        write(then, "Then " + (own ? depth(own[kind][at]) : "dry") + (kind ? " at worst" : ""));
      }
    };
    slider.addEventListener("input", show);
    slider.addEventListener("submit", (event) => event.preventDefault());
    slider.hidden = false;
    show();
  }

  // News: a page at rest is made anew, one in use is told.
  const live = $("#live"), newer = $("#newer");
  let busy = false, failed = 0;
  document.addEventListener("focusin", (event) => { busy = busy || Boolean(event.target.closest(".officers, .waits")); });
  const ask = async () => {
    try {
      const answer = await fetch("/v1/flooding/sites", { method: "HEAD", cache: "no-store" });
      failed = 0;
      const tag = (answer.headers.get("etag") || "").replace(/^W\//, "").replaceAll('"', "");
      if (answer.ok && tag !== live.dataset.etag) {
        if (busy || ($("#time") && $("#time").value !== "0")) newer.hidden = false;
        else location.reload();
      }
    } catch { failed += 1; }
    document.body.classList.toggle("cut", failed > 1);
    write(live, failed > 1 ? "The connection is lost: what is shown is old. Trying again." : "");
  };
  if (live) {
    setInterval(ask, 15000);
    setTimeout(() => { if (!busy && (!$("#time") || $("#time").value === "0")) location.reload(); }, 120000);
    $("button", newer).addEventListener("click", () => location.reload());
  }

  // Officers: the token stays in the tab, and goes nowhere but to this server.
  const panel = $("#officers");
  if (!panel) return;
  const awaiting = $("#awaiting"), override = $("[data-override]"), said = $(".said", panel);
  const TOKEN = "trafficfeed-officer";
  const sent = async (path, body) => {
    const headers = { Authorization: "Bearer " + sessionStorage.getItem(TOKEN) };
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.detail || answer.statusText);
    return told;
  };
  const act = async (path, body) => {
    write(said, "Sending…");
    try {
      const done = await sent(path, body);
      write(said, (done.troubles || []).join(" ") || "Done, and published.");
      if (!(done.troubles || []).length) setTimeout(() => location.reload(), 1500);
    } catch (error) { write(said, "Refused: " + error.message); }
  };
  const reasonForm = (label, then) => {
    const form = make("form"), input = make("input", "wide");
    input.required = true;
    input.maxLength = 500;
    input.placeholder = "Reason, for the audit log";
    input.setAttribute("aria-label", "Reason");
    form.append(input, make("button", "", label));
    form.addEventListener("submit", (event) => { event.preventDefault(); then(input.value); });
    return form;
  };
  const waits = (one) => {
    const row = make("li", "site waits"), told = make("div"), name = make("h3"), link = make("a", "", one.name);
    link.href = "/flooding/" + encodeURIComponent(one.site);
    name.append(link);
    told.append(name, make("p", "level", "Closure awaits approval: not published"), make("p", "", one.reason));
    told.append(reasonForm("Approve and publish", (reason) =>
      act("/v1/flooding/sites/" + encodeURIComponent(one.site) + "/approve", { reason })));
    row.append(make("span", "disc", "!"), told);
    return row;
  };
  const overriding = () => {
    const form = make("form", "levels"), level = make("select"), until = make("select");
    for (const [value, text] of [["closed", "Close"], ["hazard", "Warn"], ["clear", "Open"]]) level.append(new Option(text, value));
    for (const hours of [1, 2, 4, 8, 12]) until.append(new Option("for " + hours + " h", hours));
    const reason = make("input");
    reason.required = true;
    reason.maxLength = 500;
    for (const [text, field, name] of [["Level", level, ""], ["How long", until, ""], ["Reason, for the audit log", reason, "wide"]]) {
      const label = make("label", name, text);
      label.append(field);
      form.append(label);
    }
    form.append(make("button", "", "Order it"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const clock = await (await fetch("/web/clock", { cache: "no-store" })).json(); // ours may be wrong
      const end = new Date(Date.parse(clock.now) + 3600000 * Number(until.value)).toISOString();
      act("/v1/flooding/sites/" + encodeURIComponent(override.dataset.override) + "/override", { level: level.value, until: end, reason: reason.value });
    });
    return form;
  };
  const open = async () => {
    try {
      const found = (await sent("/v1/flooding/awaiting")).awaiting;
      $(".signin", panel).hidden = true;
      write(said, found.length ? "" : "Nothing awaits approval.");
      const mine = override ? found.filter((one) => one.site === override.dataset.override) : found;
      const list = awaiting || panel.appendChild(make("ol", "sites"));
      list.replaceChildren(...mine.map(waits));
      list.hidden = mine.length === 0;
      panel.open = true;
      if (override && !$(".levels", panel)) panel.append(overriding());
    } catch (error) {
      sessionStorage.removeItem(TOKEN);
      write(said, "Not signed in: " + error.message);
    }
  };
  panel.hidden = false;
  $(".signin", panel).addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, new FormData(event.target).get("token"));
    open();
  });
  if (sessionStorage.getItem(TOKEN)) open();
})();
