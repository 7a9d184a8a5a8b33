/* Tells the teammate of new messages while the inbox is open, by a sound or by the desktop, as they chose in their profile. */

import { conversation, page } from "./context.js";

const { sound, desktop } = page.dataset; // "on", or nothing
let audio = null;
let newest = null; // when the newest conversation of the last list changed

const timeOf = (row) => row.querySelector("time").dateTime;
const isInView = (row) => row.dataset.id === conversation && !document.hidden;

function chime() {
  audio ??= new AudioContext();
  const [tone, volume, end] = [audio.createOscillator(), audio.createGain(), audio.currentTime + 0.3];
  tone.frequency.value = 880; // Hz
  volume.gain.setValueAtTime(0.1, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, end);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(end);
}

function show(row) {
  const [name, line] = [".conv-name bdi", ".conv-line"].map((part) => row.querySelector(part).textContent);
  const shown = new Notification(name, { body: line, tag: row.dataset.id });
  shown.onclick = () => {
    window.focus();
    location.assign(row.href);
  };
}

/* After the list was drawn. The first list only says where to start. */
export function notifyOfNew() {
  const rows = [...document.querySelectorAll(".conv")];
  const before = newest;
  newest = [newest ?? "", ...rows.map(timeOf)].sort().at(-1);
  if (before === null) return;
  const fresh = rows.filter((row) => row.matches(".conv--unread") && timeOf(row) > before && !isInView(row));
  if (!fresh.length) return;
  if (sound) chime();
  if (desktop && !document.hasFocus() && Notification.permission === "granted") for (const row of fresh) show(row);
}
