/* Whether the key belongs to an input method (for Japanese, Chinese, Korean …) that is composing text. Safari ends the
   composition before the keydown of Enter, so its event says `isComposing: false`; the key code 229 is all that tells. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;
