/* What a shop does to embed the chat: settings, then the script. The demo has both in attributes of its <body>. */

const { widgetSrc, apiBase, settings } = document.body.dataset;

window.saysoSettings = {
  ...(settings ? JSON.parse(settings) : {}),
  ...(apiBase ? { api_base: apiBase } : {}),
  ...window.saysoSettings,
};

if (widgetSrc) {
  const script = document.createElement("script");
  script.src = widgetSrc;
  script.async = true;
  document.head.append(script);
}
