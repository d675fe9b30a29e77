import { VideoOff } from "lucide-react";
import { BrokenMedia } from "@/components/media/asset-image";
import { useRenewedLink } from "@/components/media/use-renewed-link";
import { Skeleton } from "@/components/ui/skeleton";
import { prefersStillness } from "@/lib/stillness";

interface AssetVideoProps {
  readonly assetId: string;
  readonly label: string;
}

/** A stored film: plays at once, muted and looped, unless the person asked for less motion; full screen by its controls. */
export function AssetVideo({ assetId, label }: AssetVideoProps) {
  const { url, isBroken, onBroken } = useRenewedLink(assetId);
  if (isBroken) return <BrokenMedia icon={VideoOff} what="This film cannot be loaded." />;
  if (!url) return <Skeleton className="size-full" />;
  return (
    <video
      key={url}
      src={url}
      aria-label={label}
      autoPlay={!prefersStillness()}
      muted
      loop
      playsInline
      controls
      onError={onBroken}
      className="size-full animate-settle object-contain"
    >
      {/* Made without sound, so there is nothing to caption. */}
      <track kind="captions" />
    </video>
  );
}
