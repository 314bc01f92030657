// What this browser can do, and the ways out of browsers inside other apps.
"use strict";

const ways = {
  agent: navigator.userAgent,

  isApple: () => /iPhone|iPad|iPod/.test(ways.agent) || (/Macintosh/.test(ways.agent) && navigator.maxTouchPoints > 1),

  canCall: () => Boolean(
    window.RTCPeerConnection && "ontrack" in window.RTCPeerConnection.prototype &&
    navigator.mediaDevices && navigator.mediaDevices.getUserMedia),

  canRecord: () => Boolean(window.MediaRecorder && navigator.mediaDevices && navigator.mediaDevices.getUserMedia),

  // The app whose own browser this is, or nothing.
  inside: () => {
    const known = [["kakao", /KAKAOTALK/i], ["line", /\bLine\//i], ["naver", /NAVER\(inapp/i], ["meta", /FBAN|FBAV|Instagram/i], ["daum", /DaumApps/i]];
    const found = known.find((one) => one[1].test(ways.agent));
    if (found) return found[0];
    // Android's WebView says so itself.
    return /Android.*; wv\)/.test(ways.agent) ? "webview" : "";
  },

  // An address that opens this page in a browser of its own.
  outside: () => {
    const here = location.href.split("#")[0];
    switch (ways.inside()) {
      case "kakao":
        return "kakaotalk://web/openExternal?url=" + encodeURIComponent(here);
      case "line":
        return here + (here.indexOf("?") < 0 ? "?" : "&") + "openExternalBrowser=1";
      default:
        if (/Android/.test(ways.agent)) {
          const rest = here.replace(/^https?:\/\//, "");
          const scheme = location.protocol.slice(0, -1);
          return "intent://" + rest + "#Intent;scheme=" + scheme + ";package=com.android.chrome;S.browser_fallback_url=" + encodeURIComponent(here) + ";end";
        }
        return here;
    }
  },
};
