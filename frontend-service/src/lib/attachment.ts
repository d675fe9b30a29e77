import type { Upload } from "@/lib/upload";

/** What fills an asset field: a file that is (or was) being uploaded here, or bytes that are stored already. */
export type Attachment =
  | { readonly kind: "upload"; readonly upload: Upload }
  | { readonly kind: "stored"; readonly assetId: string };

/** The id to put into a job's input; null while the upload is not done. */
export function assetIdOf(attachment: Attachment): string | null {
  if (attachment.kind === "stored") return attachment.assetId;
  const state = attachment.upload.get();
  return state.phase === "ready" ? state.asset.id : null;
}

export function discard(attachment: Attachment | null | undefined): void {
  if (attachment?.kind === "upload") attachment.upload.discard();
}
