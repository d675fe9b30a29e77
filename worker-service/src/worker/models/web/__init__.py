"""Web pages for models: a browser that reaches nothing by itself, and what turns its pages into text."""
