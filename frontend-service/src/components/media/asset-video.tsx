import { VideoOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { BrokenMedia } from "@/components/media/asset-image";
import { useRenewedLink } from "@/components/media/use-renewed-link";
import { Skeleton } from "@/components/ui/skeleton";
import { prefersStillness } from "@/lib/stillness";

interface AssetVideoProps {
  readonly assetId: string;
  readonly label: string;
  /** Stands in the film's place until its first frame is there. */
  readonly meanwhile: ReactNode;
}

/** A stored film: plays at once, muted and looped, unless the person asked for less motion; full screen by its controls. */
export function AssetVideo({ assetId, label, meanwhile }: AssetVideoProps) {
  const { url, isBroken, onBroken } = useRenewedLink(assetId);
  const [isThere, setThere] = useState(false);
  if (isBroken) return <BrokenMedia icon={VideoOff} what="This film cannot be loaded." />;
  return (
    <>
      {!isThere && <div className="absolute inset-0">{meanwhile ?? <Skeleton className="size-full" />}</div>}
      {url && (
        <video
          key={url}
          src={url}
          aria-label={label}
          autoPlay={!prefersStillness()}
          muted
          loop
          playsInline
          controls
          onLoadedData={() => setThere(true)}
          onError={onBroken}
          className="relative size-full object-contain"
        >
          {/* Made without sound, so there is nothing to caption. */}
          <track kind="captions" />
        </video>
      )}
    </>
  );
}
