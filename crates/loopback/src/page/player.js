// Plays the stream whose folder this page is in: waits for it, plays it, and waits for the next one.
"use strict";

const words = {
  en: {
    waiting: "Waiting for the stream. It begins by itself as soon as someone publishes.",
    loading: "The stream is there. Loading.",
    live: "Live",
    stalled: "Waiting for more of the stream.",
    ended: "The stream has ended. Waiting for the next one.",
    broken: "Playback broke off. Trying again.",
    unsupported: "This browser cannot play H.264 by HLS. Try Chrome, Edge, Firefox or Safari.",
    unmute: "Turn the sound on",
    mute: "Turn the sound off",
  },
  ko: {
    waiting: "방송을 기다리는 중입니다. 누군가 송출하면 저절로 시작됩니다.",
    loading: "방송을 찾았습니다. 불러오는 중입니다.",
    live: "생방송 중",
    stalled: "이어지는 내용을 기다리는 중입니다.",
    ended: "방송이 끝났습니다. 다음 방송을 기다리는 중입니다.",
    broken: "재생이 끊겼습니다. 다시 시도하는 중입니다.",
    unsupported: "이 브라우저는 H.264 HLS를 재생할 수 없습니다. Chrome, Edge, Firefox, Safari를 써 보세요.",
    unmute: "소리 켜기",
    mute: "소리 끄기",
  },
};

const INDEX = "index.m3u8";
const PAUSE_MS = 1000;
const FIRST_PICTURE_MS = 20000;

const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const say = words[language];
const video = document.getElementById("video");
const state = document.getElementById("state");
const sound = document.getElementById("sound");

const show = (name) => {
  document.body.dataset.state = name;
  state.textContent = say[name];
};
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

// The playlist's last line is a folder of its own for each broadcast.
async function broadcast() {
  try {
    const response = await fetch(INDEX, { cache: "no-store" });
    return response.ok ? (await response.text()).trim().split("\n").pop() : null;
  } catch {
    return null;
  }
}

// Resolves with 'ended' or 'broken'.
function play() {
  return new Promise((resolve) => {
    const end = new AbortController();
    let hls = null;
    let recovered = false;
    const finish = (how) => {
      clearTimeout(late);
      end.abort();
      hls?.destroy();
      video.removeAttribute("src");
      video.load();
      resolve(how);
    };
    const late = setTimeout(() => finish("broken"), FIRST_PICTURE_MS);
    const on = (event, then) => video.addEventListener(event, then, { signal: end.signal });
    on("playing", () => (clearTimeout(late), show("live")));
    on("waiting", () => show("stalled"));
    on("ended", () => finish("ended"));
    if (window.Hls?.isSupported()) {
      hls = new Hls({ backBufferLength: 20, maxLiveSyncPlaybackRate: 1.1 });
      hls.on(Hls.Events.ERROR, (_, error) => {
        if (!error.fatal) return;
        if (error.type !== Hls.ErrorTypes.MEDIA_ERROR || recovered) return finish("broken");
        recovered = true;
        hls.recoverMediaError();
      });
      hls.loadSource(INDEX);
      hls.attachMedia(video);
    } else {
      on("error", () => finish("broken"));
      video.src = INDEX;
    }
    video.play().catch(() => {}); // a browser that forbids it shows its own controls
  });
}

async function run() {
  if (!window.Hls?.isSupported() && !video.canPlayType("application/vnd.apple.mpegurl")) {
    video.hidden = true;
    return show("unsupported");
  }
  show("waiting");
  let over = null;
  for (;;) {
    const found = await broadcast();
    if (found && found !== over) {
      show("loading");
      const how = await play();
      over = how === "ended" ? found : null;
      show(how);
    }
    await pause();
  }
}

function label() {
  sound.textContent = video.muted ? say.unmute : say.mute;
}

document.documentElement.lang = language;
sound.addEventListener("click", () => {
  video.muted = !video.muted;
  video.play().catch(() => {});
});
video.addEventListener("volumechange", label);
sound.hidden = false;
label();
run();
