// Pictures stand at the end of the file, and are decoded shortly before they come into sight.
const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return `data:image/svg+xml,${encodeURIComponent(await new Response(stream).text())}`;
};
const show = async (image) => {
  if (image.dataset.picture === undefined) return;
  const text = document.getElementById(`picture-${image.dataset.picture}`).content.textContent;
  image.src = text.startsWith("gzip:") ? await unpack(text.slice(5)) : text;
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
const enlarge = (picture) => {
  const large = document.createElement("div");
  large.className = "large";
  large.append(...[...picture.children].map((child) => child.cloneNode(true)));
  const image = large.querySelector("img");
  image.removeAttribute("height");
  image.removeAttribute("style");
  stage.replaceChildren(large);
  viewer.showModal();
  large.style.width = `${Math.max(stage.clientWidth, 2 * image.getAttribute("width"))}px`;
  stage.scrollTo(0, 0);
};
for (const picture of document.querySelectorAll(".picture")) {
  const image = picture.querySelector("img");
  picture.addEventListener("click", () => {
    if (image.dataset.picture === undefined) enlarge(picture);
    else show(image).then(() => enlarge(picture));
  });
}
for (const button of viewer.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const large = stage.querySelector(".large");
    large.style.width = `${Math.max(64, large.clientWidth * Number(button.dataset.zoom))}px`;
  });
}
// A dot or a name leads to its entry, which opens.
const reveal = (hash) => {
  const entry = document.getElementById(hash.slice(1));
  if (entry !== null && entry.tagName === "DETAILS") {
    entry.hidden = false;
    entry.open = true;
    entry.scrollIntoView();
  }
};
addEventListener("hashchange", () => reveal(location.hash));
for (const link of document.querySelectorAll("a[href^='#entry-']")) {
  link.addEventListener("click", () => reveal(link.hash ?? link.getAttribute("href")));
}
reveal(location.hash);
// What is pointed at in one picture is marked in the others.
const mark = (target, on) => {
  const entry = target.closest?.("[data-entry]:not(details)")?.dataset.entry;
  if (entry === undefined) return;
  for (const one of document.querySelectorAll(`[data-entry="${entry}"]`)) one.classList.toggle("on", on);
};
for (const [start, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(start, (event) => mark(event.target, true));
  document.addEventListener(end, (event) => mark(event.target, false));
}
