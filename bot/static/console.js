// What the console does beside its pages, which work without: news are told, sentences are played.
"use strict";

const EVERY = 8000;

function watch(place) {
  let first = "";
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(place.dataset.pulse, { redirect: "manual" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const word = await answer.text();
    if (!first) first = word;
    if (word === first || place.childElementCount) return;
    const english = document.documentElement.lang === "en";
    const link = document.createElement("a");
    link.href = location.href;
    link.className = "news";
    link.textContent = english ? "There is something new. Show it" : "새 소식이 있어요. 보기";
    place.setAttribute("role", "status");
    place.append(link);
    // A page on which nothing was begun is simply shown anew.
    const busy = document.querySelector("details[open] form, form :focus, form.dirty");
    if (!busy) location.reload();
  };
  look();
  setInterval(look, EVERY);
}

document.querySelectorAll("[data-pulse]").forEach(watch);
document.addEventListener("input", (event) => event.target.form?.classList.add("dirty"));

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-player]");
  const player = link && document.getElementById(link.dataset.player);
  if (!player) return;
  event.preventDefault();
  const begin = () => {
    player.currentTime = Number(link.dataset.at);
    player.play();
  };
  if (player.readyState > 0) begin();
  else {
    player.addEventListener("loadedmetadata", begin, { once: true });
    player.load();
  }
});
