import { readMessage } from "./contract";
import { backoffMs } from "./rules/backoff";
import { applyMessage, connection, heardAtMs } from "./store";

/** The server speaks at least every 5 s. After 10 s of nothing the screen can no longer be believed. */
const SILENCE_LIMIT_MS = 10_000;

let socket: WebSocket | null = null;
let startedAtMs = 0;
let attempt = 0;
let waiting: ReturnType<typeof setTimeout> | undefined;

function address(): string {
  const url = new URL("api/v1/live", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = "";
  return url.href;
}

/** The page's only connection. Every opening begins with a snapshot, so nothing is replayed from memory. */
export function openSocket(): void {
  clearTimeout(waiting);
  const mine = new WebSocket(address());
  socket = mine;
  startedAtMs = Date.now();
  mine.onmessage = (event) => {
    if (mine !== socket || typeof event.data !== "string") return;
    const message = readMessage(event.data);
    if (!message) return;
    applyMessage(message);
    attempt = 0;
    connection.value = "live";
  };
  mine.onclose = () => {
    if (mine === socket) reconnect();
  };
}

function reconnect(): void {
  const old = socket;
  socket = null;
  old?.close();
  if (connection.value === "live") connection.value = "connecting";
  clearTimeout(waiting);
  waiting = setTimeout(openSocket, backoffMs(attempt, Math.random()));
  attempt += 1;
}

/** Called once a second. An open socket that says nothing is as dead as a closed one. */
export function watchSilence(): void {
  const now = Date.now();
  if (now - heardAtMs.value < SILENCE_LIMIT_MS) return;
  connection.value = "lost";
  // A fresh socket gets its own ten seconds, whether it is still opening or open and mute.
  if (socket && now - startedAtMs >= SILENCE_LIMIT_MS) reconnect();
}

/** False when there is no open connection; the caller tries again later. */
export function send(message: { type: "presented"; alert_id: number }): boolean {
  if (!socket || socket.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

/** The cable is back: do not sit out the rest of the wait. */
export function reconnectSoon(): void {
  if (!socket) openSocket();
}
