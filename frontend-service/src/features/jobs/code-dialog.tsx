import { CopyButton } from "@/components/ui/copy-button";
import { Dialog } from "@/components/ui/dialog";
import { Tabs } from "@/components/ui/tabs";
import type { JobView } from "@/schema/api.gen";
import { snippetsOf } from "./snippets";

interface CodeDialogProps {
  readonly job: JobView;
  readonly onClose: () => void;
}

export function CodeDialog({ job, onClose }: CodeDialogProps) {
  const tabs = snippetsOf(job, window.location.origin).map(({ name, code }) => ({
    name,
    content: (
      <div className="relative">
        <section
          aria-label={`${name} code`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard.
          tabIndex={0}
          className="max-h-[60vh] overflow-auto p-5 pb-16 font-mono text-xs leading-5"
        >
          <pre className="font-mono">
            <code>{code}</code>
          </pre>
        </section>
        <div className="absolute right-4 bottom-4">
          <CopyButton label={`Copy ${name}`} text={code} />
        </div>
      </div>
    ),
  }));
  return (
    <Dialog title="The same job as code" onClose={onClose}>
      <Tabs label="Language" tabs={tabs} />
    </Dialog>
  );
}
