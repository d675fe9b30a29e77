import { type KeyboardEvent, useRef } from "react";
import type { JobView } from "@/schema/api.gen";
import { JobRow } from "./job-row";

interface JobListProps {
  readonly jobs: readonly JobView[];
  /** How a model is called and whether it makes films, by its name. */
  readonly modelOf: (name: string) => { readonly title: string; readonly makesFilm: boolean };
}

/** The jobs, one line each. Arrows (or j and k) walk through the lines, Home and End jump, Enter opens. */
export function JobList({ jobs, modelOf }: JobListProps) {
  const list = useRef<HTMLUListElement>(null);

  const walk = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const lines = [...(list.current?.querySelectorAll<HTMLElement>("[data-line]") ?? [])];
    const here = lines.indexOf(document.activeElement as HTMLElement);
    const next = destination(event.key, here, lines.length);
    if (next === null) return;
    event.preventDefault();
    lines[next]?.focus();
  };

  return (
    <ul
      ref={list}
      aria-label="Jobs"
      onKeyDown={walk}
      className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface"
    >
      {jobs.map((job) => {
        const { title, makesFilm } = modelOf(job.model);
        return <JobRow key={job.id} job={job} modelTitle={title} makesFilm={makesFilm} />;
      })}
    </ul>
  );
}

function destination(key: string, here: number, count: number): number | null {
  switch (key) {
    case "ArrowDown":
    case "j":
      return Math.min(here + 1, count - 1);
    case "ArrowUp":
    case "k":
      return Math.max(here - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
