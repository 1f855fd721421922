"""The guide: the Markdown files of `quart_app/guide`, in both languages, as pages at `/guide`.

The files hold the text, so that they can be read in the repository too; this package renders, searches and serves them.
"""

from quart_app.web.guide.views import guide_pages

__all__ = ["guide_pages"]
