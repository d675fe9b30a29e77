import { useEffect, useEffectEvent } from "react";

/** Takes files that are pasted anywhere on the page, or dropped beside the drop zone by a hasty hand. */
export function usePastedFile(onFile: (file: File) => void): void {
  const take = useEffectEvent((event: Event, files: FileList | undefined) => {
    const file = files?.[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    onFile(file);
  });

  useEffect(() => {
    const paste = (event: ClipboardEvent) => take(event, event.clipboardData?.files);
    const drop = (event: DragEvent) => take(event, event.dataTransfer?.files);
    // Without this the browser leaves the page to show the file.
    const allow = (event: DragEvent) => event.preventDefault();
    window.addEventListener("paste", paste);
    window.addEventListener("drop", drop);
    window.addEventListener("dragover", allow);
    return () => {
      window.removeEventListener("paste", paste);
      window.removeEventListener("drop", drop);
      window.removeEventListener("dragover", allow);
    };
  }, []);
}
