// Adds comfort, never function: without it the page has the browser's own player and reloads itself.
"use strict";

const video = document.getElementById("answer");
const play = document.getElementById("play");
const pause = document.getElementById("pause");
if (video && play && pause) {
  // The player's own bar would cover the captions.
  video.controls = false;
  const show = (label) => {
    play.querySelector("span").textContent = label;
    play.hidden = false;
    pause.hidden = true;
  };
  const start = () => video.play().catch(() => { video.controls = true; });
  play.hidden = false;
  play.addEventListener("click", start);
  pause.addEventListener("click", () => video.pause());
  video.addEventListener("click", () => { if (video.paused) start(); else video.pause(); });
  video.addEventListener("play", () => { play.hidden = true; pause.hidden = false; });
  video.addEventListener("pause", () => { if (!video.ended) show("이어 보기"); });
  video.addEventListener("ended", () => show("다시 보기"));
  video.addEventListener("error", () => { video.controls = true; play.hidden = true; });
}

const waiting = document.getElementById("waiting");
if (waiting) {
  let pause = 2000;
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.state, { cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== "waiting") {
        location.reload();
        return;
      }
    } catch (error) {
      pause = Math.min(pause * 2, 15000);
    }
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
}
