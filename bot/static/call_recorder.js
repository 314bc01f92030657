// The way without a call: a recording goes up, its answer comes on the watch page.
"use strict";

const recorder = {
  most: 120,

  prepare: (base, record, tell) => {
    const button = document.getElementById("rec");
    const file = document.getElementById("file");
    let machine = null;
    let timer = 0;

    const send = async (sound) => {
      button.disabled = true;
      tell("보내고 있어요. 잠시만 기다려 주세요.");
      try {
        const type = (sound.type || "application/octet-stream").split(";")[0];
        const answer = await fetch(base + "/recording" + (record() ? "?record=1" : ""), { method: "POST", headers: { "Content-Type": type }, body: sound });
        if (!answer.ok) throw new Error(String(answer.status));
        location.assign((await answer.json()).url);
      } catch (error) {
        button.disabled = false;
        tell("보내지 못했어요. 한 번 더 해 주세요. 계속 안 되면 아래 번호로 전화해 주세요.");
      }
    };

    const stop = () => {
      clearTimeout(timer);
      if (machine && machine.state !== "inactive") machine.stop();
    };

    const start = async () => {
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch (error) {
        tell("마이크를 켤 수 없어요. 아래의 ‘전화기 녹음기로 말하기’를 눌러 주세요.");
        return;
      }
      const parts = [];
      machine = new MediaRecorder(stream);
      machine.ondataavailable = (event) => { if (event.data.size) parts.push(event.data); };
      machine.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        button.classList.remove("on-air");
        button.querySelector("span").textContent = "녹음 시작하기";
        send(new Blob(parts, { type: machine.mimeType }));
      };
      machine.start();
      timer = setTimeout(stop, recorder.most * 1000);
      button.classList.add("on-air");
      button.querySelector("span").textContent = "다 말했어요";
      tell("듣고 있어요. 다 말씀하시면 단추를 한 번 더 눌러 주세요.");
    };

    button.hidden = !ways.canRecord();
    button.addEventListener("click", () => (machine && machine.state === "recording" ? stop() : start()));
    file.addEventListener("change", () => { if (file.files.length) send(file.files[0]); });
  },
};
