/* The field for a phone number: follows a typed country code, groups the digits while they are typed, and shows an example. */

const WRITTEN = /^[+\d\s().-]*$/; // anything else that somebody pastes is for the server to read

const trunk = (example) => (example.startsWith("0") ? "0" : "");

/* Puts digits in the places of a mask; empty if they don't fit. */
function fill(mask, digits) {
  if (digits.length > mask.split("0").length - 1) return "";
  let grouped = "";
  let next = 0;
  for (const character of mask) {
    if (next === digits.length) break;
    grouped += character === "0" ? digits[next++] : character;
  }
  return grouped;
}

/* The digits of a number in one country, as people there write it; unchanged where that is unknown. */
function group({ mask, example }, digits, isInternational) {
  if (!mask || (trunk(example) === "" && /^[01]/.test(digits))) return digits;
  const hasTrunk = digits.startsWith("0");
  if (hasTrunk && isInternational) return digits;
  const places = trunk(example) && !hasTrunk ? mask.replace("0", "").trimStart() : mask;
  return fill(places, digits) || digits;
}

const isCodeOf = (digits) => (option) => digits.startsWith(option.dataset.code.slice(1));
const countriesOf = (field) => [...field.querySelectorAll("option, input[name=region]")];
const chosenIn = (field) => field.querySelector("select")?.selectedOptions[0] ?? countriesOf(field)[0];

/* A number that starts with + chooses its own country: the one that is chosen already, if its code is the same. */
function follow(field, digits) {
  const select = field.querySelector("select");
  const matching = countriesOf(field).filter(isCodeOf(digits));
  if (select && matching.length && !matching.includes(chosenIn(field))) matching[0].selected = true;
  return matching.length > 0;
}

function couldMatch(field, digits) {
  return countriesOf(field).some((option) => option.dataset.code.slice(1).startsWith(digits));
}

/* Shows which country counts: the chosen one, or none of them. */
function showCountry(field, input) {
  const typed = input.value.trim();
  const digits = typed.replace(/\D/g, "");
  const isForeign = typed.startsWith("+") && !follow(field, digits) && !couldMatch(field, digits);
  const chosen = chosenIn(field);
  field.classList.toggle("field--foreign", isForeign);
  field.querySelector(".field-region bdi").textContent = `${chosen.value} ${chosen.dataset.code}`;
  input.placeholder = chosen.dataset.example;
}

function regroup(field, input) {
  const typed = input.value.trim();
  const digits = typed.replace(/\D/g, "");
  const chosen = chosenIn(field);
  if (!WRITTEN.test(typed) || typed.lastIndexOf("+") > 0) return;
  if (!typed.startsWith("+")) input.value = group(chosen.dataset, digits, false);
  else if (isCodeOf(digits)(chosen)) {
    const { code } = chosen.dataset;
    const rest = digits.slice(code.length - 1);
    input.value = rest ? `${code} ${group(chosen.dataset, rest, true)}` : typed;
  }
}

// While somebody corrects the middle of a number, or deletes, nothing moves under their hands.
function isAtEnd(event, input) {
  return input.selectionStart === input.value.length && !event.isComposing && !/^delete/.test(event.inputType || "");
}

/* Brings a field up to date: after what somebody did in it, or (without an event) with what stands in it. */
export function updateField(field, event) {
  const input = field.querySelector(".field-input");
  showCountry(field, input);
  if (!event || (event.target === input && isAtEnd(event, input))) regroup(field, input);
}
