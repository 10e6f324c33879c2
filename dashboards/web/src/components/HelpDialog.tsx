import { useEffect, useRef } from "preact/hooks";
import { helpOpen, shortcutsOn } from "../screen";
import { words } from "../text/language";
import { Legend } from "./Legend";

/** A native modal dialog: the browser keeps the focus inside and gives it back. */
export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">{words.helpTitle}</h2>
      <table>
        <tbody>
          {words.keys.map(([keys, meaning]) => (
            <tr key={keys}>
              <th scope="row">
                <kbd>{keys}</kbd>
              </th>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label class="switch">
        <input
          type="checkbox"
          checked={shortcutsOn.value}
          onChange={(event) => (shortcutsOn.value = event.currentTarget.checked)}
        />
        {words.shortcutsOn}
      </label>
      <h2>{words.legend}</h2>
      <Legend />
      <button type="button" class="big" onClick={() => (helpOpen.value = false)}>
        {words.close}
      </button>
    </dialog>
  );
}
