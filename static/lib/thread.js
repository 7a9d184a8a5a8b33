/* The thread: keeps parts in order of their sequence numbers, reveals new ones one by one, and manages the scroll position. */

import { createAnnouncer } from "./announcer.js";
import { parseHtml } from "./dom.js";
import { arrange } from "./thread-layout.js";
import { createTypingDots } from "./typing-dots.js";

const DISMISSED = "part--dismissed";
const NEAR = 80; // px from an edge that still count as being there
const prefersCalm = matchMedia("(prefers-reduced-motion: reduce)");

/* scroller, body, typing, pill, announcer: elements of the page.
   loadOlder(seq): the parts before this one as HTML; null if they could not be loaded.
   onBottom(): the end is in view.
   isMine(li): whether the reader wrote it, so that it is not announced and always scrolled to. */
export function createThread({
  scroller,
  body,
  typing,
  pill,
  announcer,
  loadOlder,
  onBottom,
  isMine = (li) => li.classList.contains("mine"),
}) {
  const announce = createAnnouncer(announcer);
  const dots = createTypingDots(typing, () => {
    if (isAtEnd) scrollToEnd();
  });
  let list = null;
  let olderButton = null; // "Show earlier messages"
  let isAtEnd = true;
  let reveals = Promise.resolve(); // parts are revealed one after another
  let generation = 0; // another opened conversation cancels the reveals of the last one
  const late = new Map(); // cards that changed while their form was being submitted

  // --- reading the list

  const bySeq = (seq) => list.querySelector(`.part[data-seq="${seq}"]`);
  const byKey = (key) => list.querySelector(`.part[data-key="${CSS.escape(key)}"]`);
  const unsentPart = (key) => list?.querySelector(`.part[data-key="${CSS.escape(key)}"]:not([data-seq])`);
  const firstPart = () => list.querySelector(".part[data-seq]");
  const seqOf = (li) => Number(li.dataset.seq);
  const measureEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;

  function rearrange() {
    arrange(list);
    body.classList.toggle("is-empty", !list.querySelector(`.part:not(.${DISMISSED})`));
  }

  // --- scroll

  function scrollToEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    isAtEnd = true;
    pill.hidden = true;
    onBottom();
  }

  function follow(always) {
    if (isAtEnd || always) scrollToEnd();
    else pill.hidden = false;
  }

  function onScroll() {
    isAtEnd = measureEnd();
    if (isAtEnd && !pill.hidden) scrollToEnd();
    else if (isAtEnd) onBottom();
    if (scroller.scrollTop < NEAR && olderButton && !olderButton.hidden) showOlder();
  }

  async function showOlder() {
    if (olderButton.disabled) return;
    const started = generation;
    const first = firstPart();
    const hadFocus = document.activeElement === olderButton;
    olderButton.disabled = true;
    const html = first && (await loadOlder(seqOf(first)));
    if (started !== generation) return;
    olderButton.disabled = false;
    // Disabling the button took its focus away.
    if (hadFocus && document.activeElement === document.body) olderButton.focus({ preventScroll: true });
    if (html === null || html === undefined) return;
    prepend([...parseHtml(html).querySelectorAll(".part")].filter((li) => !bySeq(li.dataset.seq)));
    if (hadFocus && olderButton.hidden) scroller.focus();
  }

  // What the person looks at keeps its place on the screen.
  function prepend(parts) {
    const height = scroller.scrollHeight;
    list.prepend(...parts);
    olderButton.hidden = !parts.length || seqOf(parts[0]) <= 1;
    parts.forEach(activate);
    rearrange();
    scroller.scrollTop += scroller.scrollHeight - height;
  }

  // --- announcing

  function announcePart(li) {
    const words = li.querySelector(".bubble, .card-title, .event");
    if (!words || isMine(li)) return;
    announce((li.dataset.kind === "event" ? "" : `${li.dataset.author}: `) + words.textContent.trim());
  }

  // A card that closes by itself has no event in the thread that says so.
  function announceClosedCard(li) {
    if (!li.querySelector(':is([data-state="closed"], [data-state="lapsed"], [data-state="withdrawn"]).card')) return;
    announce(li.querySelector(".card-outcome, .card-notice").textContent.trim());
  }

  // --- adding parts

  function activate(element) {
    if (window.htmx) window.htmx.process(element);
  }

  function insert(li) {
    const parts = [...list.querySelectorAll(".part[data-seq]")];
    const before = parts.reverse().find((other) => seqOf(other) < seqOf(li));
    if (before) before.after(li);
    else list.prepend(li);
  }

  const isSubmitting = (li) => Boolean(li.querySelector(".htmx-request"));
  const isOpenCard = (li) => Boolean(li.querySelector(".card .field-input"));
  const isBeingFilledIn = (li) => li.contains(document.activeElement) && document.activeElement.matches(".field-input");

  // The state of a card as the contact or a teammate sees it, and of a text message. Other parts never change.
  function stateOf(li) {
    const card = li.querySelector(".card, .sent-form");
    const outcomes = [...li.querySelectorAll(".card-outcome, .card-progress-words, .texted")];
    return [...(card ? [card.dataset.state] : []), ...outcomes.map((node) => node.textContent.trim())].join();
  }

  // Names the words of a card: a tick was given for these and no others.
  const versionOf = (li) => li.querySelector("[name=version]")?.value;

  // A card that changes elsewhere never discards what the person is typing, or a form that is being submitted.
  function replace(old, li) {
    if (isSubmitting(old)) {
      late.set(li.dataset.seq, li);
      return;
    }
    if (isBeingFilledIn(old) && isOpenCard(li)) return;
    if (stateOf(li) && stateOf(old) === stateOf(li)) return; // keeps the errors that the card shows
    const typed = old.querySelector(".field-input");
    const field = li.querySelector(".field-input");
    if (typed && field && typed.value && !field.value) field.value = typed.value;
    const box = li.querySelector("[name=box]");
    if (box && versionOf(old) === versionOf(li)) box.checked ||= Boolean(old.querySelector("[name=box]")?.checked);
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(li);
    activate(li);
    rearrange();
    if (isAtEnd) scrollToEnd(); // it may have grown
    const heading = li.querySelector(".card-title");
    if (hadFocus && heading) heading.focus({ preventScroll: true });
    announceClosedCard(li);
  }

  function applyLate(li) {
    const next = late.get(li.dataset.seq);
    late.delete(li.dataset.seq);
    if (next) replace(li, next);
  }

  // --- revealing parts

  function reveal(work, withTyping) {
    const started = generation;
    reveals = reveals.then(async () => {
      if (started !== generation) return;
      if (withTyping && !prefersCalm.matches && !document.hidden) await dots.showBriefly();
      if (started === generation) work();
    });
  }

  function enter(li) {
    if (!li.classList.contains("mine")) dots.onPart();
    li.hidden = li.classList.contains(DISMISSED);
    li.classList.add("enter");
    rearrange();
    follow(isMine(li));
    announcePart(li);
  }

  /* Adds a part of the server, or updates it where it is already shown. Returns its idempotency key, if it has one:
     the queue then no longer needs the message. `after` runs once the part is in the list. */
  function put(html, { fromBot = false, after = () => {} } = {}) {
    const li = parseHtml(html).querySelector(".part");
    if (!li) return "";
    const key = li.dataset.key || "";
    const old = bySeq(li.dataset.seq) || (key && unsentPart(key)); // a form and its message share a key
    if (!old && isBeforeFirst(li)) return "";
    if (old) {
      const wasUnsent = !old.dataset.seq;
      replace(old, li);
      if (wasUnsent) {
        insert(li);
        rearrange();
      }
      after();
      return key;
    }
    reveal(() => {
      show(li);
      after();
    }, fromBot);
    return key;
  }

  function show(li) {
    const old = bySeq(li.dataset.seq); // it may have arrived again while this one waited to be revealed
    if (old) {
      replace(old, li);
      return;
    }
    insert(li);
    activate(li);
    enter(li);
  }

  // An old part that changed is loaded with its neighbors when somebody asks for earlier messages.
  function isBeforeFirst(li) {
    const first = firstPart();
    return Boolean(first && olderButton && !olderButton.hidden && seqOf(li) < seqOf(first));
  }

  /* Shows another conversation. `fresh`: the sequence numbers of parts to reveal one by one. */
  function load(html, fresh) {
    generation += 1;
    late.clear();
    dots.hide();
    body.replaceChildren(parseHtml(html));
    list = body.querySelector(".parts");
    olderButton = body.querySelector(".older");
    if (olderButton) olderButton.addEventListener("click", showOlder);
    const freshParts = [...list.querySelectorAll(".part")].filter((li) => fresh.includes(seqOf(li)));
    const hiddenParts = prefersCalm.matches ? [] : freshParts;
    for (const li of hiddenParts) li.hidden = true;
    activate(body);
    rearrange();
    scrollToEnd();
    for (const li of hiddenParts) reveal(() => enter(li), true);
    if (prefersCalm.matches) freshParts.forEach(announcePart);
  }

  /* Hides an outbound message that the reader dismissed. */
  function dismiss(message) {
    for (const li of list.querySelectorAll(`.part[data-message="${CSS.escape(message)}"]`)) {
      li.replaceChildren();
      li.classList.add(DISMISSED);
      li.hidden = true;
    }
    rearrange();
  }

  // --- the reader's own messages, before the server has them

  function addUnsent({ key, text, at }, state) {
    if (byKey(key)) {
      setUnsent(key, state);
      return;
    }
    const li = document.getElementById("unsent").content.firstElementChild.cloneNode(true);
    li.dataset.key = key;
    li.dataset.at = at;
    li.dataset.state = state;
    li.querySelector(".bubble").textContent = text;
    list.append(li);
    rearrange();
    follow(true);
  }

  function setUnsent(key, state) {
    const li = unsentPart(key);
    if (!li) return;
    li.dataset.state = state;
    if (isAtEnd) scrollToEnd();
  }

  function removeUnsent(key) {
    const li = unsentPart(key);
    if (!li) return;
    li.remove();
    rearrange();
  }

  scroller.addEventListener("scroll", onScroll, { passive: true });
  pill.addEventListener("click", () => {
    scrollToEnd();
    scroller.focus({ preventScroll: true });
  });
  new ResizeObserver(() => {
    if (isAtEnd && list) scroller.scrollTop = scroller.scrollHeight;
  }).observe(scroller);

  return {
    load,
    put,
    dismiss,
    announce,
    showTyping: dots.show,
    addUnsent,
    setUnsent,
    removeUnsent,
    applyLate,
    dropLate: (li) => late.delete(li.dataset.seq),
    isAtEnd: () => isAtEnd,
    measure: () => {
      isAtEnd = measureEnd();
    },
  };
}
