import { CircleAlert, RotateCw } from "lucide-react";
import { Button } from "@/components/ui/button";
import { asApiError } from "@/lib/api-error";
import type { FieldProblem } from "@/schema/api.gen";

interface ErrorPanelProps {
  /** What the person wanted, as the start of the message: "The jobs could not be loaded". */
  readonly what: string;
  readonly error: unknown;
  /** Which of the error's complaints to list; all of them where none is said elsewhere. */
  readonly complaints?: readonly FieldProblem[];
  readonly onRetry?: (() => void) | undefined;
}

/** What happened, each complaint, the cure, a way to try again, and the id to quote. */
export function ErrorPanel({ what, error, complaints, onRetry }: ErrorPanelProps) {
  const { title, message, hint, requestId, fields } = asApiError(error);
  const listed = complaints ?? fields;
  // The server's detail and hint may be the text of a complaint, which stands in the list or beside its field.
  const isNew = (text: string) => fields.every(({ detail }) => detail !== text);
  return (
    <div
      data-slot="error-panel"
      role="alert"
      className="flex gap-3 rounded-lg border border-bad/25 bg-bad-soft p-4"
    >
      <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          {what}: {title.charAt(0).toLowerCase() + title.slice(1)}.
        </p>
        {message !== title && isNew(message) && <p className="mt-1 text-pretty">{message}</p>}
        {listed.length > 0 && (
          <ul className="mt-1 space-y-1">
            {listed.map(({ pointer, detail }) => (
              <li key={pointer + detail} className="text-pretty">
                {placeOf(pointer)}
                {detail}
              </li>
            ))}
          </ul>
        )}
        {hint && isNew(hint) && <p className="mt-1 text-pretty">{hint}</p>}
        {requestId && (
          <p className="mt-2 font-mono text-xs text-muted [overflow-wrap:anywhere]">Request {requestId}</p>
        )}
        {onRetry && (
          <Button size="sm" className="mt-3" onClick={onRetry}>
            <RotateCw aria-hidden="true" className="size-3.5" /> Try again
          </Button>
        )}
      </div>
    </div>
  );
}

/** `values/3: ` for `#/input/values/3`; nothing for the input as a whole. */
function placeOf(pointer: string): string {
  const place = pointer.replace(/^#\/?(input)?\/?/, "");
  return place === "" ? "" : `${place}: `;
}
