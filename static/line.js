/* A live line to the server: it says hello, stays, and comes back by itself, later each time. */
'use strict';

/* path: where it is held. hello: what it says first, if anything.
   onMessage(message): all that is told; with "ready" the line stands, and nothing is missed from then on.
   onDrop(code): false if it shall not come back before the page is looked at again. onGone: it has been away for longer than anybody overlooks.
   beforeAgain(wasReady): what is waited for before it is tried again. */
// eslint-disable-next-line no-unused-vars
function makeLine({ path, hello, onMessage, onDrop = () => true, onGone = () => {}, beforeAgain = () => {} }) {
  const SILENCE = 45000; // ms; the server beats every 20 s
  const LONGEST = 30000; // ms between two tries
  const GONE = 2500; // ms; a drop that is shorter is nobody's business
  const RESTARTS = 1012;
  let socket = null;
  let isWanted = false;
  let isReady = false; // before it, the server hears nothing but our hello
  let wait = 500;
  let retry = 0;
  let watchdog = 0;
  let gone = 0;

  function connect() {
    clearTimeout(retry);
    if (!isWanted || socket) return;
    const mine = new WebSocket(location.origin.replace(/^http/, 'ws') + path);
    socket = mine;
    isReady = false;
    listen();
    mine.onopen = () => { if (hello) mine.send(JSON.stringify(hello())); };
    mine.onmessage = (event) => { if (mine === socket) receive(JSON.parse(event.data)); };
    mine.onclose = (event) => drop(mine, event.code);
  }

  function listen() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => drop(socket, 0), SILENCE);
  }

  function receive(message) {
    listen();
    if (message.type === 'ready') {
      isReady = true;
      wait = 500;
      clearTimeout(gone);
      gone = 0;
    }
    onMessage(message);
  }

  // What hangs up on a dead network is never told so: it is let go at once.
  function drop(mine, code) {
    if (!mine || mine !== socket) return;
    const wasReady = isReady;
    forget();
    if (!isWanted || onDrop(code) === false) return;
    if (!gone) gone = setTimeout(onGone, GONE);
    // Half of the time is chance, so that a thousand pages don't come back in the same moment.
    const pause = code === RESTARTS ? 200 + Math.random() * 1800 : wait * (0.5 + Math.random() / 2);
    wait = Math.min(wait * 2, LONGEST);
    retry = setTimeout(async () => {
      await beforeAgain(wasReady);
      connect();
    }, pause);
  }

  function forget() {
    clearTimeout(retry);
    clearTimeout(watchdog);
    const old = socket;
    socket = null;
    isReady = false;
    if (old) old.close();
  }

  function start() {
    forget();
    isWanted = true;
    wait = 500;
    connect();
  }

  function stop() {
    forget();
    isWanted = false;
  }

  const renew = () => { if (isWanted) start(); };
  window.addEventListener('online', renew);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) connect(); });

  return {
    start, stop, renew,
    say(message) {
      if (!isReady) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
  };
}
