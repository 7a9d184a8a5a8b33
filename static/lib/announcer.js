/* Announces to a screen reader: each text once, which a live region around the whole thread can't promise. */

const KEPT = 8000; // ms

export function createAnnouncer(region) {
  return function announce(words) {
    const line = document.createElement("p");
    line.textContent = words;
    region.append(line);
    setTimeout(() => line.remove(), KEPT);
  };
}
