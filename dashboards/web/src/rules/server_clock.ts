/**
 * How far the server's clock is ahead of this machine's, from the last messages.
 * A message can only arrive late, never early, so the largest difference is the best one.
 */
export class ServerClock {
  private readonly samples: number[] = [];

  observe(serverAtMs: number, localMs: number): number {
    if (Number.isFinite(serverAtMs)) this.samples.push(serverAtMs - localMs);
    if (this.samples.length > 12) this.samples.shift();
    return this.offsetMs;
  }

  get offsetMs(): number {
    return this.samples.length > 0 ? Math.max(...this.samples) : 0;
  }
}
