import { mutedUntilMs, toggleMute, wantedSound } from "../sound/alarm_sound";
import { play, unlock } from "../sound/speaker";
import { words } from "../text/language";

/** Silence is borrowed for a minute, never switched off; without an alarm the button tests the loudspeaker. */
export function SoundButtons() {
  if (wantedSound.value !== null) {
    const muted = mutedUntilMs.value !== 0;
    return (
      <button type="button" data-action="mute" aria-pressed={muted} onClick={toggleMute}>
        {muted ? words.unmute : words.mute}
      </button>
    );
  }
  return (
    <button type="button" data-action="test-sound" onClick={() => void unlock().then(() => play("stillness"))}>
      {words.testSound}
    </button>
  );
}
