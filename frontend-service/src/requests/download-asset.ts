import { useMutation } from "@tanstack/react-query";
import { send } from "@/lib/api";

export interface Download {
  readonly assetId: string;
  readonly filename: string;
}

/** Saves an asset as a file, through the gateway: a signed address of another host would open instead of save. */
export function useDownloadAsset() {
  return useMutation({ mutationFn: download });
}

async function download({ assetId, filename }: Download): Promise<void> {
  const answer = await send(`/v1/assets/${assetId}/content?proxy=1`);
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  // The browser has taken the bytes over once the click's task is done.
  window.setTimeout(() => URL.revokeObjectURL(url), 0);
}
