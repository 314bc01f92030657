// The video call: one tap, and the counsellor looks at you.
"use strict";

(() => {
  const root = document.getElementById("call");
  const base = root.dataset.base;
  const at = (id) => document.getElementById(id);
  const loaded = Date.now();
  const FRESH = 30 * 60 * 1000;
  const GATHER = 1200;
  const PARTS = ["welcome", "escape", "help", "talk", "recorder", "trouble"];
  const MOODS = { listening: "듣고 있어요", thinking: "생각하고 있어요", speaking: "말하고 있어요" };

  let pc = null;
  let line = null;
  let mine = null;
  let key = "";
  let lost = 0;
  let awake = null;

  const show = (part) => {
    PARTS.forEach((id) => { at(id).hidden = id !== part; });
    document.body.classList.toggle("talking", part === "talk");
    window.scrollTo(0, 0);
    const title = at(part).querySelector("h1");
    if (title && part !== "welcome") {
      title.tabIndex = -1;
      title.focus();
    }
  };

  const record = () => at("record").checked;

  const servers = async () => {
    if (Date.now() - loaded < FRESH) return JSON.parse(root.dataset.ice);
    const answer = await fetch(base + "/ice", { cache: "no-store" });
    return answer.ok ? answer.json() : [];
  };

  const microphone = () => {
    const sound = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const picture = at("pictures").checked ? { facingMode: "user", width: { ideal: 320 }, height: { ideal: 240 }, frameRate: { max: 10 } } : false;
    return navigator.mediaDevices.getUserMedia({ audio: sound, video: picture });
  };

  // Every candidate goes into the offer; a server that does not answer must not hold it up.
  const gathered = (peer) => new Promise((resolve) => {
    if (peer.iceGatheringState === "complete") { resolve(); return; }
    const timer = setTimeout(resolve, GATHER);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") { clearTimeout(timer); resolve(); }
    });
  });

  const stop = () => {
    clearTimeout(lost);
    if (pc) { pc.onconnectionstatechange = pc.oniceconnectionstatechange = null; pc.close(); }
    if (mine) mine.getTracks().forEach((track) => track.stop());
    if (awake) awake.release().catch(() => {});
    pc = line = mine = awake = null;
    at("face").srcObject = null;
    at("mine").srcObject = null;
  };

  const finish = () => {
    const ended = key;
    stop();
    location.assign(base + "/done" + (ended ? "?call=" + encodeURIComponent(ended) : ""));
  };

  const trouble = (title, text) => {
    stop();
    at("trouble-title").textContent = title;
    at("trouble-text").textContent = text;
    show("trouble");
  };

  const help = (error) => {
    stop();
    const missing = error.name === "NotFoundError" || error.name === "OverconstrainedError";
    const busy = error.name === "NotReadableError" || error.name === "AbortError";
    at("help-title").textContent = missing ? "마이크를 찾을 수 없어요" : "마이크를 켤 수 없어요";
    at("help-text").textContent = missing
      ? "이 기기에는 마이크가 없어요. 다른 전화기로 열거나 아래 번호로 전화해 주세요."
      : busy
        ? "다른 앱이 마이크를 쓰고 있어요. 통화나 녹음을 끝내고 다시 해 주세요."
        : "마이크를 쓰지 못하게 되어 있어요. 그림처럼 켜고 다시 해 주세요.";
    at("help-android").hidden = missing || busy || ways.isApple();
    at("help-apple").hidden = missing || busy || !ways.isApple();
    show("help");
  };

  const hear = (text) => {
    let told;
    try { told = JSON.parse(text); } catch (error) { return; }
    if (told.type === "mood" && MOODS[told.mood]) at("mood").textContent = MOODS[told.mood];
    if (told.type === "caption" && told.who === "counsellor") at("said").textContent = told.text;
    if (told.type === "caption" && told.who === "person") {
      at("asked").hidden = false;
      at("asked").textContent = "“" + told.text + "”";
      at("said").textContent = "";
    }
    if (told.type === "ended") {
      if (told.after === "recorded") { stop(); show("recorder"); return; }
      if (told.after === "human") at("mood").textContent = "사람과 전화할 수 있게 번호를 보여 드릴게요";
      setTimeout(finish, 800);
    }
  };

  const watch = () => {
    // Older browsers know the state of ICE only; the words are the same.
    const state = pc && (pc.connectionState || pc.iceConnectionState);
    clearTimeout(lost);
    if (state === "failed") trouble("연결이 끊어졌어요", "인터넷이 약한 것 같아요. 다시 연결해 볼까요?");
    if (state === "closed") finish();
    if (state === "disconnected") {
      at("mood").textContent = "다시 연결하고 있어요";
      lost = setTimeout(() => trouble("연결이 끊어졌어요", "인터넷이 약한 것 같아요. 다시 연결해 볼까요?"), 8000);
    }
  };

  const play = () => at("face").play().then(() => { at("unmute").hidden = true; }).catch(() => { at("unmute").hidden = false; });

  const answered = async (status) => {
    const why = {
      429: ["잠깐 쉬었다 해 주세요", "너무 여러 번 눌렀어요. 1분 뒤에 다시 눌러 주세요."],
      410: ["이 링크는 기간이 지났어요", "링크를 보내 준 곳에 새 링크를 부탁해 주세요."],
      503: ["지금은 상담이 많아요", "조금 뒤에 다시 하거나, 녹음으로 물어보세요."],
    }[status] || ["연결이 되지 않았어요", "조금 뒤에 다시 하거나, 녹음으로 물어보세요."];
    trouble(why[0], why[1]);
  };

  const begin = async () => {
    if (pc) return;
    if (!ways.canCall()) { show("recorder"); return; }
    at("mood").textContent = "연결하고 있어요";
    at("said").textContent = "";
    at("asked").hidden = true;
    key = "";
    const ice = servers();
    try {
      mine = await microphone();
    } catch (error) {
      ice.catch(() => {});
      help(error);
      return;
    }
    show("talk");
    try {
      pc = new RTCPeerConnection({ iceServers: await ice });
      pc.ontrack = (event) => {
        const face = at("face");
        if (event.streams[0] && face.srcObject !== event.streams[0]) { face.srcObject = event.streams[0]; play(); }
      };
      pc.onconnectionstatechange = pc.oniceconnectionstatechange = watch;
      line = pc.createDataChannel("line");
      line.onmessage = (event) => hear(event.data);
      line.onclose = () => { if (pc) finish(); };
      mine.getTracks().forEach((track) => pc.addTrack(track, mine));
      if (mine.getVideoTracks().length) {
        at("mine").srcObject = mine;
        at("mine").hidden = false;
      } else {
        at("mine").hidden = true;
        if (pc.addTransceiver) pc.addTransceiver("video", { direction: "recvonly" });
      }
      await pc.setLocalDescription(await pc.createOffer(pc.addTransceiver ? {} : { offerToReceiveVideo: true }));
      await gathered(pc);
      const asked = { type: "offer", sdp: pc.localDescription.sdp, record: record(), pictures: at("pictures").checked };
      const answer = await fetch(base + "/offer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
      if (!answer.ok) { await answered(answer.status); return; }
      const told = await answer.json();
      key = told.call;
      if (!pc) return;
      await pc.setRemoteDescription({ type: "answer", sdp: told.sdp });
    } catch (error) {
      trouble("연결이 되지 않았어요", "인터넷을 확인하고 다시 해 주세요.");
      return;
    }
    if (navigator.wakeLock) navigator.wakeLock.request("screen").then((lock) => { awake = lock; }).catch(() => {});
  };

  const tell = (message) => { if (line && line.readyState === "open") line.send(JSON.stringify(message)); };

  at("begin").addEventListener("click", begin);
  at("retry").addEventListener("click", begin);
  at("again").addEventListener("click", begin);
  at("unmute").addEventListener("click", play);
  at("stay").addEventListener("click", () => show("welcome"));
  at("back").addEventListener("click", () => show("welcome"));
  ["to-recorder", "help-recorder", "trouble-recorder"].forEach((id) => at(id).addEventListener("click", () => show("recorder")));
  at("bye").addEventListener("click", () => { tell({ type: "bye" }); setTimeout(finish, 200); });
  Array.from(document.querySelectorAll("[data-key]")).forEach((button) => {
    button.addEventListener("click", () => tell({ type: "key", key: button.dataset.key }));
  });
  window.addEventListener("pagehide", () => { if (pc) { tell({ type: "bye" }); stop(); } });
  recorder.prepare(base, record, (text) => { at("rec-state").textContent = text; });

  if (ways.inside()) {
    at("escape-link").href = ways.outside();
    show("escape");
    // These two leave at once, where they do; elsewhere a tap is needed.
    const tried = location.search.indexOf("openExternalBrowser=1") >= 0;
    if (ways.inside() === "kakao" || (ways.inside() === "line" && !tried)) {
      window.addEventListener("load", () => setTimeout(() => { location.href = ways.outside(); }, 300));
    }
  } else if (!ways.canCall()) {
    show("recorder");
  }
})();
