/** Uppy's aws-s3 plugin on /v1/uploads: its five callbacks are the five calls. Take it over into your own page. */

import AwsS3 from "@uppy/aws-s3";
import Uppy, { type UppyFile } from "@uppy/core";
import type { components } from "../src/schema/api.gen.ts";

type Upload = components["schemas"]["UploadView"];
type Deduplicated = components["schemas"]["DeduplicatedUpload"];
type PartUrls = components["schemas"]["PartUrls"];
type Asset = components["schemas"]["AssetView"];
type Meta = Record<string, unknown>;
type Body = Record<string, unknown>;
type File = UppyFile<Meta, Body>;

const PART_BYTES = 5 * 1024 * 1024;

export interface Api {
  url: string;
  key: string;
}

/** An Uppy that sends to Reelwork; `upload-success` tells the asset's id as `response.body.location`. */
export function uploader(api: Api): Uppy<Meta, Body> {
  return new Uppy<Meta, Body>().use(AwsS3, {
    shouldUseMultipart: true,
    getChunkSize: () => PART_BYTES,
    createMultipartUpload: async (file) =>
      begun(await post<Upload | Deduplicated>(api, "", await declared(file))),
    listParts: async (_file, { uploadId, signal }) => {
      const upload = await call<Upload>(api, `/${uploadId}`, { signal });
      return upload.received.map((part) => ({ PartNumber: part.n, Size: part.bytes, ETag: part.etag }));
    },
    signPart: async (_file, { uploadId, partNumber, signal }) => {
      const signed = await post<PartUrls>(api, `/${uploadId}/parts`, { parts: [partNumber] }, signal);
      return { url: signed.parts[0]?.url ?? "" };
    },
    completeMultipartUpload: async (_file, { uploadId, parts, signal }) => {
      const named = parts.map((part) => ({ n: part.PartNumber, etag: part.ETag }));
      return { location: await completed(api, uploadId, named, signal) };
    },
    abortMultipartUpload: async (_file, { uploadId }) => {
      await call(api, `/${uploadId}`, { method: "DELETE" });
    },
  });
}

async function declared(file: File) {
  const content = await (file.data as Blob).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return {
    filename: file.name ?? "",
    content_type: file.type,
    bytes: content.byteLength,
    sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    part_bytes: PART_BYTES,
  };
}

/** The plugin's names for an upload. Bytes that the account has are nothing to send: ask /v1/assets/by-hash first. */
function begun(answer: Upload | Deduplicated) {
  if (!("id" in answer)) throw new Error(`Already there: ${answer.asset.id}`);
  return { uploadId: answer.id, key: answer.asset_id };
}

/** The asset's id, as soon as the bytes are checked: 202 says that they are being looked at. */
async function completed(
  api: Api,
  uploadId: string,
  parts: { n?: number; etag?: string }[],
  signal?: AbortSignal,
) {
  for (;;) {
    const answer = await post<Upload | Asset>(api, `/${uploadId}/complete`, { parts }, signal);
    if (answer.object === "asset") return answer.id;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function post<T>(api: Api, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>(api, path, { method: "POST", body: JSON.stringify(body), signal });
}

async function call<T>(api: Api, path: string, init: RequestInit): Promise<T> {
  const headers = { "X-API-Key": api.key, "Content-Type": "application/json" };
  const answer = await fetch(`${api.url}/v1/uploads${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(((await answer.json()) as { detail: string }).detail);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}
