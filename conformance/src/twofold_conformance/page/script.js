"use strict";
(() => {
  const form = document.querySelector(".filters");
  const body = document.querySelector(".clauses tbody");
  const count = form.querySelector("output");
  const rows = [...body.rows].map((row, position) => ({
    row,
    position,
    area: row.dataset.area,
    level: row.dataset.level,
    standings: row.dataset.standings.split("|"),
    disagreement: Number(row.dataset.disagreement),
    text: row.textContent.toLowerCase(),
  }));
  const field = (name) => form.elements[name];
  const matches = (entry, wanted) => {
    if (wanted.area && entry.area !== wanted.area) return false;
    if (wanted.level && entry.level !== wanted.level) return false;
    if (wanted.disputed && entry.disagreement === 0) return false;
    const seen = wanted.made === "" ? entry.standings : [entry.standings[Number(wanted.made)]];
    if (wanted.verdict && !seen.includes(wanted.verdict)) return false;
    return wanted.words.every((word) => entry.text.includes(word));
  };
  const names = ["search", "area", "level", "made", "verdict", "order"];
  const remember = () => {
    const kept = new URLSearchParams();
    for (const name of names) if (field(name).value) kept.set(name, field(name).value);
    if (field("disputed").checked) kept.set("disputed", "1");
    const text = kept.toString();
    try {
      history.replaceState(null, "", text ? `#?${text}` : "#");
    } catch (error) {
      /* a page opened in a sandbox keeps its address */
    }
  };
  const apply = (remembering = true) => {
    const wanted = {
      area: field("area").value,
      level: field("level").value,
      made: field("made").value,
      verdict: field("verdict").value,
      disputed: field("disputed").checked,
      words: field("search").value.toLowerCase().split(/\s+/).filter(Boolean),
    };
    let shown = 0;
    for (const entry of rows) {
      entry.row.hidden = !matches(entry, wanted);
      shown += entry.row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} clauses`;
    if (remembering) remember();
  };
  const order = () => {
    const disputed = field("order").value === "disagreement";
    const sorted = [...rows].sort((a, b) => (disputed ? b.disagreement - a.disagreement : 0) || a.position - b.position);
    body.append(...sorted.map((entry) => entry.row));
  };
  const open = () => {
    const target = location.hash.startsWith("#?") ? null : document.getElementById(location.hash.slice(1));
    if (!target || !body.contains(target)) return;
    const row = target.closest("tr");
    row.hidden = false;
    row.querySelector("details").open = true;
    target.scrollIntoView();
  };
  form.addEventListener("input", () => { order(); apply(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { order(); apply(); }));
  body.addEventListener("click", (event) => {
    const link = event.target.closest("a.verdict");
    if (!link) return;
    event.preventDefault();
    const details = link.closest("tr").querySelector("details");
    details.open = true;
    const target = document.getElementById(link.hash.slice(1));
    target.scrollIntoView({ block: "nearest" });
    target.focus({ preventScroll: true });
  });
  for (const button of document.querySelectorAll(".areas button")) {
    button.addEventListener("click", () => {
      field("area").value = button.dataset.area;
      apply();
      form.scrollIntoView();
    });
  }
  if (location.hash.startsWith("#?")) {
    const kept = new URLSearchParams(location.hash.slice(2));
    for (const name of names) if (kept.has(name)) field(name).value = kept.get(name);
    field("disputed").checked = kept.has("disputed");
  }
  form.hidden = false;
  order();
  apply(false);
  window.addEventListener("hashchange", open);
  open();
})();
