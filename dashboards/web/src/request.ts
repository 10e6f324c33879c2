import type { Refusal } from "./contract";
import { words } from "./text/language";

const ANSWER_LIMIT_MS = 8_000;

/** Ask the server to change something. It throws when the server does not answer in time. */
export function post(path: string, body: object): Promise<Response> {
  return fetch(new URL(path, document.baseURI), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Gyrophare": "console" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
}

/** Ask the server for something. It throws when the server does not answer in time, or with an error. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(new URL(path, document.baseURI), { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

export async function refusalOf(response: Response): Promise<Refusal | null> {
  try {
    const body = (await response.json()) as { error?: Refusal };
    return body.error ?? null;
  } catch {
    return null;
  }
}

/** Why the server refused, a line each, for a person. */
export function refusalLines(status: number, refusal: Refusal | null): string[] {
  if (status === 401) return [words.session];
  if (!refusal) return [words.refused(status)];
  const lines = [refusal.what, refusal.expected && words.expected(refusal.expected), refusal.do];
  return lines.filter((line): line is string => !!line);
}

/** What became of a request: the answer, or the lines that say why there is none. */
export type Answer<T> = { ok: true; value: T } | { ok: false; lines: string[] };

/** Ask the server; with a body, for something to be done. It never throws. */
export async function ask<T>(path: string, body?: object): Promise<Answer<T>> {
  try {
    const response = body
      ? await post(path, body)
      : await fetch(new URL(path, document.baseURI), { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    if (response.ok) return { ok: true, value: (await response.json()) as T };
    return { ok: false, lines: refusalLines(response.status, await refusalOf(response)) };
  } catch {
    return { ok: false, lines: [words.noAnswer] };
  }
}
