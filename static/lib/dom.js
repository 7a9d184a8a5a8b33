/* Small helpers for a page's own elements. */

export const byId = (id) => document.getElementById(id);

/* The data that the server put into the page as `<script type="application/json" id="…">`. */
export const readData = (id) => JSON.parse(byId(id).textContent);

/* Replaces an element's children with a copy of a `<template>`. */
export function fillFrom(element, templateId) {
  element.replaceChildren(byId(templateId).content.cloneNode(true));
}

export function parseHtml(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

export const isVisible = (element) => !element.disabled && element.getClientRects().length > 0;

/* A click that the browser should handle itself, for example to open a new tab. */
export const hasModifier = (event) => event.ctrlKey || event.metaKey || event.shiftKey;

/* Grows a text area with its text. Returns nothing; `most` is in pixels. */
export function growToFit(area, { extra = 0, most = Number.POSITIVE_INFINITY } = {}) {
  area.style.blockSize = "auto";
  area.style.blockSize = `${Math.min(area.scrollHeight + extra, most)}px`;
}

/* People count characters, not UTF-16 units. */
export const characterCount = (text) => [...text].length;
