import { FileText, Film, Image } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useRenewedLink } from "./use-renewed-link";

type ThumbnailKind = "image" | "video" | "file";

interface AssetThumbnailProps {
  readonly assetId: string;
  readonly kind: ThumbnailKind;
}

const ICONS = { image: Image, video: Film, file: FileText } as const;

/** What there is to see of something of this media type. */
export function thumbnailKindOf(contentType: string): ThumbnailKind {
  if (contentType.startsWith("video/")) return "video";
  return contentType.startsWith("image/") ? "image" : "file";
}

/** A small still of a picture or a film, fetched when it comes near the screen; a sign for any other file. */
export function AssetThumbnail({ assetId, kind }: AssetThumbnailProps) {
  const frame = useRef<HTMLSpanElement>(null);
  const isNear = useNear(frame) && kind !== "file";
  const { url, isBroken, onBroken } = useRenewedLink(assetId, { enabled: isNear });
  const Icon = ICONS[kind];
  return (
    <span ref={frame} className="grid size-full place-items-center text-muted">
      {!url || isBroken ? (
        <Icon aria-hidden="true" className="size-4" />
      ) : kind === "image" ? (
        <img src={url} alt="" onError={onBroken} className="size-full object-cover" />
      ) : (
        // A moment into the film, so that one which opens from black shows something.
        <video
          src={`${url}#t=0.5`}
          muted
          playsInline
          preload="metadata"
          tabIndex={-1}
          aria-hidden="true"
          onError={onBroken}
          className="size-full object-cover"
        />
      )}
    </span>
  );
}

function useNear(frame: React.RefObject<HTMLElement | null>): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: "200px" },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [frame]);
  return isNear;
}
