/* The picker beside the field of a color: each follows the other. */

const HEX = /^#?([0-9a-f]{6})$/i;

for (const picker of document.querySelectorAll("[data-color-for]")) {
  const field = document.getElementById(picker.dataset.colorFor);

  function readField() {
    const hex = HEX.exec(field.value.trim());
    if (hex) picker.value = `#${hex[1].toLowerCase()}`;
  }

  field.addEventListener("input", readField);
  picker.addEventListener("input", () => {
    field.value = picker.value;
    field.dispatchEvent(new Event("input", { bubbles: true })); // the preview follows
  });
  readField();
  picker.hidden = false;
}
