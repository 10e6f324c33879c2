/** Why something was not done. */
export function Refused({ lines }: { lines: readonly string[] }) {
  return (
    <ul class="refusal" role="alert">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
