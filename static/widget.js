/* Sayso launcher: a button in its own shadow tree. The chat itself is a frame that loads when a person opens it. */
(() => {
  if (window.Sayso?.loaded) return;

  const config = __SAYSO_CONFIG__;
  const say = config.strings;
  const KEY = "sayso.visitor";
  const SMALL = "(max-width:479.98px),(max-height:419.98px)"; // the chat then takes the whole screen
  const SVG = "http://www.w3.org/2000/svg";
  const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
  const listeners = { onShow: [], onHide: [], onUnreadCountChange: [] };
  const queued = window.Sayso?.q || [];

  let settings = null; // null: not booted
  let origin, host, panel, button, badge, frame, opener, timer, memory;
  let isOpen = false;
  let isReady = false;
  let unread = 0;

  // The token lives in the shop's own storage, because a frame on another site may have none; in memory when that is blocked too.
  function token() {
    try {
      return localStorage.getItem(KEY) || memory || null;
    } catch (_) {
      return memory || null;
    }
  }
  function keep(value) {
    memory = value;
    try {
      value ? localStorage.setItem(KEY, value) : localStorage.removeItem(KEY);
    } catch (_) {
      /* blocked: memory it is */
    }
  }

  function style() {
    const side = settings.alignment === "left" ? "left" : "right";
    const x = +(settings.horizontal_padding ?? 20) || 0;
    const y = +(settings.vertical_padding ?? 20) || 0;
    return `:host{all:initial!important}
*{box-sizing:border-box}
.button{position:fixed;z-index:2147483001;${side}:${x}px;bottom:${y}px;width:56px;height:56px;padding:0;border:1px solid transparent;border-radius:50%;background:${config.brand};color:${config.ink};cursor:pointer;box-shadow:0 4px 16px rgb(0 0 0/.22);display:grid;place-items:center;transition:transform .16s}
.button:hover{transform:scale(1.05)}
.button:active{transform:scale(.97)}
.button:focus-visible{outline:3px solid ${config.brand};outline-offset:3px;box-shadow:0 0 0 3px #fff}
.button[hidden],.badge[hidden]{display:none}
svg{grid-area:1/1;width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;transition:opacity .16s,transform .16s}
.x,.open .chat{opacity:0;transform:scale(.6)}
.open .x{opacity:1;transform:none}
.badge{position:absolute;top:-3px;${side}:-3px;min-width:22px;height:22px;padding:0 6px;border:2px solid #fff;border-radius:11px;background:#b3261e;color:#fff;font:700 11px/18px system-ui,sans-serif;text-align:center}
.panel{position:fixed;z-index:2147483000;${side}:${x}px;bottom:${y + 68}px;width:400px;max-width:calc(100vw - ${2 * x}px);height:min(704px,100vh - ${y + 84}px);border-radius:18px;overflow:hidden;background:#fff;box-shadow:0 12px 48px rgb(16 24 40/.22),0 0 0 1px rgb(16 24 40/.06);visibility:hidden;opacity:0;transform:translateY(8px);transition:opacity .16s,transform .16s,visibility .16s}
.panel.open{visibility:visible;opacity:1;transform:none}
iframe{display:block;width:100%;height:100%;border:0}
@media ${SMALL}{.panel{inset:0;width:100%;max-width:none;height:100vh;height:100dvh;border-radius:0}.button.covered{display:none}}
@media(prefers-color-scheme:dark){.panel{background:#17181d;box-shadow:0 12px 48px rgb(0 0 0/.6),0 0 0 1px rgb(255 255 255/.1)}}
@media(prefers-reduced-motion:reduce){*{transition:none!important}}
@media(forced-colors:active){.button,.panel{border:1px solid ButtonText}}
@media print{.button,.panel{display:none}}`;
  }

  function element(name, className, parent) {
    const node = document.createElement(name);
    node.className = className;
    if (parent) parent.appendChild(node);
    return node;
  }
  function drawing(className, d) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", className);
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d);
    svg.appendChild(path);
    button.appendChild(svg);
  }

  // A constructed sheet passes a site's `style-src`; a <style> element is for browsers that have none.
  function dress(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style());
      root.adoptedStyleSheets = [sheet];
    } catch (_) {
      element("style", "", root).textContent = style();
    }
  }

  function build() {
    host = element("div", "", document.body);
    host.id = "sayso";
    const root = host.attachShadow({ mode: "open" });
    dress(root);
    button = element("button", "button", root);
    button.type = "button";
    drawing("chat", "M5 4.5h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-4.5 3.5v-3.5H5a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z");
    drawing("x", "M6 9.5l6 6 6-6");
    badge = element("span", "badge", button);
    badge.setAttribute("aria-hidden", "true");
    panel = element("div", "panel", root);
    button.addEventListener("click", () => (isOpen ? hide() : show()));
    root.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && isOpen) hide();
    });
    render();
  }

  function render() {
    button.hidden = !!settings.hide_default_launcher;
    button.classList.toggle("open", isOpen);
    // On a small screen the chat covers the page and has its own close button, once it has loaded.
    button.classList.toggle("covered", isOpen && isReady);
    button.setAttribute("aria-expanded", isOpen);
    button.setAttribute(
      "aria-label",
      isOpen ? say.close : say.open + (unread ? `, ${say.unread.replace("%d", unread)}` : ""),
    );
    badge.hidden = isOpen || !unread;
    badge.textContent = unread > 9 ? "9+" : unread;
    panel.classList.toggle("open", isOpen);
  }

  function emit(name, value) {
    for (const listener of listeners[name]) listener(value);
  }

  function count(value) {
    if (value === unread) return;
    unread = value;
    render();
    emit("onUnreadCountChange", unread);
  }

  // What the chat may know of the page: never its fragment, which may hold secrets of the site.
  function facts() {
    return {
      user_id: settings.user_id,
      user_hash: settings.user_hash,
      name: settings.name,
      email: settings.email,
      locale: settings.locale || settings.language_override,
      page_url: location.href.split("#")[0],
      page_title: document.title,
    };
  }

  function tell(type, more) {
    if (isReady) frame.contentWindow.postMessage(Object.assign({ sayso: 1, type }, more), origin);
  }

  function loadFrame() {
    if (frame) frame.remove(); // it never became ready: try again
    const locale = settings.locale || settings.language_override;
    frame = element("iframe", "", null);
    frame.title = say.title || `Chat with ${config.name}`;
    frame.src = `${origin}/messenger${locale ? `?locale=${encodeURIComponent(locale)}` : ""}`;
    panel.appendChild(frame);
  }

  function tellShow() {
    frame.focus();
    tell("settings", { settings: facts() });
    tell("show", { modal: matchMedia(SMALL).matches });
  }

  function show() {
    if (!settings || isOpen) return;
    opener =
      document.activeElement === host || document.activeElement === document.body ? button : document.activeElement;
    isOpen = true;
    if (!isReady) loadFrame();
    count(0);
    render();
    if (isReady) tellShow();
    emit("onShow");
  }

  function hide() {
    if (!isOpen) return;
    isOpen = false;
    tell("hide");
    render();
    if (opener?.isConnected) opener.focus();
    emit("onHide");
  }

  function receive(event) {
    const message = event.data;
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin || !message || message.sayso !== 1)
      return;
    if (message.type === "ready") {
      isReady = true;
      tell("boot", { token: token(), settings: facts() });
      if (isOpen) tellShow();
      render();
    } else if (message.type === "token") keep(message.token);
    else if (message.type === "close") hide();
    else if (message.type === "unread") count(isOpen ? 0 : message.count);
  }

  function askUnread() {
    const body = token();
    if (!body || frame || document.hidden) return;
    fetch(`${origin}/messenger/unread`, { method: "POST", headers: { "Content-Type": "text/plain" }, body })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((answer) => {
        if (answer && settings && !frame) count(answer.unread);
      })
      .catch(() => {
        /* no line: ask again in a minute */
      });
  }

  function onClick(event) {
    const selector = settings?.custom_launcher_selector;
    if (!selector || !event.target.closest?.(selector)) return;
    event.preventDefault();
    show();
  }

  function boot(given) {
    if (settings) return update(given);
    settings = Object.assign({}, window.saysoSettings, given);
    origin = new URL(settings.api_base || script.src, location.href).origin;
    if (!document.body) return addEventListener("DOMContentLoaded", start);
    start();
  }

  function start() {
    if (!settings || host) return;
    build();
    addEventListener("message", receive);
    document.addEventListener("click", onClick);
    timer = setInterval(askUnread, 60000);
    askUnread();
  }

  function update(given) {
    if (!settings) return;
    Object.assign(settings, given);
    if (!host) return;
    dress(host.shadowRoot);
    render();
    tell("settings", { settings: facts() });
  }

  function shutdown() {
    keep(null);
    clearInterval(timer);
    removeEventListener("message", receive);
    document.removeEventListener("click", onClick);
    if (host) host.remove();
    settings = host = frame = null;
    isOpen = isReady = false;
    unread = 0;
  }

  const methods = { boot, show, hide, update, shutdown };
  function Sayso(method, value) {
    if (listeners[method]) listeners[method].push(value);
    else if (methods[method]) methods[method](value);
  }
  Sayso.loaded = true;
  window.Sayso = Sayso;
  if (window.saysoSettings) boot();
  for (const call of queued) Sayso.apply(null, call);
})();
