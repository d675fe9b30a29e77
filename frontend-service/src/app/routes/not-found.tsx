import { Compass } from "lucide-react";
import { Link } from "wouter";
import { buttonClasses } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";

export function NotFoundRoute() {
  return (
    <>
      <title>Not found · Reelwork</title>
      <h1 className="sr-only">Not found</h1>
      <EmptyState
        icon={Compass}
        title="There is no such page"
        action={
          <Link href="/" className={buttonClasses("primary")}>
            Make something
          </Link>
        }
      >
        The address may be old, or a letter is missing.
      </EmptyState>
    </>
  );
}
