import { ImageOff } from "lucide-react";
import { Skeleton } from "@/components/ui/skeleton";
import { classes } from "@/lib/classes";
import { useRenewedLink } from "./use-renewed-link";

interface AssetImageProps {
  readonly assetId: string;
  readonly alt: string;
  readonly className?: string;
}

/** A stored picture. */
export function AssetImage({ assetId, alt, className }: AssetImageProps) {
  const { url, isBroken, onBroken } = useRenewedLink(assetId);
  if (isBroken) return <BrokenMedia icon={ImageOff} what="This picture cannot be loaded." />;
  if (!url) return <Skeleton className={classes("size-full", className)} />;
  return (
    <img
      src={url}
      alt={alt}
      onError={onBroken}
      draggable={false}
      className={classes("object-contain", className)}
    />
  );
}

export function BrokenMedia({ icon: Icon, what }: { readonly icon: typeof ImageOff; readonly what: string }) {
  return (
    <span
      className="grid size-full place-items-center content-center gap-2 text-muted"
      role="img"
      aria-label={what}
    >
      <Icon aria-hidden="true" className="size-5" />
      <span aria-hidden="true" className="@max-[8rem]:hidden">
        {what}
      </span>
    </span>
  );
}
