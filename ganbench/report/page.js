"use strict";
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
