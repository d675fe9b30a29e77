import { useAsset } from "@/requests/asset";
import type { JobView } from "@/schema/api.gen";
import { inputAssetOf, promptOf } from "./job-words";

interface JobNameProps {
  readonly job: JobView;
  readonly modelTitle: string;
}

/** What a person calls a job: its words, the name of the file it was made from, else its model. */
export function JobName({ job, modelTitle }: JobNameProps) {
  const words = promptOf(job);
  const asset = inputAssetOf(job);
  if (words) return words;
  if (asset) return <FileName assetId={asset} otherwise={modelTitle} />;
  return modelTitle;
}

function FileName({ assetId, otherwise }: { readonly assetId: string; readonly otherwise: string }) {
  const asset = useAsset(assetId);
  return asset.data?.filename || otherwise;
}
