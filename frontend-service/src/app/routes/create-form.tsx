import { Image, Type, WandSparkles } from "lucide-react";
import type { FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Segmented } from "@/components/ui/segmented";
import { Attached } from "@/features/assets/attached";
import { DropZone } from "@/features/assets/drop-zone";
import { usePastedFile } from "@/features/assets/use-pasted-file";
import { complaintsBesides, modelsFor } from "@/features/create/draft";
import { PromptBox } from "@/features/create/prompt-box";
import { primaryAsset, primaryPrompt, takesFilms } from "@/features/create/schema-fields";
import { SchemaForm } from "@/features/create/schema-form";
import { ModelPicker } from "@/features/models/model-picker";
import { ApiError } from "@/lib/api-error";
import type { FieldProblem, ModelView } from "@/schema/api.gen";
import type { DraftEditor } from "./use-draft";

interface CreateFormProps {
  readonly editor: DraftEditor;
  readonly models: readonly ModelView[];
  readonly problems: Readonly<Record<string, string>>;
  readonly isSending: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
}

const SOURCES = [
  {
    value: "picture",
    label: (
      <>
        <Image aria-hidden="true" className="size-4" /> From a picture
      </>
    ),
  },
  {
    value: "words",
    label: (
      <>
        <Type aria-hidden="true" className="size-4" /> From words
      </>
    ),
  },
] as const;

export function CreateForm({ editor, models, problems, isSending, error, onSubmit }: CreateFormProps) {
  const { draft, model, fields, isUploading } = editor;
  const [picture, prompt] = [primaryAsset(fields), primaryPrompt(fields)];
  const settings = fields.filter((field) => field !== picture && field !== prompt);
  const unsaid = error instanceof ApiError ? complaintsBesides(fields, error.fields) : [];
  usePastedFile(editor.setPicture);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };

  return (
    <form noValidate onSubmit={submit} aria-label="What to make" className="min-w-0 space-y-6">
      <div className="space-y-3">
        <Segmented label="Start from" value={draft.source} segments={SOURCES} onChange={editor.setSource} />
        {picture && (
          <DropZone
            label={takesFilms(picture) ? "Add a film" : "Add a picture"}
            accept={picture.accept}
            problem={problems[picture.name]}
            onFile={editor.setPicture}
          >
            {draft.picture && (
              <Attached attachment={draft.picture} onRemove={() => editor.setPicture(null)} />
            )}
          </DropZone>
        )}
        {prompt && model && (
          <PromptBox
            field={prompt}
            model={model}
            value={draft.prompt}
            problem={problems[prompt.name]}
            onChange={editor.setPrompt}
            onSubmit={onSubmit}
          />
        )}
      </div>
      <ModelPicker models={modelsFor(draft.source, models)} chosen={draft.model} onChoose={editor.setModel} />
      <SchemaForm
        key={draft.model}
        fields={settings}
        values={draft.values}
        problems={problems}
        onChange={editor.setValue}
        renderAsset={(field, problem) => {
          const attachment = draft.attachments[field.name];
          return (
            <DropZone
              size="row"
              label={field.label}
              accept={field.accept}
              problem={problem}
              onFile={(file) => editor.setAttachment(field.name, file)}
            >
              {attachment && (
                <Attached attachment={attachment} onRemove={() => editor.setAttachment(field.name, null)} />
              )}
            </DropZone>
          );
        }}
      />
      <div className="sticky bottom-0 z-10 -mx-4 space-y-3 bg-linear-to-t from-page from-75% to-transparent px-4 pt-4 pb-4 lg:-mx-1 lg:px-1">
        {error !== null && error !== undefined && !isAnswered(error, unsaid) && (
          <ErrorPanel what="It could not be sent" error={error} complaints={unsaid} onRetry={onSubmit} />
        )}
        <Button
          look="primary"
          size="lg"
          type="submit"
          disabled={isSending || isUploading || !model?.available}
          className="w-full"
        >
          <WandSparkles aria-hidden="true" className="size-4" /> {buttonWords(isSending, isUploading, model)}
        </Button>
      </div>
    </form>
  );
}

function buttonWords(isSending: boolean, isUploading: boolean, model: ModelView | undefined): string {
  if (isSending) return "Sending";
  if (isUploading) return "Uploading";
  if (model && !model.available) return "Not available now";
  if (model?.produces.some((type) => type.startsWith("video/"))) return "Make the film";
  return model?.produces.some((type) => type.startsWith("image/")) ? "Make the picture" : "Make it";
}

/** True when every complaint stands beside a field already, so that it need not be said twice. */
function isAnswered(error: unknown, unsaid: readonly FieldProblem[]): boolean {
  return error instanceof ApiError && error.fields.length > 0 && unsaid.length === 0;
}
