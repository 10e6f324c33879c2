import type { Device, Protection } from "../contract";
import { LEVEL_MARKS, reasonsText } from "../text/protection_words";
import { words } from "../text/language";
import { Fact, InstantFact } from "./Facts";
import { Age, Instant } from "./Instants";

/** How well a shift is protected, by which rules, and how long it was to last. */
export function ProtectionFacts({ device }: { device: Device }) {
  if (device.protection.level === "off_duty") return null;
  return (
    <>
      {device.prealarm && <InstantFact name={words.prealarmSince} at={device.prealarm.since} />}
      <Fact name={words.protection}>
        <LevelText protection={device.protection} />
      </Fact>
      {device.profile && <Fact name={words.profile}>{words.profileNames[device.profile] ?? device.profile}</Fact>}
      {device.planned_end_at && (
        <Fact name={words.plannedEnd}>
          <Instant at={device.planned_end_at} />
        </Fact>
      )}
    </>
  );
}

/** "○ Non protégé montre silencieuse depuis 07:42:03, il y a 4 min": the mark repeats the word. */
export function LevelText({ protection }: { protection: Protection }) {
  const { level, reasons, since } = protection;
  return (
    <span class="level" data-level={level}>
      <b>
        <span aria-hidden="true">{LEVEL_MARKS[level]}</span> {words.level[level]}
      </b>{" "}
      {level !== "protected" && (
        <small>
          {reasonsText(reasons, words)}{" "}
          {since && (
            <span class="since">
              {words.since} <Instant at={since} />, <Age at={since} />
            </span>
          )}
        </small>
      )}
    </span>
  );
}
