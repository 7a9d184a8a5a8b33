/* What a shop does to embed the chat: settings, then the script. The demo reads both from its <body>. */
'use strict';
(function () {
  const { widgetSrc, apiBase, settings } = document.body.dataset;
  window.saysoSettings = Object.assign({}, settings ? JSON.parse(settings) : {}, apiBase ? { api_base: apiBase } : {}, window.saysoSettings);
  if (!widgetSrc) return;
  const script = document.createElement('script');
  script.src = widgetSrc;
  script.async = true;
  document.head.append(script);
})();
