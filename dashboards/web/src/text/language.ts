import { en } from "./en";
import { fr, type Words } from "./fr";

const chosen = typeof location === "undefined" ? null : new URLSearchParams(location.search).get("lang");

export const language: "fr" | "en" = chosen === "en" ? "en" : "fr";

/** The words of the chosen language; it does not change while the page is open. */
export const words: Words = language === "en" ? en : fr;
