/* Solves the challenge of a form: ALTCHA's worker derives keys until it has the right one. */

const MOST_WORKERS = 4;
const IMPOSSIBLE = "impossible";

/* The solution as the server reads it. A browser that can't compute it (no worker, no `crypto.subtle` without HTTPS)
   says so: its sign-up is kept without a text. */
export async function solve({ challenge, worker }) {
  if (!crypto.subtle) return IMPOSSIBLE;
  const workers = startWorkers(worker, Math.min(navigator.hardwareConcurrency || 1, MOST_WORKERS));
  try {
    const given = JSON.parse(challenge);
    const solution = await Promise.any(workers.map((one, number) => solutionOf(one, given, number, workers.length)));
    return btoa(JSON.stringify({ challenge: given, solution }));
  } catch {
    return IMPOSSIBLE;
  } finally {
    for (const one of workers) one.terminate();
  }
}

function startWorkers(address, number) {
  try {
    return Array.from({ length: number }, () => new Worker(address));
  } catch {
    return [];
  }
}

function solutionOf(worker, challenge, counterStart, counterStep) {
  return new Promise((resolve, reject) => {
    worker.onerror = reject;
    worker.onmessage = ({ data }) => (data?.derivedKey ? resolve(data) : reject(data?.error));
    worker.postMessage({ type: "work", challenge, counterStart, counterStep });
  });
}
