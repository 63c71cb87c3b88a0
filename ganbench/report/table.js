"use strict";
// A column's title sorts the table by it; what has no value stays last either way.
const tables = document.querySelectorAll("table.sortable");
for (const table of tables) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.key;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows);
  }));
}
// The filter keeps the lines that hold every word, and obey every bound: the column is the first that starts so.
const filter = document.getElementById("filter");
const bound = /^([^<>=]+)(<=|>=|<|>|=)(-?[\d.]+)$/;
const obeys = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };
const holds = (row, titles, term) => {
  const [, name, sign, limit] = bound.exec(term) ?? [];
  const column = sign === undefined ? -1 : titles.findIndex((title) => title.startsWith(name));
  if (column < 0) return row.textContent.toLowerCase().includes(term);
  const key = row.cells[column].dataset.key;
  return key !== "" && obeys[sign](Number(key), Number(limit));
};
const narrow = () => {
  const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = new Map();
  let [count, shown] = [0, 0];
  for (const table of tables) {
    const titles = [...table.tHead.rows[0].cells].map((head) => head.textContent.replace(/\s+/g, "").toLowerCase());
    for (const row of table.tBodies[0].rows) {
      row.hidden = !terms.every((term) => holds(row, titles, term));
      count += 1;
      shown += !row.hidden;
      if (row.dataset.entry) kept.set(row.dataset.entry, !row.hidden);
    }
  }
  for (const other of document.querySelectorAll("[data-entry]:not(tr)")) {
    const out = kept.get(other.dataset.entry) === false;
    if (other.tagName === "DETAILS") other.hidden = out;
    else other.classList.toggle("out", out);
  }
  document.querySelector("output[for=filter]").textContent = terms.length ? `${shown} of ${count} lines` : "";
};
if (filter !== null) {
  filter.closest(".filter").hidden = false;
  filter.addEventListener("input", narrow);
}
