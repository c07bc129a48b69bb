"""The paperwork of the book: profiles, provenance, metrics, claims, figures."""

import sys

# Half of the time that nbformat takes to be imported, in two processes for each page, goes to this
# package: jsonschema would check the addresses of web pages by it, of which notebooks state none.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
