import { useEffect, useState, useSyncExternalStore } from "react";
import { type Draft, inputOf, type Readiness, withSource } from "@/features/create/draft";
import { type Field, fieldsOf, type Source } from "@/features/create/schema-fields";
import { type Attachment, discard } from "@/lib/attachment";
import { Upload } from "@/lib/upload";
import type { JsonValue, ModelView } from "@/schema/api.gen";

export interface DraftEditor {
  readonly draft: Draft;
  readonly model: ModelView | undefined;
  readonly fields: readonly Field[];
  readonly readiness: Readiness;
  readonly isUploading: boolean;
  readonly setSource: (source: Source) => void;
  readonly setModel: (name: string) => void;
  readonly setPrompt: (prompt: string) => void;
  readonly setValue: (name: string, value: JsonValue) => void;
  readonly setPicture: (picture: File | Attachment | null) => void;
  readonly setAttachment: (name: string, file: File | null) => void;
}

/** The draft in hand, with what can be done to it. Uploads begin at once, so that sending need not wait for them. */
export function useDraft(models: readonly ModelView[], initial: Draft): DraftEditor {
  const [draft, setDraft] = useState(initial);
  const model = models.find(({ name }) => name === draft.model);
  const fields = model ? fieldsOf(model) : [];
  const attachments = [draft.picture, ...Object.values(draft.attachments)];
  const uploads = attachments.flatMap((one) => (one?.kind === "upload" ? [one.upload] : []));
  const phases = useUploadPhases(uploads);

  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  return {
    draft,
    model,
    fields,
    readiness: inputOf(draft, fields),
    isUploading: phases.includes("sending"),
    setSource: (source) => setDraft((now) => withSource(now, source, models)),
    setModel: (name) => change({ model: name }),
    setPrompt: (prompt) => change({ prompt }),
    setValue: (name, value) => setDraft((now) => ({ ...now, values: { ...now.values, [name]: value } })),
    setPicture: (picture) => {
      discard(draft.picture);
      const next = picture instanceof File ? attach(picture) : picture;
      setDraft((now) => ({ ...withSource(now, "picture", models), picture: next }));
    },
    setAttachment: (name, file) => {
      discard(draft.attachments[name]);
      const { [name]: _replaced, ...others } = draft.attachments;
      change({ attachments: file ? { ...others, [name]: attach(file) } : others });
    },
  };
}

function attach(file: File): Attachment {
  return { kind: "upload", upload: new Upload(file) };
}

/** The phase of each upload, as one text so that only a real change draws the form again. */
function useUploadPhases(uploads: readonly Upload[]): string {
  const watch = (changed: () => void) => {
    const ends = uploads.map((upload) => upload.watch(changed));
    return () => {
      for (const end of ends) end();
    };
  };
  const phases = useSyncExternalStore(watch, () => uploads.map((upload) => upload.get().phase).join());

  useEffect(() => {
    // Leaving the page in mid-upload would lose it silently.
    if (!phases.includes("sending")) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [phases]);

  return phases;
}
