/* Tells the server the browser's time zone, with each request. */

const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const secure = location.protocol === "https:" ? ";secure" : "";
// biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API
document.cookie = `sayso_zone=${timeZone};path=/;max-age=31536000;samesite=lax${secure}`;
