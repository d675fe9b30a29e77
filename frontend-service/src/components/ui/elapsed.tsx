import { useEffect, useState } from "react";
import { formatSeconds } from "@/lib/format";

/** Seconds since a moment, counting. */
export function Elapsed({ since }: { readonly since: string }) {
  const [now, setNow] = useState(() => Date.now());

  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, []);

  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  return <span className="tabular">{formatSeconds(seconds)}</span>;
}
