/* Keyboard shortcuts of one letter can be turned off, on this device (WCAG 2.1.4). */

const KEY = "sayso.keys";

export function areShortcutsOn() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

export function turnShortcuts(isOn) {
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    // Storage is blocked: they stay on.
  }
}
