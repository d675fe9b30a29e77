"""Local diffusion pipelines: loading what an operator put into a folder, and running it under a job's context."""
