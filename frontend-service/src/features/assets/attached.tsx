import { ImageOff, RotateCw, X } from "lucide-react";
import { useState } from "react";
import { AssetImage, BrokenMedia } from "@/components/media/asset-image";
import { Button } from "@/components/ui/button";
import { ProgressBar } from "@/components/ui/progress-bar";
import type { Attachment } from "@/lib/attachment";
import { formatBytes } from "@/lib/format";
import { useStore } from "@/lib/store";
import type { Upload } from "@/lib/upload";
import { useAsset } from "@/requests/asset";

interface AttachedProps {
  readonly attachment: Attachment;
  readonly onRemove: () => void;
}

/** The file that was added: what it is, how far its upload is, and the way to take it out again. */
export function Attached({ attachment, onRemove }: AttachedProps) {
  return (
    <div data-slot="attached" className="flex items-center gap-3 p-2.5">
      <div className="@container size-16 shrink-0 overflow-hidden rounded-md bg-sunken">
        <AttachmentImage attachment={attachment} alt="" className="size-full object-cover" />
      </div>
      <div className="min-w-0 flex-1">
        {attachment.kind === "upload" ? (
          <Sending upload={attachment.upload} />
        ) : (
          <Stored assetId={attachment.assetId} />
        )}
      </div>
      <Button look="quiet" size="icon" aria-label="Remove the picture" onClick={onRemove}>
        <X aria-hidden="true" className="size-4" />
      </Button>
    </div>
  );
}

function Sending({ upload }: { readonly upload: Upload }) {
  const state = useStore(upload);
  return (
    <>
      <p className="truncate font-medium">{upload.file.name}</p>
      {state.phase === "sending" && (
        <>
          <p className="tabular mt-0.5 text-xs text-muted">
            Uploading, {Math.round(state.fraction * 100)} % of {formatBytes(upload.file.size)}
          </p>
          <ProgressBar label="Upload" value={state.fraction} className="mt-2" />
        </>
      )}
      {state.phase === "ready" && <p className="mt-0.5 text-xs text-muted">{described(state.asset)}</p>}
      {state.phase === "failed" && (
        <div role="alert" className="mt-0.5 text-xs">
          <p className="text-bad">{state.error.message}</p>
          {state.error.hint && <p className="text-muted">{state.error.hint}</p>}
          {state.error.retryable && (
            <Button size="sm" className="mt-2" onClick={upload.start}>
              <RotateCw aria-hidden="true" className="size-3.5" /> Upload again
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function Stored({ assetId }: { readonly assetId: string }) {
  const asset = useAsset(assetId);
  return (
    <>
      <p className="truncate font-medium">{asset.data?.filename ?? "Your picture"}</p>
      <p className="mt-0.5 text-xs text-muted">
        {asset.data
          ? described(asset.data)
          : asset.isError
            ? "It is not there any more. Add another one."
            : "Looking it up"}
      </p>
    </>
  );
}

function described({
  width,
  height,
  bytes,
}: {
  width: number | null;
  height: number | null;
  bytes: number;
}): string {
  return [width && height ? `${width} × ${height}` : null, formatBytes(bytes)].filter(Boolean).join(", ");
}

interface AttachmentImageProps {
  readonly attachment: Attachment;
  readonly alt: string;
  readonly className?: string;
}

/** The picture itself: from this device at once, or from the store. */
export function AttachmentImage({ attachment, alt, className }: AttachmentImageProps) {
  if (attachment.kind === "stored") {
    return <AssetImage assetId={attachment.assetId} alt={alt} {...(className ? { className } : {})} />;
  }
  const url = attachment.upload.previewUrl;
  // The key: what was found out about one file says nothing about the next.
  return <LocalImage key={url} url={url} alt={alt} className={className} />;
}

/** A picture as it lies on this device. A browser cannot draw a broken one, and an old browser no AVIF. */
function LocalImage({ url, alt, className }: { url: string; alt: string; className: string | undefined }) {
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <BrokenMedia icon={ImageOff} what="No preview of this file." />;
  return <img src={url} alt={alt} draggable={false} className={className} onError={() => setBroken(true)} />;
}
