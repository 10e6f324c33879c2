import { useState } from "preact/hooks";
import { orders, tellShift, type ShiftAct } from "../shifts";
import { words } from "../text/language";
import { Refused } from "./Refused";

/** End, pause, go on. To end takes two presses: it takes somebody's protection away. */
export function ShiftButtons({ shiftId, paused }: { shiftId: number; paused: boolean }) {
  const [sure, setSure] = useState(false);
  const order = orders.value.get(shiftId);
  const sending = order?.state === "sending";
  const act: ShiftAct = paused ? "resume" : "pause";
  return (
    <div class="shift-buttons">
      <button type="button" data-action={`shift-${act}`} disabled={sending} onClick={() => void tellShift(shiftId, act)}>
        {paused ? words.resumeShift : words.pauseShift}
      </button>
      <button
        type="button"
        class={sure ? "sure" : ""}
        data-action="shift-end"
        disabled={sending}
        onBlur={() => setSure(false)}
        onClick={() => (sure ? void tellShift(shiftId, "end") : setSure(true))}
      >
        {sure ? words.endShiftSure : words.endShift}
      </button>
      {order?.state === "failed" && <Refused lines={order.lines} />}
    </div>
  );
}
