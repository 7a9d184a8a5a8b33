/* The launcher: a button in its own shadow tree. The chat is a frame that loads when somebody opens it.
   A classic script that also works as a module, so it has no imports and no exports. */
(() => {
  if (window.Sayso?.loaded) return;

  const config = __SAYSO_CONFIG__;
  const words = config.words;
  const source = document.currentScript?.src || config.url; // a module has no currentScript
  const TOKEN = "sayso.visitor";
  const ENDED = "sayso.ended"; // when the visitor was last signed out, in any tab
  const OPEN = "sayso.open";
  const DRAFT = "sayso.draft";
  const PERSON = ["user_id", "user_hash", "user_jwt", "name", "email"];
  const SVG = "http://www.w3.org/2000/svg";
  const SMALL = "(max-width:479.98px),(max-height:419.98px)"; // the chat then covers the page
  const small = matchMedia(SMALL);
  const listeners = { onShow: [], onHide: [], onUnreadCountChange: [] };
  const queued = window.Sayso?.q || [];
  const memory = {}; // where storage is blocked

  let settings = null; // null: not booted
  let origin, host, panel, button, badge, frame, failure, opener, tokenArrived, endedAt, scrolling;
  let unreadTimer, failTimer, retryTimer;
  let pause = 0; // seconds before the next attempt to load the frame
  let isOpen = false;
  let isQuiet = false; // opened without being asked to: it leaves the focus alone
  let isWanted = false; // `show` was called before there was a page to show it in
  let isReady = false;
  let hasEntry = false; // in the history
  let unread = 0;

  // Values are kept in the site's own storage, because a frame on another site may have none.
  function read(area, key) {
    try {
      return window[area].getItem(key) ?? memory[key];
    } catch {
      return memory[key];
    }
  }
  function store(area, key, value) {
    memory[key] = value;
    try {
      if (value) window[area].setItem(key, value);
      else window[area].removeItem(key);
    } catch {
      // Storage is blocked: it lasts as long as the page.
    }
  }
  const token = () => read("localStorage", TOKEN);
  function setToken(value) {
    store("localStorage", TOKEN, value);
    tokenArrived?.();
  }

  // --- the button and the panel

  function style() {
    const side = settings.alignment === "left" ? "left" : "right";
    const x = +(settings.horizontal_padding ?? 20) || 0;
    const y = +(settings.vertical_padding ?? 20) || 0;
    return `:host{all:initial!important;position:fixed!important}
*{box-sizing:border-box}
.button{position:fixed;z-index:2147483001;${side}:${x}px;bottom:${y}px;width:56px;height:56px;padding:0;border:1px solid transparent;border-radius:50%;background:${config.brand};color:${config.ink};cursor:pointer;box-shadow:0 4px 16px rgb(0 0 0/.22);display:grid;place-items:center;transition:transform .16s}
.button:hover{transform:scale(1.05)}
.button:focus-visible{outline:3px solid ${config.brand};outline-offset:3px;box-shadow:0 0 0 3px #fff}
[hidden]{display:none!important}
svg{grid-area:1/1;width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;transition:opacity .16s,transform .16s}
.x,.open .chat{opacity:0;transform:scale(.6)}
.open .x{opacity:1;transform:none}
.badge{position:absolute;top:-3px;${side}:-3px;min-width:22px;height:22px;padding:0 6px;border:2px solid #fff;border-radius:11px;background:#b3261e;color:#fff;font:700 11px/18px system-ui,sans-serif;text-align:center}
.panel{position:fixed;z-index:2147483000;${side}:${x}px;bottom:${y + 68}px;width:400px;max-width:calc(100vw - ${2 * x}px);height:min(704px,100vh - ${y + 84}px);border-radius:18px;overflow:hidden;background:#fff;color:#1b1c20;box-shadow:0 12px 48px rgb(16 24 40/.22),0 0 0 1px rgb(16 24 40/.06);visibility:hidden;opacity:0;transform:translateY(8px);transition:opacity .16s,transform .16s,visibility .16s}
.panel.open{visibility:visible;opacity:1;transform:none}
iframe{display:block;width:100%;height:100%;border:0}
.failure{position:absolute;inset:0;display:grid;place-content:center;justify-items:center;gap:16px;padding:24px;background:inherit;font:15px/1.4 system-ui,sans-serif;text-align:center}
.failure button{padding:10px 20px;border:1px solid;border-radius:8px;background:none;color:inherit;font:inherit;cursor:pointer}
@media ${SMALL}{.panel{inset:0;width:100%;max-width:none;height:100vh;height:100dvh;border-radius:0}.button.covered{display:none}}
@media(prefers-color-scheme:dark){.panel{background:#17181d;color:#f2f2f4;box-shadow:0 12px 48px rgb(0 0 0/.6),0 0 0 1px rgb(255 255 255/.1)}}
@media(prefers-reduced-motion:reduce){*{transition:none!important}}
@media(forced-colors:active){.panel{border:1px solid}}
@media print{.button,.panel{display:none}}`;
  }

  function element(name, className, parent) {
    const node = document.createElement(name);
    node.className = className;
    parent.append(node);
    return node;
  }
  function draw(className, d) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", className);
    path.setAttribute("d", d);
    svg.append(path);
    button.append(svg);
  }

  // A constructed sheet passes a site's `style-src`; a <style> element is for browsers without them.
  function applyStyle(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style());
      root.adoptedStyleSheets = [sheet];
    } catch {
      element("style", "", root).textContent = style();
    }
  }

  function build() {
    host = document.createElement("div");
    host.id = "sayso";
    const root = host.attachShadow({ mode: "open" });
    applyStyle(root);
    button = element("button", "button", root);
    draw("chat", "M5 4.5h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-4.5 3.5v-3.5H5a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z");
    draw("x", "M6 9.5l6 6 6-6");
    badge = element("span", "badge", button);
    panel = element("div", "panel", root);
    failure = element("div", "failure", panel);
    failure.setAttribute("role", "alert");
    failure.dir = "auto";
    failure.hidden = true;
    button.addEventListener("click", () => (isOpen ? hide() : show()));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isOpen) hide();
    });
  }

  // Not in <body>: a site may replace, zoom or transform that. Whatever removes the host, it comes back.
  // Not at once, so that a site that insists on removing it does not freeze.
  const observer = new MutationObserver(() => setTimeout(attach, 50));
  function attach() {
    if (!host || host.isConnected) return;
    document.documentElement.append(host);
    if (frame) loadFrame(); // it lost its page
  }

  function render() {
    button.hidden = !!settings.hide_default_launcher;
    button.classList.toggle("open", isOpen);
    // On a small screen the chat covers the page and has its own close button, once it has loaded.
    button.classList.toggle("covered", isOpen && isReady);
    button.setAttribute("aria-expanded", isOpen);
    const news = unread ? `, ${words.unread.replace("%d", unread)}` : "";
    button.setAttribute("aria-label", isOpen ? words.close : words.open + news);
    badge.hidden = isOpen || !unread;
    badge.textContent = unread > 9 ? "9+" : unread;
    panel.classList.toggle("open", isOpen);
    if (frame) frame.title = words.title;
    fit();
  }

  // --- on a small screen

  // The panel is as high as what the keyboard leaves of the window, and the page behind it does not scroll.
  function fit() {
    const view = window.visualViewport;
    const covers = !!host && isOpen && small.matches;
    const fits = covers && view && view.scale < 1.01;
    if (panel) {
      panel.style.height = fits ? `${view.height}px` : "";
      panel.style.top = fits ? `${view.offsetTop}px` : "";
    }
    const page = document.documentElement.style;
    if (covers && scrolling === undefined) {
      scrolling = page.overflow;
      page.overflow = "hidden";
    } else if (!covers && scrolling !== undefined) {
      page.overflow = scrolling;
      scrolling = undefined;
    }
  }

  // The Back button closes the chat: opening it adds an entry to the history, with the site's own state in it. Leaving
  // that entry is no news for the site: its router could draw the page anew.
  const isOurs = () => !!history.state?.sayso;
  function addEntry() {
    const state = history.state;
    if (!small.matches || (state && typeof state !== "object")) return;
    try {
      if (!isOurs()) history.pushState({ ...state, sayso: 1 }, "");
      hasEntry = true;
    } catch {
      // A page without a history of its own.
    }
  }
  function onPopState(event) {
    if (!hasEntry || isOurs()) return;
    hasEntry = false;
    event.stopImmediatePropagation();
    hide();
  }

  // --- the frame

  function emit(name, value) {
    for (const listener of listeners[name]) queueMicrotask(() => listener(value)); // its errors are its own
  }

  function setUnread(value) {
    if (value === unread) return;
    unread = value;
    render();
    emit("onUnreadCountChange", unread);
  }

  const locale = () => settings.locale || settings.language_override;

  // A fresh token of the same user is no other user. The server decides whether the token is worth anything.
  function userOf({ user_id, user_jwt }) {
    try {
      return JSON.parse(atob(user_jwt.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).user_id;
    } catch {
      return user_id;
    }
  }

  // What the chat may know of the page: never its fragment, which may hold secrets of the site.
  function facts() {
    const known = { locale: locale(), page_url: location.href.split("#")[0] };
    for (const key of PERSON) known[key] = settings[key];
    return { ...known, user_id: userOf(settings) };
  }

  function tell(type, data) {
    if (isReady) frame.contentWindow?.postMessage({ sayso: 1, type, ...data }, origin);
  }

  function loadFrame() {
    clearTimeout(retryTimer);
    frame?.remove();
    isReady = false;
    if (self.origin === "null") return fail(words.unsupported); // a sandboxed frame or a file: nobody to talk to
    frame = document.createElement("iframe");
    frame.src = `${origin}/messenger${locale() ? `?locale=${encodeURIComponent(locale())}` : ""}`;
    // The chat reports that it is ready before its page has loaded. An error page never does.
    frame.addEventListener("load", () => failSoon(1000));
    failSoon(20000);
    panel.prepend(frame);
    render();
  }

  function failSoon(ms) {
    clearTimeout(failTimer);
    failTimer = setTimeout(() => !isReady && fail(words.failed, words.retry), ms);
  }

  // Says why there is no chat, and tries again while somebody waits for it.
  function fail(reason, label) {
    failure.replaceChildren();
    failure.hidden = false;
    element("div", "", failure).textContent = reason;
    if (!label) return;
    const again = element("button", "", failure);
    again.textContent = label;
    again.addEventListener("click", loadFrame);
    pause = Math.min(pause * 2 || 2, 60);
    retryTimer = setTimeout(retry, pause * 1000);
  }
  function retry() {
    if (isOpen && !isReady) loadFrame();
  }

  function onReady(message) {
    isReady = true;
    pause = 0;
    clearTimeout(failTimer);
    clearTimeout(retryTimer);
    failure.hidden = true;
    Object.assign(words, message.words);
    bootFrame();
    render();
  }

  // Tabs that a new visitor opens at the same moment wait for the first one's token, so that they are one visitor.
  function bootFrame() {
    const booted = frame;
    const send = () => {
      if (frame !== booted) return;
      tell("boot", { token: token(), settings: facts(), draft: read("sessionStorage", DRAFT) });
      if (isOpen) tellShow();
    };
    if (token() || !navigator.locks) return send();
    const waiting = (done) => {
      tokenArrived = done;
      setTimeout(done, 10000);
      send();
    };
    navigator.locks.request(TOKEN, () => (token() ? send() : new Promise(waiting))).catch(send);
  }

  function tellShow() {
    if (!isQuiet) frame.focus();
    tell("show", { modal: small.matches, quiet: isQuiet, settings: facts() });
  }

  function show() {
    if (!host) isWanted = true;
    else if (!isOpen) open(false);
  }

  function open(quietly) {
    const active = document.activeElement;
    opener = !active || active === host || active === document.body ? button : active;
    isOpen = true;
    isQuiet = quietly;
    store("sessionStorage", OPEN, "1");
    addEntry();
    if (!isReady) loadFrame();
    setUnread(0);
    render();
    if (isReady) tellShow();
    emit("onShow");
  }

  // A site that calls it may be about to go elsewhere: going back now would undo that.
  function hide(isCalled) {
    isWanted = false;
    if (!isOpen) return;
    isOpen = false;
    store("sessionStorage", OPEN, null);
    tell("hide");
    render();
    if (opener?.isConnected) opener.focus();
    if (!isCalled && hasEntry && isOurs()) history.back();
    emit("onHide");
  }

  function onMessage(event) {
    const message = event.data;
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin || message?.sayso !== 1) return;
    if (message.type === "ready") onReady(message);
    else if (message.type === "token") setToken(message.token);
    else if (message.type === "draft") store("sessionStorage", DRAFT, message.draft);
    else if (message.type === "close") hide();
    else if (message.type === "unread") setUnread(isOpen ? 0 : message.count);
  }

  // "opened": the page was just opened, which a chat message may wait for.
  function askUnread(opened) {
    const known = token();
    if (!known || frame || document.hidden) return;
    const body = known + (opened ? " opened" : "");
    fetch(`${origin}/messenger/unread`, { method: "POST", body })
      .then((response) => (response.ok ? response.json() : null))
      .then((answer) => answer && settings && !frame && setUnread(answer.unread))
      .catch(() => {}); // asked again in a minute
  }

  function onClick(event) {
    const selector = settings.custom_launcher_selector;
    if (!selector || !event.target.closest?.(selector)) return;
    event.preventDefault();
    show();
  }

  // `shutdown` in another tab, also while this page was kept for the Back button.
  function onStorage(event) {
    if (event.key === ENDED) end();
  }
  function onPageShow(event) {
    if (event.persisted && read("localStorage", ENDED) !== endedAt) end();
  }

  const events = [
    [window, "message", onMessage],
    [window, "storage", onStorage],
    [window, "pageshow", onPageShow],
    [window, "popstate", onPopState],
    [window, "online", retry],
    [document, "click", onClick],
    [small, "change", fit],
    [window.visualViewport, "resize", fit],
    [window.visualViewport, "scroll", fit],
  ];

  // --- what a site can call

  function boot(given) {
    if (settings) return update(given);
    settings = { ...window.saysoSettings, ...given };
    origin = new URL(settings.api_base || source, location.href).origin;
    if (document.body) start();
    else addEventListener("DOMContentLoaded", start);
  }

  function start() {
    if (!settings || host) return;
    endedAt = read("localStorage", ENDED);
    build();
    attach();
    observer.observe(document.documentElement, { childList: true });
    render();
    for (const [target, name, listener] of events) target?.addEventListener(name, listener, true);
    unreadTimer = setInterval(askUnread, 60000);
    if (isWanted) show();
    else if (read("sessionStorage", OPEN)) open(true);
    else askUnread(true);
    const isBusy = () => !settings || isOpen || frame;
    const chat = { origin, token, setToken, facts, open, setUnread, small, isBusy };
    // If it doesn't load, the next page tries again.
    if (config.timers) import(`${origin}/widget-timers.js`).then((timers) => timers.start(chat)).catch(() => {});
  }

  function update(given) {
    if (!settings) return;
    const user = userOf(settings);
    const language = locale();
    const isNamed = given && ("user_id" in given || "user_jwt" in given);
    const isAnother = isNamed && `${userOf(given) ?? ""}` !== `${user ?? ""}`;
    if (isAnother) for (const key of PERSON) delete settings[key];
    Object.assign(settings, given);
    if (isAnother && user) forget();
    if (!host) return;
    applyStyle(host.shadowRoot);
    render();
    if (frame && (locale() !== language || (isAnother && user))) loadFrame();
    else tell("settings", { settings: facts() });
  }

  function forget() {
    setToken(null);
    store("sessionStorage", DRAFT, null);
  }

  function shutdown() {
    store("localStorage", ENDED, String(Date.now()));
    end();
  }

  function end() {
    hide(true);
    forget();
    clearInterval(unreadTimer);
    clearTimeout(failTimer);
    clearTimeout(retryTimer);
    observer.disconnect();
    for (const [target, name, listener] of events) target?.removeEventListener(name, listener, true);
    host?.remove();
    settings = host = frame = panel = null;
    isReady = isWanted = false;
    unread = pause = 0;
  }

  const methods = { boot, show, hide: () => hide(true), update, shutdown };
  function Sayso(method, value) {
    if (Object.hasOwn(listeners, method)) listeners[method].push(value);
    else if (Object.hasOwn(methods, method)) methods[method](value);
  }
  Sayso.loaded = true;
  window.Sayso = Sayso;
  if (window.saysoSettings) boot();
  for (const call of queued) Sayso(...call);
})();
