import { effect } from "@preact/signals";
import { connection, untreated } from "./store";
import { headline } from "./text/alert_words";
import { words } from "./text/language";

/** The window's title and icon carry the count, for a dispatcher who has another window in front. */
export function keepTitle(): void {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const calm = icon?.href ?? "";
  let drawn = "";
  effect(() => {
    const waiting = untreated.value;
    const first = waiting[0];
    const lost = connection.value === "lost";
    const news = first ? `(${waiting.length}) ${headline(first, words)} ${first.agent} · ` : "";
    document.title = (lost ? `⚠ ${words.lost} · ` : "") + news + words.app;

    const badge = lost ? "!" : waiting.length > 9 ? "9+" : waiting.length > 0 ? String(waiting.length) : "";
    if (!icon || badge === drawn) return;
    drawn = badge;
    icon.type = badge ? "image/png" : "image/svg+xml";
    icon.href = badge ? badgeIcon(badge) : calm;
  });
}

function badgeIcon(text: string): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  if (!pen) return "";
  pen.fillStyle = "#c4161c";
  pen.beginPath();
  pen.roundRect(0, 0, 64, 64, 14);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = `bold ${text.length > 1 ? 36 : 48}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, 32, 35);
  return canvas.toDataURL("image/png");
}
