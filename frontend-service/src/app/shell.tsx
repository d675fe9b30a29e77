import { BookOpen } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { buttonClasses } from "@/components/ui/button";
import { classes } from "@/lib/classes";
import { ThemeSwitch } from "./theme-switch";

const PLACES = [
  { href: "/", label: "Create" },
  { href: "/jobs", label: "Jobs" },
] as const;

/** The frame of every screen. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);

  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    // A new screen begins at its top, for the eye and for a screen reader.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <header className="sticky top-0 z-40 border-b border-line bg-page/85 backdrop-blur-lg">
        <div className="mx-auto flex h-14 max-w-screen-2xl items-center gap-1 px-4 sm:gap-6 lg:px-8">
          <Link
            href="/"
            className="flex items-center gap-2.5 rounded-sm text-base font-semibold tracking-tight"
            aria-label="Reelwork, to the start"
          >
            <img src="/favicon.svg" alt="" className="size-6" />
            <span className="max-sm:hidden">Reelwork</span>
          </Link>
          <nav aria-label="Main" className="flex gap-1">
            {PLACES.map(({ href, label }) => {
              const isHere = href === "/" ? path === "/" : path.startsWith(href);
              return (
                <Link
                  key={href}
                  href={href}
                  aria-current={isHere ? "page" : undefined}
                  className={classes(
                    "rounded-md px-3 py-1.5 font-medium transition-colors",
                    isHere ? "bg-sunken text-text" : "text-muted hover:text-text",
                  )}
                >
                  {label}
                </Link>
              );
            })}
          </nav>
          <div className="ml-auto flex items-center gap-1">
            <a href="/docs" className={buttonClasses("quiet", "sm")}>
              <BookOpen aria-hidden="true" className="size-4" /> API
            </a>
            <ThemeSwitch />
          </div>
        </div>
      </header>
      <main
        ref={main}
        id="main"
        tabIndex={-1}
        className="mx-auto max-w-screen-2xl px-4 pt-6 pb-16 outline-none lg:px-8 lg:pt-8"
      >
        {children}
      </main>
    </>
  );
}
