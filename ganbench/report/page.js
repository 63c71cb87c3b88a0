"use strict";
// A column's title sorts the table by it; what has no value stays last either way.
for (const table of document.querySelectorAll("table.sortable")) {
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
// Pictures stand at the end of the file, and are decoded shortly before they come into sight.
const show = (image) => {
  if (image.dataset.picture === undefined) return;
  image.src = document.getElementById(`picture-${image.dataset.picture}`).content.textContent;
  delete image.dataset.picture;
};
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (isIntersecting) { near.unobserve(target); show(target); }
  }
}, { rootMargin: "600px" });
const waiting = document.querySelectorAll("[data-picture]");
waiting.forEach((image) => near.observe(image));
addEventListener("beforeprint", () => waiting.forEach(show));
// A picture opens in the viewer, as wide as the window or twice its own size; Escape closes it.
const viewer = document.getElementById("viewer");
const stage = viewer.querySelector(".stage");
for (const picture of document.querySelectorAll(".picture")) {
  picture.addEventListener("click", () => {
    show(picture.querySelector("img"));
    const image = picture.querySelector("img").cloneNode();
    image.removeAttribute("height");
    stage.replaceChildren(image);
    viewer.showModal();
    image.style.width = `${Math.max(stage.clientWidth, 2 * image.width)}px`;
    stage.scrollTo(0, 0);
  });
}
for (const button of viewer.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const image = stage.querySelector("img");
    image.style.width = `${Math.max(64, image.clientWidth * Number(button.dataset.zoom))}px`;
  });
}
