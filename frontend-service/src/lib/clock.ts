import { useSyncExternalStore } from "react";

const STEP_MS = 10_000;

/** The time, in steps of ten seconds, kept true while it is looked at. Never behind. */
export function useClock(): number {
  return useSyncExternalStore(everyStep, lastStep);
}

function everyStep(changed: () => void): () => void {
  const timer = window.setInterval(changed, STEP_MS);
  return () => window.clearInterval(timer);
}

function lastStep(): number {
  return Math.ceil(Date.now() / STEP_MS) * STEP_MS;
}
