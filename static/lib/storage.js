/* Values as JSON in the browser's storage. A browser may block storage: then reads give null and writes do nothing. */

/* area: "localStorage" or "sessionStorage". */
export function readStored(area, key) {
  try {
    return JSON.parse(window[area].getItem(key));
  } catch {
    return null;
  }
}

/* `null` removes the key. Returns whether it was stored. */
export function store(area, key, value) {
  try {
    if (value === null) window[area].removeItem(key);
    else window[area].setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
