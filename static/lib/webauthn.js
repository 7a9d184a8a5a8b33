/* Between the JSON of the server and what `navigator.credentials` takes and gives. */

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
const withBytes = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

export async function createPasskey(options) {
  const user = { ...options.user, id: toBytes(options.user.id) };
  const excludeCredentials = withBytes(options.excludeCredentials);
  const publicKey = { ...options, user, excludeCredentials, challenge: toBytes(options.challenge) };
  const made = await navigator.credentials.create({ publicKey });
  return json(made, {
    attestationObject: toText(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

export async function usePasskey(options) {
  const allowCredentials = withBytes(options.allowCredentials);
  const publicKey = { ...options, allowCredentials, challenge: toBytes(options.challenge) };
  const used = await navigator.credentials.get({ publicKey });
  return json(used, {
    authenticatorData: toText(used.response.authenticatorData),
    signature: toText(used.response.signature),
  });
}

function json(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  });
}
