import type { AlertNews } from "../contract";
import { shortTimeText } from "../text/instants";
import { words } from "../text/language";

/** Nobody is acting: that is bad news. */
const UNANSWERED: ReadonlySet<AlertNews["kind"]> = new Set(["lapsed", "steps_exhausted", "step_reaches_nobody"]);

/** What has happened since the alert was raised. It closes nothing: that is for a human. */
export function News({ history }: { history: readonly AlertNews[] }) {
  if (history.length === 0) return null;
  return (
    <ul class="news" role="status">
      {history.map((news) => (
        <li key={news.kind} data-news={news.kind} class={UNANSWERED.has(news.kind) ? "unanswered" : undefined}>
          {newsText(news)}
        </li>
      ))}
    </ul>
  );
}

function newsText({ kind, times, first_at, last_at }: AlertNews): string {
  const at = (instant: string) => shortTimeText(Date.parse(instant), words);
  if (kind === "moved_in_alarm") return `${words.movedSince(at(first_at))}. ${words.movedHint}`;
  const what = words.news[kind] ?? kind;
  return times > 1 ? `${what} ${words.times(times)} ${words.atTime(at(last_at))}` : `${what} ${words.atTime(at(last_at))}`;
}
