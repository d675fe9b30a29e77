import { KeyRound } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { session, startSession, unlock } from "@/lib/session";
import { useStore } from "@/lib/store";

/** Shows the product once there is a key, and asks for one where the server gives none. */
export function KeyGate({ children }: { readonly children: (key: string) => ReactNode }) {
  const now = useStore(session);

  useEffect(() => {
    if (session.get().phase === "starting") void startSession();
  }, []);

  switch (now.phase) {
    case "starting":
      return (
        <div role="status" aria-label="Starting" className="grid gap-8 lg:grid-cols-[25rem_minmax(0,1fr)]">
          <Skeleton className="h-96" />
          <Skeleton className="aspect-video" />
        </div>
      );
    case "unreachable":
      return (
        <div className="mx-auto max-w-xl py-16">
          <ErrorPanel what="Reelwork could not start" error={now.error} onRetry={() => void startSession()} />
        </div>
      );
    case "locked":
      return <KeyForm wasRefused={now.refused} />;
    case "open":
      return children(now.key);
    default:
      return now satisfies never;
  }
}

function KeyForm({ wasRefused }: { readonly wasRefused: boolean }) {
  const id = useId();
  const [key, setKey] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim()) unlock(key.trim());
  };

  return (
    <form onSubmit={submit} className="mx-auto flex max-w-sm flex-col items-center py-20 text-center">
      <span className="grid size-12 place-items-center rounded-lg bg-accent-soft text-accent">
        <KeyRound aria-hidden="true" className="size-5" />
      </span>
      <h1 className="mt-5 text-lg font-semibold">Your API key</h1>
      <p id={`${id}-help`} className="mt-1 text-muted">
        It stays in this tab and is forgotten when you close it.
      </p>
      <label htmlFor={id} className="sr-only">
        API key
      </label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="rw_…"
        value={key}
        aria-invalid={wasRefused}
        aria-describedby={wasRefused ? `${id}-problem` : `${id}-help`}
        onChange={(event) => setKey(event.target.value)}
        className="mt-6 h-11 w-full rounded-md border border-line bg-surface px-3 text-center font-mono transition-colors hover:border-line-strong focus:border-accent aria-invalid:border-bad"
      />
      {wasRefused && (
        <p id={`${id}-problem`} role="alert" className="mt-2 font-medium text-bad">
          That key was not accepted. Check it, or ask whoever runs this server for a new one.
        </p>
      )}
      <Button look="primary" type="submit" className="mt-4 w-full" disabled={key.trim() === ""}>
        Open Reelwork
      </Button>
    </form>
  );
}
