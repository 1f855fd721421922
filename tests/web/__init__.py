"""The shared web parts: texts, headers, errors, assets, templates, and the pages in a browser."""
