/** A job as code: what a program would send to get exactly this. The key is never written out. */
import type { JobView } from "@/schema/api.gen";

export interface Snippet {
  readonly name: string;
  readonly code: string;
}

export function snippetsOf(job: Pick<JobView, "model" | "input">, origin: string): readonly Snippet[] {
  const body = { model: job.model, input: job.input };
  return [
    { name: "curl", code: curl(body, origin) },
    { name: "Python", code: python(body, origin) },
    { name: "TypeScript", code: typescript(body, origin) },
  ];
}

function curl(body: object, origin: string): string {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `# A picture of your own becomes an asset first:
#   curl ${origin}/v1/assets -H "$AUTH" -F file=@photo.jpg
AUTH="Authorization: Bearer $REELWORK_API_KEY"
curl ${origin}/v1/jobs \\
  -H "$AUTH" \\
  -H "Content-Type: application/json" \\
  -d '${json}'

# Follow it, with the id from the answer:
curl -N ${origin}/v1/jobs/JOB_ID/events -H "$AUTH"`;
}

function python(body: object, origin: string): string {
  return `import os
import time

import httpx

api = httpx.Client(
    base_url="${origin}",
    headers={"Authorization": f"Bearer {os.environ['REELWORK_API_KEY']}"},
    follow_redirects=True,
)
# A picture of your own: api.post("/v1/assets", files={"file": open("photo.jpg", "rb")}).json()["id"]
job = api.post("/v1/jobs", json=${pythonLiteral(body)}).raise_for_status().json()

while not job["is_terminal"]:
    time.sleep(job["poll_after_ms"] / 1000)
    job = api.get(job["urls"]["self"]).raise_for_status().json()

if not job["is_success"]:
    raise SystemExit(job["error"]["message"] if job["error"] else job["status"])
for output in job["outputs"]:
    with open(output["name"], "wb") as file:
        file.write(api.get(output["url"]).raise_for_status().content)`;
}

function typescript(body: object, origin: string): string {
  return `const origin = "${origin}";
const headers = { Authorization: \`Bearer \${process.env.REELWORK_API_KEY}\` };

async function ask(path: string, init: RequestInit = {}) {
  const answer = await fetch(new URL(path, origin), { ...init, headers: { ...headers, ...init.headers } });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

let job = await ask("/v1/jobs", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(${indented(JSON.stringify(body, null, 2), 2)}),
});
while (!job.is_terminal) {
  await new Promise((done) => setTimeout(done, job.poll_after_ms));
  job = await ask(job.urls.self);
}
if (!job.is_success) throw new Error(job.error?.message ?? job.status);
console.log(job.outputs.map((output: { url: string }) => new URL(output.url, origin).href));`;
}

/** JSON with Python's words for true, false and null, outside of strings. */
function pythonLiteral(value: unknown): string {
  return JSON.stringify(value, null, 4).replace(
    /"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g,
    (token) => ({ true: "True", false: "False", null: "None" })[token] ?? token,
  );
}

function indented(text: string, spaces: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}
