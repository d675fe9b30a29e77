"""What every process needs around the work: settings, logs, health."""
