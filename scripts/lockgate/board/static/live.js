// The live connection: a WebSocket, or server-sent events where none gets through. It resumes from the last event it had.
const BASE = 1000, CAP = 30000, STABLE = 30000, SILENT = 45000;
const BLOCKED = 2, AWAY = 6;  // tries without a WebSocket before server-sent events are tried: where none ever opened, or one did
const MANY = 4429;  // as many pages of this person are live as may be: when one is closed another may be
const RESTART = 1012;  // the board is exchanged: another one is there already, however often that happens
const FINAL = new Set([4401, 1008]);  // signed out, refused: trying again would change nothing

export class Live {
  // `heard(event)` for each event; `state(name)` with on, late, off or out; `resync()` when events were missed.
  constructor(head, room, { heard, state, resync }) {
    Object.assign(this, { head, room, heard, state, resync });
    this.tries = 0; this.failedSockets = 0; this.patience = BLOCKED; this.last = Date.now(); this.link = null; this.timer = 0;
    addEventListener("online", () => this.again(0));
    addEventListener("offline", () => state("off"));
    document.addEventListener("visibilitychange", () => { if (!document.hidden && !this.link) this.again(0); });
    addEventListener("pagehide", () => this.close());
    setInterval(() => { if (this.link && Date.now() - this.last > SILENT) this.lost(0); }, 5000);
    this.open();
  }
  url(path, scheme) {
    const url = new URL(path, location.href);
    if (scheme) url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after", this.head);
    for (const [name, value] of Object.entries(this.room)) if (value) url.searchParams.set(name, value);
    return url;
  }
  open() {
    if (this.link) return;
    clearTimeout(this.timer);
    const opened = Date.now();
    this.last = opened;
    const good = () => { this.state("on"); setTimeout(() => { if (this.link) this.tries = 0; }, STABLE); };
    if (this.failedSockets < this.patience) {
      const socket = new WebSocket(this.url("/live", true));
      let ever = false;
      socket.onopen = () => { ever = true; this.failedSockets = 0; this.patience = AWAY; good(); };
      socket.onmessage = (message) => this.take(message.data);
      socket.onclose = (event) => {
        if (this.link !== socket) return;
        if (!ever) this.failedSockets += 1;
        if (event.code === MANY) { this.lost(CAP); return; }
        if (event.code === RESTART) this.tries = 0;
        if (FINAL.has(event.code)) { this.link = null; this.state("out"); return; }
        this.lost();
      };
      this.link = socket;
    } else {
      const stream = new EventSource(this.url("/events"));
      stream.onopen = good;
      stream.onmessage = (message) => this.take(message.data);
      stream.onerror = () => { if (this.link === stream) { this.failedSockets = 0; this.lost(); } };
      this.link = stream;
    }
  }
  take(text) {
    this.last = Date.now();
    const frame = JSON.parse(text);
    if (frame.head) this.head = frame.head;
    if (frame.type === "resync") this.resync();
    for (const event of frame.events || []) this.heard(event);
  }
  lost(wait) {
    this.close();
    this.state(navigator.onLine ? "late" : "off");
    this.tries += 1;
    // Full jitter: after a restart everybody comes back, and not at once.
    this.again(wait ?? Math.random() * Math.min(CAP, BASE * 2 ** this.tries));
  }
  again(wait) {
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.open(), wait);
  }
  close() {
    const link = this.link;
    this.link = null;
    if (link) link.close();
  }
}
