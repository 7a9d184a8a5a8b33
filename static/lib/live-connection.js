/* A WebSocket that reconnects by itself, with increasing pauses. */

const SILENCE = 45000; // ms without a message before the connection counts as dead; the server sends a heartbeat every 20 s
const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 30000; // ms between two attempts
const GRACE = 2500; // ms that a lost connection may take to come back before the person is told
const SERVER_RESTARTS = 1012;

/* path: the address on this server.
   hello(): the first message to send, if any.
   onMessage(message): every message of the server, which sends one or a list of them at a time. After "ready" no message is missed.
   onDrop(code): return false to stay disconnected until the page becomes visible again.
   onLost(): the connection has been away for longer than GRACE.
   beforeRetry(wasReady): awaited before each new attempt. */
export function createLiveConnection({
  path,
  hello,
  onMessage,
  onDrop = () => true,
  onLost = () => {},
  beforeRetry = () => {},
}) {
  let socket = null;
  let isWanted = false;
  let isReady = false; // until then, the server accepts only the hello
  let pause = FIRST_PAUSE;
  let retryTimer = 0;
  let silenceTimer = 0;
  let lostTimer = 0;

  function connect() {
    clearTimeout(retryTimer);
    if (!isWanted || socket) return;
    const opened = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    socket = opened;
    isReady = false;
    restartSilenceTimer();
    opened.onopen = () => {
      if (hello) opened.send(JSON.stringify(hello()));
    };
    opened.onmessage = (event) => {
      for (const message of [JSON.parse(event.data)].flat()) {
        if (opened === socket) receive(message);
      }
    };
    opened.onclose = (event) => drop(opened, event.code);
  }

  function restartSilenceTimer() {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => drop(socket, 0), SILENCE);
  }

  function receive(message) {
    restartSilenceTimer();
    if (message.type === "ready") {
      isReady = true;
      pause = FIRST_PAUSE;
      clearTimeout(lostTimer);
      lostTimer = 0;
    }
    onMessage(message);
  }

  // On a dead network a socket never reports that it closed, so it is abandoned at once.
  function drop(closed, code) {
    if (!closed || closed !== socket) return;
    const wasReady = isReady;
    disconnect();
    if (!isWanted || onDrop(code) === false) return;
    if (!lostTimer) lostTimer = setTimeout(onLost, GRACE);
    retryTimer = setTimeout(async () => {
      await beforeRetry(wasReady);
      connect();
    }, nextPause(code));
  }

  // Random, so that a thousand pages don't reconnect in the same moment.
  function nextPause(code) {
    const next = code === SERVER_RESTARTS ? 200 + Math.random() * 1800 : pause * (0.5 + Math.random() / 2);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return next;
  }

  function disconnect() {
    clearTimeout(retryTimer);
    clearTimeout(silenceTimer);
    const old = socket;
    socket = null;
    isReady = false;
    if (old) old.close();
  }

  function start() {
    disconnect();
    isWanted = true;
    pause = FIRST_PAUSE;
    connect();
  }

  function stop() {
    disconnect();
    isWanted = false;
  }

  function reconnect() {
    if (isWanted) start();
  }

  /* Returns false when there is no connection: then nothing was sent. */
  function send(message) {
    if (!isReady) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  window.addEventListener("online", reconnect);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connect();
  });

  return { start, stop, reconnect, send };
}
