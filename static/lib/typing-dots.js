/* The dots that say somebody is typing. */

const BRIEFLY = 650; // ms before a part of the bot
const WITHOUT_NEWS = 5000; // ms

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/* onShow(): keep them in view. */
export function createTypingDots(element, onShow) {
  let timer = 0;

  function hide() {
    clearTimeout(timer);
    timer = 0;
    element.hidden = true;
  }

  /* A person types: shown until a part arrives or nothing more is heard. */
  function show(words) {
    clearTimeout(timer);
    if (words) element.textContent = words;
    element.hidden = false;
    onShow();
    timer = setTimeout(hide, WITHOUT_NEWS);
  }

  /* The bot is about to say something. */
  async function showBriefly() {
    element.hidden = false;
    onShow();
    await wait(BRIEFLY);
    element.hidden = true;
  }

  return {
    show,
    showBriefly,
    hide,
    onPart() {
      if (timer) hide();
    },
  };
}
